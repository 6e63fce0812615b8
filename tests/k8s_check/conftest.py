"""The overlays as they are, built once a worker."""

import copy
from collections.abc import Callable

import pytest

from tests.k8s_check.building import build, overlays
from tests.k8s_check.manifests import Build, Object
from tests.k8s_check.schemas import Schemas
from tests.k8s_check.tools import Tools, have_tools

Broken = Callable[[Build], Object]


@pytest.fixture(scope="session")
def tools() -> Tools:
    return have_tools()


@pytest.fixture(scope="session")
def schemas(tools: Tools) -> Schemas:
    return Schemas(tools)


@pytest.fixture(scope="session")
def built(tools: Tools) -> dict[str, tuple[Build, str]]:
    return {folder.name: build(folder, tools) for folder in overlays()}


@pytest.fixture
def overlay(built: dict[str, tuple[Build, str]]) -> Callable[[str], Build]:
    """A copy of an overlay's objects, to be broken."""
    return lambda name: copy.deepcopy(built[name][0])
