"""A loop that ends by an error nobody foresaw: said at once, and /livez has the service started anew."""

from pathlib import Path

import httpx
import pytest

from tests.integration.events.conftest import running_events
from tierflow_shared.stream.processor import StreamProcessor
from tierflow_shared.stream.relay import OutboxRelay

pytestmark = pytest.mark.anyio


async def raising(_self: object) -> None:
    raise ZeroDivisionError("nobody foresaw this")


LOOPS = [(StreamProcessor, "step", "stream-events"), (OutboxRelay, "publish_all", "relay-events")]


@pytest.mark.parametrize(("owner", "method", "loop"), LOOPS)
async def test_it_is_told_while_the_service_runs(
    owner: type,
    method: str,
    loop: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(owner, method, raising)
    async with running_events(tmp_path, None) as service:
        said: list[str] = []

        def is_told(answer: httpx.Response) -> bool:
            """The line comes a turn of the loop after the loop's end."""
            said.append(capsys.readouterr().out)
            return answer.status_code == 503 and "/livez fails from now on" in "".join(said)

        await service.eventually("/livez", is_told)
        assert loop in "".join(said)
        monkeypatch.undo()


async def test_control_a_service_whose_loops_run_is_live(tmp_path: Path) -> None:
    async with running_events(tmp_path, None) as service:
        assert (await service.http.get("/livez")).status_code == 200
