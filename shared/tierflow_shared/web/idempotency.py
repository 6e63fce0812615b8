"""`Idempotency-Key`: a POST that is sent again gives the first answer again and does nothing more."""

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from tierflow_shared.store.database import Database
from tierflow_shared.store.tables import SharedTables
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem, conflict

FIELD: Final = "header.idempotency-key"
_PURGE_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """What makes a request the same request: the caller's key, the route, and a digest of target and body."""

    key: str | None
    route: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action has to say: a status and the document of the response."""

    status: int
    document: BaseModel


async def idempotent_call(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(pattern=r"^[\x21-\x7e]{1,128}$", description="1 to 128 printable characters; the same for a repetition"),
    ] = None,
) -> IdempotentCall:
    """The dependency of creating routes: `call: Annotated[IdempotentCall, Depends(idempotent_call)]`."""
    route = getattr(request.scope.get("route"), "path", "")
    if idempotency_key is None:
        return IdempotentCall(None, route, b"")
    digest = hashlib.blake2b(f"{request.method} {request.url.path}\n".encode(), digest_size=16)
    digest.update(await request.body())
    return IdempotentCall(idempotency_key, route, digest.digest())


class Idempotency:
    """Remembers answers in the service's database, in the transaction of the effect.

    Actions run one after the other, in all processes of the service, so what an action reads holds when it writes.
    """

    def __init__(self, database: Database, *, keep: timedelta) -> None:
        self._database, self._keep = database, keep
        self._in_flight: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._stored = 0

    def run(self, call: IdempotentCall, caller: Principal, action: Callable[[UnitOfWork], Answer]) -> Response:
        """Runs `action` in one transaction and answers; with a key seen before, answers as before.

        Blocking: call it from a worker thread. Problems that `action` raises are not remembered.

        Raises:
            Problem: 422 the key was used with another body; 409 the first request is still being answered.
        """
        if call.key is None:
            with self._database.writing(alone=True) as uow:
                return _response(action(uow))
        scope = (f"{caller.identity} {call.route}", call.key)
        self._enter(scope)
        try:
            with self._database.writing(alone=True) as uow:
                return self._run_in(uow, scope, call.request_hash, action)
        except IntegrityError:
            if self._is_known(scope):
                raise _in_flight() from None
            raise
        finally:
            with self._lock:
                self._in_flight.discard(scope)

    async def run_repeatable(
        self, call: IdempotentCall, caller: Principal, action: Callable[[], Awaitable[Answer]]
    ) -> Response:
        """Like `run` for an action that publishes: it must be safe to repeat, for it is repeated when a crash comes
        between its effect and the remembered answer.

        Raises:
            Problem: as `run`.
        """
        if call.key is None:
            return _response(await action())
        scope = (f"{caller.identity} {call.route}", call.key)
        self._enter(scope)
        try:
            known = await asyncio.to_thread(self._known, scope, call.request_hash)
            if known is not None:
                return known
            answer = await action()
            return await asyncio.to_thread(self._remember, scope, call.request_hash, answer)
        finally:
            with self._lock:
                self._in_flight.discard(scope)

    def _known(self, scope: tuple[str, str], request_hash: bytes) -> Response | None:
        with self._database.reading() as connection:
            return _answered(connection, self._database.tables, scope, request_hash)

    def _remember(self, scope: tuple[str, str], request_hash: bytes, answer: Answer) -> Response:
        with self._database.writing(alone=True) as uow:
            return self._run_in(uow, scope, request_hash, lambda _: answer)

    def _enter(self, scope: tuple[str, str]) -> None:
        with self._lock:
            if scope in self._in_flight:
                raise _in_flight()
            self._in_flight.add(scope)

    def _run_in(
        self, uow: UnitOfWork, scope: tuple[str, str], request_hash: bytes, action: Callable[[UnitOfWork], Answer]
    ) -> Response:
        table = uow.tables.idempotency
        known = _answered(uow.connection, uow.tables, scope, request_hash)
        if known is not None:
            return known
        response = _response(action(uow))
        now_ms = int(uow.now.timestamp() * 1000)
        uow.connection.execute(
            insert(table).values(
                scope=scope[0],
                key=scope[1],
                request_hash=request_hash,
                status=response.status_code,
                response=bytes(response.body),
                created_at_ms=now_ms,
            )
        )
        self._purge(uow, now_ms)
        return response

    def _purge(self, uow: UnitOfWork, now_ms: int) -> None:
        self._stored += 1
        if self._stored % _PURGE_EVERY == 0:
            table = uow.tables.idempotency
            oldest_ms = now_ms - int(self._keep.total_seconds() * 1000)
            uow.connection.execute(delete(table).where(table.c.created_at_ms < oldest_ms))

    def _is_known(self, scope: tuple[str, str]) -> bool:
        table = self._database.tables.idempotency
        with self._database.reading() as connection:
            found = connection.execute(select(table.c.key).where(table.c.scope == scope[0], table.c.key == scope[1]))
            return found.first() is not None


def _answered(
    connection: Connection, tables: SharedTables, scope: tuple[str, str], request_hash: bytes
) -> Response | None:
    table = tables.idempotency
    where = (table.c.scope == scope[0], table.c.key == scope[1])
    row = connection.execute(select(table).where(*where)).first()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise _other_body()
    return Response(row.response, row.status, {"Idempotency-Replayed": "true"}, "application/json")


def _response(answer: Answer) -> Response:
    return Response(answer.document.model_dump_json().encode(), answer.status, media_type="application/json")


def _in_flight() -> Problem:
    detail = "the first request with this key is still being answered"
    return conflict(detail, code="in-flight", field=FIELD, rule="in-flight")


def _other_body() -> Problem:
    detail = "this key was used with another request"
    return Problem(422, "idempotency-key-reused", "Key used before", detail, field=FIELD, rule="same-request")
