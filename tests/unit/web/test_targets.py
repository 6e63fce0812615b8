"""What a path may say: printable UTF-8, and nothing that only looks like it after reading."""

from urllib.parse import unquote

import pytest

from tierflow_shared.web.limits import check_target
from tierflow_shared.web.problems import Problem


def scope(raw_path: bytes) -> dict[str, object]:
    """As uvicorn makes it: bytes that are not UTF-8 become U+FFFD."""
    return {"path": unquote(raw_path.decode("ascii")), "raw_path": raw_path, "query_string": b""}


@pytest.mark.parametrize("raw", [b"/a", b"/%E6%BD%98", b"/said%EF%BF%BDitself"])
def test_what_is_printable_passes(raw: bytes) -> None:
    check_target(scope(raw))


@pytest.mark.parametrize("raw", [b"/%FF", b"/%EF%BF%BD%FF", b"/%00", b"/%0A"])
def test_what_is_not_is_refused(raw: bytes) -> None:
    with pytest.raises(Problem, match="printable UTF-8"):
        check_target(scope(raw))
