"""A wire to PostgreSQL that can be cut at the worst moment: after COMMIT was sent, before its answer came."""

import socket
import threading
from contextlib import suppress


class Wire:
    """Forwards connections of 127.0.0.1 to the server's port. `lose_next_answer_to_commit` arms one cut."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._armed = threading.Event()
        self.cuts = 0
        self._sockets: list[socket.socket] = [self._door]
        self._threads: list[threading.Thread] = []
        self._go(self._accept)

    def lose_next_answer_to_commit(self) -> None:
        self._armed.set()

    def _go(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except ConnectionRefusedError:
                    _shut(client)
                    continue
                self._sockets.append(server)
                swallow = threading.Event()
                self._go(self._to_server, client, server, swallow)
                self._go(self._to_client, client, server, swallow)

    def _to_server(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if b"COMMIT\x00" in data and self._armed.is_set():
                    self._armed.clear()
                    swallow.set()
                server.sendall(data)
        _shut(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if swallow.is_set():
                    self.cuts += 1
                    break
                client.sendall(data)
        _shut(client, server)

    def close(self) -> None:
        _shut(*self._sockets)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()


def _shut(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
