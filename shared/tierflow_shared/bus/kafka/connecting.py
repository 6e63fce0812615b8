"""Clients that are started when first needed, and ended within a limit."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tierflow_shared.bus.kafka.faults import within

_END_LIMIT_S: Final = 2.0


class Connection:
    """One client of the library, started once for all who ask.

    A start is never cancelled, for the library would leave its socket open: who asked stops waiting, the start ends
    by the request timeout, and the next one who asks waits for the same start.
    """

    def __init__(self, make: Callable[[], Any], end: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        self._make, self._end = make, end
        self._starting: asyncio.Task[Any] | None = None
        self.client: Any = None

    async def get(self) -> Any:
        """The started client; raises what the library raises when it cannot start."""
        if self.client is not None:
            return self.client
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._starting)

    async def _start(self) -> Any:
        client = self._make()
        try:
            await client.start()
        except BaseException:
            await within(_END_LIMIT_S, self._end(client))
            raise
        finally:
            self._starting = None
        self.client = client
        return client

    async def close(self, timeout_s: float) -> None:
        """Ends the client; a start on its way is waited for first."""
        if self._starting is not None:
            await asyncio.wait([self._starting], timeout=timeout_s)
        client, self.client = self.client, None
        if client is not None:
            await within(timeout_s, self._end(client))
