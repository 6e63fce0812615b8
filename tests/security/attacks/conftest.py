"""Servers to attack: one that protects itself, and one for the controls that hardly does."""

from collections.abc import Iterator

import pytest

from tests.security.attacks.target import BARE, QUICK, Target, running


@pytest.fixture(scope="package")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("guarded"), QUICK) as one:
        yield one


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("bare"), BARE) as one:
        yield one


@pytest.fixture
def target_token(target: Target) -> str:
    """A token that the server believes."""
    return target.token


@pytest.fixture
def bare_token(bare: Target) -> str:
    return bare.token
