"""A real PostgreSQL over TLS with `verify-full` and a password: the right authority gets in, nobody else does."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import OperationalError

from tests.integration.tls.certificates import Authority
from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import driver_words
from tierflow_stack.postgres import FORGETFUL, Cluster, temporary_cluster


class Encrypted(NamedTuple):
    """A cluster that speaks TLS, and authorities: its own and a stranger."""

    cluster: Cluster
    ours: Path
    stranger: Path

    def url(self, authority: Path, **changes: str) -> str:
        """The service's URL; every option of libpq can stand in it."""
        options = {"sslmode": "verify-full", "sslrootcert": str(authority), **changes}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.cluster.url('postgres')}?{query}"


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Encrypted]:
    folder = Path(tempfile.mkdtemp(prefix="tierflow-tls-"))
    folder.chmod(0o755)
    ours, stranger = Authority.make(folder, "ours"), Authority.make(folder, "stranger")
    certificate, key = ours.serve(folder, "127.0.0.1")
    if os.geteuid() == 0:
        shutil.chown(key, "postgres")
    settings = {
        **FORGETFUL, "ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key), "shared_buffers": "32MB"
    }  # fmt: skip
    with temporary_cluster(settings) as cluster:
        yield Encrypted(cluster, ours.file, stranger.file)
    shutil.rmtree(folder)


def asked(url: str) -> bool:
    """Whether the service's own way to the database works, and is encrypted."""
    with closing(Database(url, MetaData(), service="tls", clock=SystemClock())) as one, one.reading() as connection:
        query = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return bool(connection.execute(query).scalar_one())


def refused(url: str) -> str:
    with pytest.raises(OperationalError) as caught:
        asked(url)
    return driver_words(caught.value) + repr(caught.value) + str(caught.value)


def test_the_right_authority_and_password_get_in(encrypted: Encrypted) -> None:
    assert asked(encrypted.url(encrypted.ours))


def test_a_server_of_another_authority_is_refused(encrypted: Encrypted) -> None:
    said = refused(encrypted.url(encrypted.stranger))
    assert "certificate verify failed" in said


def test_control_without_verification_the_same_server_is_taken(encrypted: Encrypted) -> None:
    assert asked(encrypted.url(encrypted.stranger, sslmode="require").replace("&sslrootcert", "&application_name"))


def test_a_server_under_another_name_is_refused(encrypted: Encrypted) -> None:
    url = encrypted.url(encrypted.ours).replace("@127.0.0.1", "@localhost")
    assert "does not match host name" in refused(url)


def test_a_wrong_password_is_refused_and_no_error_shows_the_right_or_the_wrong_one(encrypted: Encrypted) -> None:
    url = encrypted.url(encrypted.ours)
    password = url.split("://", 1)[1].split("@")[0].split(":")[1]
    said = refused(url.replace(f":{password}@", ":Wr0ngSecret@"))
    assert "password authentication failed" in said
    assert password not in said
    assert "Wr0ngSecret" not in said
