"""Idempotency keys: one effect, the same answer, and no second body under a known key."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import MetaData, select

from tests.unit.web.small_app import NOW
from tierflow_shared.clock import ManualClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.idempotency import Answer, Idempotency, IdempotentCall
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem, conflict

ANNA = Principal("anna", frozenset())


class Made(BaseModel):
    """What an action made."""

    number: int


class Counting:
    """An action that counts how often it took effect."""

    def __init__(self) -> None:
        self.effects = 0

    def __call__(self, uow: UnitOfWork) -> Answer:
        self.effects += 1
        uow.count("made", "applied")
        return Answer(201, Made(number=self.effects))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    one = Database(f"sqlite:///{tmp_path}/test.db", MetaData(), service="test", clock=ManualClock(NOW))
    one.metadata.create_all(one.engine)
    yield one
    one.close()


@pytest.fixture
def idempotency(database: Database) -> Idempotency:
    return Idempotency(database, keep=timedelta(days=7))


def call(key: str | None = "K-1", body: bytes = b"b" * 16, route: str = "/r") -> IdempotentCall:
    return IdempotentCall(key, route, body)


def test_the_same_request_again_gives_the_same_answer_and_no_second_effect(
    idempotency: Idempotency, database: Database
) -> None:
    action = Counting()
    first = idempotency.run(call(), ANNA, action)
    again = idempotency.run(call(), ANNA, action)
    assert (first.status_code, first.body) == (again.status_code, again.body) == (201, b'{"number":1}')
    assert again.headers["idempotency-replayed"] == "true"
    assert action.effects == 1
    with database.reading() as connection:
        assert len(connection.execute(select(database.tables.idempotency)).all()) == 1


def test_a_key_belongs_to_its_caller_and_route(idempotency: Idempotency) -> None:
    action = Counting()
    idempotency.run(call(), ANNA, action)
    idempotency.run(call(), Principal("berta", frozenset()), action)
    idempotency.run(call(route="/other"), ANNA, action)
    assert action.effects == 3


def test_another_body_under_the_same_key_is_refused(idempotency: Idempotency) -> None:
    idempotency.run(call(), ANNA, Counting())
    with pytest.raises(Problem) as caught:
        idempotency.run(call(body=b"c" * 16), ANNA, Counting())
    assert (caught.value.status_code, caught.value.errors[0]["rule"]) == (422, "same-request")


def test_without_a_key_each_request_counts(idempotency: Idempotency) -> None:
    action = Counting()
    for _ in range(2):
        idempotency.run(call(key=None), ANNA, action)
    assert action.effects == 2


def test_a_problem_is_not_remembered_and_leaves_nothing_behind(idempotency: Idempotency, database: Database) -> None:
    def fails(uow: UnitOfWork) -> Answer:
        uow.count("made", "applied")
        raise conflict("not now")

    with pytest.raises(Problem, match="not now"):
        idempotency.run(call(), ANNA, fails)
    assert idempotency.run(call(), ANNA, Counting()).status_code == 201
    with database.reading() as connection:
        rows = connection.execute(select(database.tables.consumption)).mappings().all()
    assert [row["count"] for row in rows] == [1]


def test_a_second_request_while_the_first_is_answered_is_409(idempotency: Idempotency) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(uow: UnitOfWork) -> Answer:
        entered.set()
        assert leave.wait(10)
        return Counting()(uow)

    first = threading.Thread(target=idempotency.run, args=(call(), ANNA, slow))
    first.start()
    assert entered.wait(10)
    with pytest.raises(Problem) as caught:
        idempotency.run(call(), ANNA, Counting())
    leave.set()
    first.join(10)
    assert (caught.value.status_code, caught.value.code) == (409, "in-flight")
    assert idempotency.run(call(), ANNA, Counting()).body == b'{"number":1}'
