"""Ports of this machine: free ones, given to nobody twice."""

import random
import socket
from typing import Final

_reserved: Final[list[int]] = []


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on, and that nobody else is given meanwhile.

    It lies below the ports from which the system serves outgoing connections. The UDP port of the same number is held
    until this process ends; that tells every process of the machine that the port is given away.
    """
    for port in random.sample(range(10_000, 32_000), 1_000):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        if is_free(port):
            _reserved.append(claim.detach())
            return port
        claim.close()
    raise OSError("no free port between 10,000 and 32,000 was found")


def is_free(port: int) -> bool:
    """True when nobody listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
