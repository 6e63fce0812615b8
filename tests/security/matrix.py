"""The security matrix: every route asked by everybody who could ask, compared with what its row declares.

A row says which scope a route needs, and what tokens of one customer and of one manager get: `no` (403), `own` (what
is theirs; the rest looks unknown), `list` (a list of what is theirs), `any` (the route is about nobody).
"""

import csv
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import httpx

from tests.security.tokens import RULES
from tests.security.world import DAY, FOREIGN, OWN, SOURCE, UNKNOWN, WEEK_END, World, event, sale
from tierflow_shared.web.scopes import ALL_SCOPES

TABLE: Final = Path(__file__).with_name("matrix.csv")
PUBLIC: Final = "public"
Reach = Literal["no", "own", "list", "any", ""]
ALL: Final = frozenset(ALL_SCOPES)


class Row(NamedTuple):
    """One route as declared."""

    method: str
    path: str
    scope: str
    customer: Reach
    rm: Reach

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Case:
    """One question to a route: who asks for whose thing, and the status (and rule) that must come back."""

    name: str
    headers: Mapping[str, str]
    whose: str
    wanted: str
    rule: str = ""
    confined_to: str = ""


def rows() -> list[Row]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [Row(*line) for line in list(csv.reader(file))[1:]]  # type: ignore[arg-type]


def routes(documents: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Method and path of every operation of these OpenAPI documents."""
    return {
        (method.upper(), path)
        for document in documents.values()
        for path, operations in document["paths"].items()
        for method in operations
    }


def cases(row: Row, world: World) -> list[Case]:
    """All questions to one route."""
    bad = world.forger.headers()
    if row.scope == PUBLIC:
        return [Case(name, headers, OWN, "passes") for name, headers in bad.items() if len(str(headers)) < 4096]
    found = [Case(name, headers, OWN, "401", RULES[name]) for name, headers in bad.items()]
    only = frozenset({row.scope})
    found += [
        Case(f"scope {scope}", _bearer(world, frozenset({scope})), OWN, "403", "scope") for scope in sorted(ALL - only)
    ]
    found.append(Case("no scope", _bearer(world, frozenset()), OWN, "403", "scope"))
    found.append(Case("all scopes but this", _bearer(world, ALL - only), OWN, "403", "scope"))
    # Only the customer answers a questionnaire: an unconfined token is asked with the customer as its subject.
    found.append(Case("its scope", _bearer(world, only, subject="c-own"), OWN, "passes"))
    found += _confined(row.customer, "customer", _bearer(world, only, subject="c-own", customer="c-own"))
    found += _confined(row.rm, "rm", _bearer(world, only, subject="rm-own", rm="rm-own"))
    if row.customer != "no":
        delegated = world.forger.good(sub="c-own", act={"sub": "mobile-back-end"}, scope=row.scope)
        found += _confined(row.customer, "delegated", {"authorization": f"Bearer {delegated}"})
    return found


def _bearer(world: World, scopes: frozenset[str], **who: str) -> dict[str, str]:
    return {"authorization": f"Bearer {world.token(scopes, **who)}"}


def _confined(reach: Reach, kind: str, headers: Mapping[str, str]) -> list[Case]:
    if reach == "no":
        return [Case(f"{kind} token", headers, OWN, "403", "confined")]
    cases = [Case(f"{kind} token, own", headers, OWN, "passes", confined_to="" if reach == "any" else kind)]
    if reach == "own":
        cases += [Case(f"{kind} token, {whose}", headers, whose, "404") for whose in (FOREIGN, UNKNOWN)]
    return cases


async def failures(row: Row, world: World, asked: list[Case]) -> AsyncIterator[str]:
    """What is not as declared, one line each."""
    unseen: dict[str, tuple[str, Any]] = {}
    for case in asked:
        answer = await ask(row, world, case)
        said = verdict(case, answer)
        if said:
            yield f"{row.name} · {case.name}: {said}"
        if case.wanted == "404" and answer.status_code == 404:
            kind = case.name.partition(" ")[0]
            looks = _looks(answer)
            name, before = unseen.setdefault(kind, (case.name, looks))
            if before != looks:
                yield f"{row.name} · {case.name} does not look like {name}: {looks} and {before}"


def verdict(case: Case, answer: httpx.Response) -> str:
    """What is wrong with an answer, "" if nothing is."""
    status = answer.status_code
    if case.wanted == "passes":
        if not (200 <= status < 300 or status == 409):
            return f"should pass, got {status} {answer.text[:300]}"
        if case.confined_to and any(word in answer.text for word in ("c-foreign", "rm-foreign")):
            return "shows what is not the caller's"
        return ""
    if status != int(case.wanted):
        return f"should be {case.wanted}, got {status} {answer.text[:200]}"
    rules = [error["rule"] for error in answer.json()["errors"]]
    return f"should name the rule {case.rule}, named {rules}" if case.rule and case.rule not in rules else ""


async def ask(row: Row, world: World, case: Case) -> httpx.Response:
    """Sends one question."""
    path, query = _path(row, world, case.whose), _query(row, case)
    body = _body(row, world, case.whose)
    headers = dict(case.headers)
    if row.path == "/events/v1/events":
        headers["content-type"] = "application/cloudevents+json"
    return await world.http.request(row.method, path, params=query, json=body, headers=headers)


def _path(row: Row, world: World, whose: str) -> str:
    fixed = {
        "source": SOURCE.replace("/", "%2F"), "event_id": "c-own-1", "event_type": "bank.kyc.updated.v1",
        "scheme": "private-bank", "version": world.policy_version,
    }  # fmt: skip
    ids = {name: by_owner[whose] for name, by_owner in world.ids.items()}
    return row.path.format(**{**fixed, **ids})


def _query(row: Row, case: Case) -> dict[str, str]:
    query: dict[str, str] = {}
    if row.path.endswith(("/plan", "/plan.ics")):
        query |= {"from": DAY, "to": WEEK_END}
    if row.path.rsplit("/", 1)[-1] in {"pyramid", "moves", "movers", "standings"}:
        query["scheme"] = "private-bank"
    if row.path.endswith("/standings"):
        query["as_of"] = "2026-03-01"
    if row.path.endswith("/coverage"):
        query["rm"] = f"rm-{case.whose}"
    return query


def _body(row: Row, world: World, whose: str) -> Any:
    last = row.path.rsplit("/", 1)[-1]
    bodies: dict[str, Any] = {
        "POST events": event("kyc.updated", "again", {"customer_id": "c-own", "status": "verified",
                             "effective_on": "2025-06-02", "valid_until": "2099-12-31"}),
        "POST replay": {"reason": "no-rate", "dry_run": True} if "{" not in row.path else None,
        "POST fix": {"changes": {"amount": {"currency": "CNY"}}, "dry_run": True},
        "POST erasures": {"customer_id": "c-gone", "basis": "customer-request"},
        "POST business-date": {"business_date": DAY},
        "POST plans": {"from": DAY, "to": WEEK_END, "rm_id": f"rm-{whose}"},
        "POST outcome": {"outcome": "reached"},
        "POST sales": sale(f"c-{whose}"),
        "POST evidence": {"kind": "disclosure", "reference": "doc-1", "recorded_at": "2026-03-02T07:00:00Z"},
        "POST approvals": {"decision_id": world.ids["decision_id"][whose], "verdict": "approve", "reason": "checked"},
        "POST confirm": {"decision_id": world.ids["decision_id"][whose]},
        "POST assessments": world.answers,
        "PUT {product_id}": {
            "name": "Steady", "category": "wealth", "issuer_risk_level": 1, "seller_risk_level": 1, "currency": "CNY",
            "on_sale_from": "2025-01-01",
        },
    }  # fmt: skip
    return bodies.get(f"{row.method} {last}")


def _looks(answer: httpx.Response) -> tuple[int, str]:
    document = answer.json()
    document.pop("instance", None)
    return answer.status_code, str(sorted(document.items()))
