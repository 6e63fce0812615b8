"""Health: live means that work moves, ready means that what it needs answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Response

from tierflow_shared.bus.port import Bus
from tierflow_shared.contracts.registry import DEAD_LETTERS
from tierflow_shared.metrics import ServiceMetrics, exposition
from tierflow_shared.store.database import Database
from tierflow_shared.web.auth import PUBLIC
from tierflow_shared.web.models import ProblemDocument
from tierflow_shared.web.problems import unavailable
from tierflow_shared.web.routing import StrictRoute

CHECK_TIMEOUT_S: Final = 2.0
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

IsLive = Callable[[], bool]
Check = Callable[[], Awaitable[None]]


class Health:
    """What must move and what must answer. Parts add themselves while the service is wired together."""

    def __init__(self) -> None:
        self._watchdogs: dict[str, IsLive] = {}
        self._dependencies: dict[str, Check] = {}
        self.draining = False

    def watch(self, name: str, is_live: IsLive) -> None:
        """`is_live` says whether this part still makes progress; False asks for a restart."""
        self._watchdogs[name] = is_live

    def depend(self, name: str, check: Check) -> None:
        """`check` returns when the dependency answers, and raises when it does not."""
        self._dependencies[name] = check

    def stuck(self) -> list[str]:
        """The parts that make no progress."""
        return [name for name, is_live in self._watchdogs.items() if not is_live()]

    async def missing(self) -> list[str]:
        """The dependencies that do not answer in time."""
        if self.draining:
            return ["shutdown"]
        answers = await asyncio.gather(*(self._answers(check) for check in self._dependencies.values()))
        return [name for name, answered in zip(self._dependencies, answers, strict=True) if not answered]

    @staticmethod
    async def _answers(check: Check) -> bool:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check()
        except Exception:  # whatever a driver raises, it did not answer
            return False
        return True


def database_answers(database: Database) -> Check:
    """A check that reads from the database."""

    async def check() -> None:
        await asyncio.to_thread(database.ping)

    return check


def log_answers(bus: Bus) -> Check:
    """A check that asks the log for a topic."""

    async def check() -> None:
        await bus.partitions(DEAD_LETTERS)

    return check


def health_router(service: str, health: Health, metrics: ServiceMetrics) -> APIRouter:
    """`/livez`, `/readyz` and `/metrics`, at the root and under the service's own prefix."""
    router = APIRouter(tags=["health"], route_class=StrictRoute, dependencies=[PUBLIC])
    problem: dict[int | str, dict[str, Any]] = {503: {"model": ProblemDocument, "description": "which part"}}

    async def livez() -> dict[str, str]:
        """200 while every consumer and relay of this process makes progress."""
        return _answer("stuck", health.stuck())

    async def readyz() -> dict[str, str]:
        """200 while database, log and keys answer."""
        return _answer("missing", await health.missing())

    async def show_metrics() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(exposition([metrics]), media_type=_METRICS_TYPE)

    for prefix, listed in ((f"/{service}", True), ("", False)):
        add = router.add_api_route
        add(f"{prefix}/livez", livez, include_in_schema=listed, responses=problem)
        add(f"{prefix}/readyz", readyz, include_in_schema=listed, responses=problem)
        add(f"{prefix}/metrics", show_metrics, include_in_schema=listed, response_class=Response)
    return router


def _answer(member: str, names: list[str]) -> dict[str, str]:
    if names:
        detail = f"{member}: {', '.join(names)}"
        raise unavailable(detail, extra={member: names})
    return {"status": "ok"}


__all__ = ["Check", "Health", "IsLive", "database_answers", "health_router", "log_answers"]
