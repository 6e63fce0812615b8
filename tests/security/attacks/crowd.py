"""`python -m tests.security.attacks.crowd PORT COUNT`: opens connections that begin a request and never end it.

Says how many it opened, then holds them until its input ends. A process of its own, for the files one may open.
"""

import resource
import socket
import sys


def main(port: int, count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        held.append(one)
    sys.stdout.write(f"{len(held)}\n")
    sys.stdout.flush()
    sys.stdin.read()
    for one in held:
        one.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
