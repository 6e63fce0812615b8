"""A number in a query is not a day: what Schemathesis found."""

from datetime import date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tierflow_shared.web.models import QueryDay, QueryMoment


@pytest.mark.parametrize("kind", [QueryDay, QueryMoment])
@pytest.mark.parametrize("text", ["0.5", "0", "86400", "1700000000", "-1", "20260302", "2026-3-2", ""])
def test_numbers_and_other_forms_are_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


def test_days_and_moments_are_taken() -> None:
    assert TypeAdapter(QueryDay).validate_python("2026-03-02") == date(2026, 3, 2)
    assert TypeAdapter(QueryMoment).validate_python("2026-03-02T08:00:00Z") == datetime.fromisoformat(
        "2026-03-02T08:00:00+00:00"
    )
