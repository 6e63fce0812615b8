"""Idempotency keys hold across the processes of a service."""

import threading
from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy import MetaData, select

from tests.databases import OpenDatabase
from tierflow_shared.store.database import Database
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.idempotency import Answer, Idempotency, IdempotentCall
from tierflow_shared.web.principal import Principal

ANNA = Principal("anna", frozenset())
CALL = IdempotentCall("K-1", "/r", b"b" * 16)


class Made(BaseModel):
    number: int


def test_the_same_key_in_two_processes_has_one_effect(open_database: OpenDatabase) -> None:
    """Both get the same answer; the second one waited for the first."""
    databases = [open_database(MetaData()), open_database(MetaData())]
    barrier, answers = threading.Barrier(2), []

    def action(uow: UnitOfWork) -> Answer:
        uow.count("made", "applied")
        return Answer(201, Made(number=1))

    def run(database: Database) -> None:
        idempotency = Idempotency(database, keep=timedelta(days=1))
        barrier.wait(10)
        answers.append(idempotency.run(CALL, ANNA, action))

    threads = [threading.Thread(target=run, args=(one,)) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [(one.status_code, one.body) for one in answers] == [(201, b'{"number":1}')] * 2
    assert sorted("idempotency-replayed" in one.headers for one in answers) == [False, True]
    with databases[0].reading() as connection:
        (made,) = connection.execute(select(databases[0].tables.consumption)).all()
    assert made._mapping["count"] == 1
