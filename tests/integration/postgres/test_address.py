"""The address of a server that runs already: what its URL demands beyond host and name holds for every connection."""

import psycopg
import pytest

from tierflow_stack.postgres import RunningServer, Server


def test_the_query_of_the_url_stays_with_every_database() -> None:
    server = RunningServer("postgresql://op:p%40ss@db:6432/postgres?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem")
    url = server.url("tierflow_{service}")
    assert (
        url
        == "postgresql+psycopg://op:p%40ss@db:6432/tierflow_{service}?sslmode=verify-full&sslrootcert=%2Fetc%2Fmy%20ca.pem"
    )
    again = psycopg.conninfo.conninfo_to_dict(url.replace("+psycopg", ""))
    assert (again["password"], again["sslmode"], again["sslrootcert"]) == ("p@ss", "verify-full", "/etc/my ca.pem")


@pytest.mark.parametrize(("demanded", "answers"), [("", True), ("?sslmode=disable", True), ("?sslmode=require", False)])
def test_a_server_without_encryption_is_refused_when_the_url_demands_it(
    postgres: Server, demanded: str, answers: bool
) -> None:
    """The server of the tests has no certificate, so only a connection that keeps the demand fails."""
    url = postgres.url("postgres").partition("?")[0]
    assert RunningServer(url + demanded).answers() is answers
