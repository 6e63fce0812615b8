"""The requests of docs/bad-input.md, by the id of their row."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.integration.events.conftest import BATCHED, PATH, STRUCTURED, EventsService
from tests.integration.events.samples import batch, encoded, event, transaction
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer

Case = Callable[[EventsService], Awaitable[httpx.Response]]
BUSINESS_DATE = "/events/v1/business-date"


def _sent(content: bytes, content_type: str = STRUCTURED, **headers: str) -> Case:
    return lambda events: events.send(content, content_type=content_type, **headers)


def _data(**changes: Any) -> Case:
    """One event whose data have these changes; a change to None takes the field away."""
    data = {name: value for name, value in transaction(**changes).items() if value is not None}
    return _sent(encoded(event(data=data)))


def _raw(old: str, new: bytes) -> Case:
    """One event with a text of its JSON replaced, for what no JSON writer would write."""
    return _sent(encoded(event(data=transaction(counterparty_bank="AB"))).replace(old.encode(), new))


def _attributes(**changes: Any) -> Case:
    return _sent(encoded(event(**changes)))


def _binary(*headers: tuple[str, str]) -> Case:
    async def case(events: EventsService) -> httpx.Response:
        named = [("content-type", "application/json"), *headers]
        return await events.http.post(PATH, content=encoded(transaction()), headers=named)

    return case


ATTRIBUTES = (
    ("ce-specversion", "1.0"),
    ("ce-source", "/core-banking"),
    ("ce-type", "bank.transaction.posted.v1"),
    ("ce-time", "2024-06-14T09:00:00Z"),
)


def _token(make: Callable[[EventsService], str]) -> Case:
    async def case(events: EventsService) -> httpx.Response:
        return await events.send(encoded(event()), authorization=make(events))

    return case


async def _no_token(events: EventsService) -> httpx.Response:
    del events.http.headers["authorization"]
    return await events.send(encoded(event()))


def _broken_token(events: EventsService) -> str:
    head, _, signature = events.token().rpartition(".")
    return f"Bearer {head}.{'A' * len(signature)}"


def _unsigned(_events: EventsService) -> str:
    claims = {"iss": "urn:tierflow:embedded", "aud": "tierflow", "sub": "x", "exp": 4_000_000_000}
    key = OctKey.import_key("0" * 32)
    signed = jwt.encode({"alg": "HS256"}, claims, key)
    return f"Bearer eyJhbGciOiJub25lIn0.{signed.split('.')[1]}."


def _issued(events: EventsService, **changes: str) -> str:
    settings = ServiceSettings(data_dir=events.settings.data_dir, **changes)  # type: ignore[arg-type]
    return f"Bearer {EmbeddedIssuer.of(settings, events.clock).mint('x', ['events:write'], timedelta(hours=1))}"


def _expired(events: EventsService) -> str:
    return f"Bearer {events.token(lifetime=timedelta(hours=-1))}"


async def _conflict(events: EventsService) -> httpx.Response:
    await events.send(encoded(event(1)))
    return await events.send(encoded(event(1, data=transaction(direction="debit"))))


async def _batch_with_conflict(events: EventsService) -> httpx.Response:
    await events.send(encoded(event(1)))
    return await events.send(batch(event(2), event(1, data=transaction(direction="debit"))), content_type=BATCHED)


async def _stream(events: EventsService) -> httpx.Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 50_000

    return await events.http.post(PATH, content=parts(), headers={"content-type": BATCHED})


async def _no_content_type(events: EventsService) -> httpx.Response:
    return await events.http.post(PATH, content=encoded(event()))


def _get(path: str, method: str = "GET") -> Case:
    return lambda events: events.http.request(method, path)


def _body(content: bytes, content_type: str = "application/json") -> Case:
    return lambda events: events.http.post(BUSINESS_DATE, content=content, headers={"content-type": content_type})


_GOOD_BATCH = batch(event(0), event(1))

CASES: dict[str, Case] = {
    "wrong-type": _data(transaction_id=7),
    "number-for-money": _data(amount={"value": 12.5, "currency": "CZK"}),
    "nan": _raw('"1200.50"', b"NaN"),
    "infinite-number": _raw('"1200.50"', b"1e400"),
    "huge-number": _raw('"1200.50"', b"9" * 5_000),
    "huge-amount": _data(amount={"value": "9" * 13, "currency": "CZK"}),
    "negative-amount": _data(amount={"value": "-1", "currency": "CZK"}),
    "unknown-currency": _data(amount={"value": "1", "currency": "XXX"}),
    "too-many-decimals": _data(amount={"value": "1.505", "currency": "CZK"}),
    "missing-field": _data(customer_id=None),
    "null-field": _raw('"C-1"', b"null"),
    "unknown-field": _data(colour="red"),
    "nested-unknown-field": _data(amount={"value": "1", "currency": "CZK", "cents": 1}),
    "unknown-enum": _data(direction="sideways"),
    "data-not-an-object": _sent(encoded(event(data=[1]))),
    "bad-id-characters": _data(customer_id="C 1"),
    "line-break-in-id": _data(customer_id="C-1\n"),
    "long-text": _data(counterparty_bank="x" * 300),
    "nul": _data(counterparty_bank="a\x00b"),
    "lone-surrogate": _raw('"AB"', b'"\\ud800"'),
    "bad-utf-8": _raw('"AB"', b'"\xff"'),
    "deep-json": _raw('"AB"', b"[" * 10_000 + b"]" * 10_000),
    "impossible-date": _data(booking_date="2024-02-31"),
    "future-date": _data(booking_date="2024-06-17"),
    "date-in-1900": _data(booking_date="1900-01-01"),
    "naive-time": _attributes(time="2024-06-14T09:00:00"),
    "future-time": _attributes(time="2024-06-15T13:00:00Z"),
    "time-in-1900": _attributes(time="1900-01-01T00:00:00Z"),
    "bad-specversion": _attributes(specversion="0.3"),
    "missing-id": _attributes(id=None),
    "long-id": _attributes(id="x" * 129),
    "long-source": _attributes(source="x" * 201),
    "unknown-attribute": _attributes(partitionkey="C-1"),
    "data-base64": _attributes(data_base64="AAAA"),
    "unknown-type": _attributes(type="bank.weather.changed.v1"),
    "outbound-type": _attributes(type="tierflow.sale.confirmed.v1"),
    "wrong-data-content-type": _attributes(datacontenttype="text/xml"),
    "bad-traceparent": _attributes(traceparent="00-1-2-3"),
    "same-id-other-content": _conflict,
    "not-json": _sent(b"hello"),
    "empty-body": _sent(b""),
    "byte-order-mark": _sent(b"\xef\xbb\xbf" + encoded(event())),
    "half-bad-batch": _sent(batch(event(1), event(2, data=transaction(direction="x")), event(3)), BATCHED),
    "batch-with-conflict": _batch_with_conflict,
    "conflict-inside-batch": _sent(batch(event(1), event(1, data=transaction(direction="debit"))), BATCHED),
    "batch-item-not-an-event": _sent(encoded([event(1), 7]), BATCHED),
    "batch-not-an-array": _sent(encoded(event()), BATCHED),
    "batch-not-json": _sent(_GOOD_BATCH[:-10], BATCHED),
    "batch-with-nan": _sent(_GOOD_BATCH[:-200] + _GOOD_BATCH[-200:].replace(b'"1200.50"', b"NaN"), BATCHED),
    "too-many-events": _sent(encoded([{}] * 1_001), BATCHED),
    "huge-batch": _sent(b" " * 1_048_577, BATCHED),
    "huge-body": _sent(b" " * 65_537),
    "huge-stream": _stream,
    "wrong-content-type": _sent(encoded(event()), "text/plain"),
    "no-content-type": _no_content_type,
    "binary-without-attributes": _binary(),
    "binary-unknown-attribute": _binary(*ATTRIBUTES, ("ce-id", "E-1"), ("ce-partitionkey", "C-1")),
    "binary-bad-escape": _binary(*ATTRIBUTES, ("ce-id", "%FF")),
    "binary-twice": _binary(*ATTRIBUTES, ("ce-id", "E-1"), ("ce-id", "E-2")),
    "no-token": _no_token,
    "not-bearer": _token(lambda _: "Basic dGVzdDp0ZXN0"),
    "broken-token": _token(_broken_token),
    "unsigned-token": _token(_unsigned),
    "expired-token": _token(_expired),
    "wrong-audience": _token(lambda events: _issued(events, audience="somebody-else")),
    "wrong-issuer": _token(lambda events: _issued(events, issuer="urn:somebody-else")),
    "wrong-scope": _token(lambda events: f"Bearer {events.token('events:read')}"),
    "unknown-path": _get("/events/v1/nothing"),
    "wrong-method": _get(PATH, "DELETE"),
    "nul-in-path": _get("/events/v1/dead-letters/a%00b"),
    "bad-utf-8-in-path": _get("/events/v1/dead-letters/a%ffb"),
    "unknown-query": _get("/events/v1/dead-letters?colour=red"),
    "bad-cursor": _get("/events/v1/dead-letters?cursor=bm90aGluZw"),
    "bad-limit": _get("/events/v1/dead-letters?limit=100000"),
    "body-not-json": _body(b"hello"),
    "body-empty": _body(b""),
    "body-unknown-field": _body(b'{"business_date":"2024-06-15","colour":"red"}'),
    "body-number-for-date": _body(b'{"business_date":20240615}'),
    "body-nan": _body(b'{"business_date":NaN}'),
    "body-deep": _body(b'{"business_date":' + b"[" * 100 + b"]" * 100 + b"}"),
    "body-nul": _body(b'{"business_date":"\\u0000"}'),
    "body-lone-surrogate": _body(b'{"business_date":"\\ud800"}'),
    "body-content-type": _body(b"business_date=2024-06-15", "application/x-www-form-urlencoded"),
}
