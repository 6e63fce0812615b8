"""Ports are given to nobody twice, whichever process of the machine asks."""

import socket
import subprocess
import sys
from types import ModuleType

import pytest

import tierflow_embedded.free_ports
import tierflow_stack.free_ports

GIVERS = pytest.mark.parametrize("home", [tierflow_embedded.free_ports, tierflow_stack.free_ports])
_IN_A_CHILD = "import random; random.seed({seed}); from tierflow_stack.free_ports import free_port; print(free_port())"


def from_child(seed: int) -> int:
    command = [sys.executable, "-c", _IN_A_CHILD.format(seed=seed)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


@GIVERS
def test_a_port_is_given_once(home: ModuleType) -> None:
    ports = [home.free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports[0]))


def test_another_process_gets_another_one() -> None:
    """Two children that draw the same numbers: while the first one's port is kept here, the second draws again."""
    port = from_child(7)
    assert from_child(7) == port, "its process is gone, so the port is free again"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kept:
        kept.bind(("127.0.0.1", port))
        assert from_child(7) != port


def test_one_that_somebody_listens_on_is_not_given() -> None:
    port = from_child(11)
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        assert not tierflow_stack.free_ports.is_free(port)
        assert from_child(11) != port
