"""Generated files: valid, complete, and a difference on disk is seen."""

import json
from pathlib import Path

import jsonschema
import pytest

from tierflow_shared.contracts.registry import EVENT_TYPES
from tierflow_shared.generate import GeneratedFiles, asyncapi_document, event_schemas


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_each_schema_is_valid_and_refuses_unknown_fields(name: str) -> None:
    """JSON Schema 2020-12, closed against fields nobody knows."""
    schema = event_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError, match="nobody_knows"):
        jsonschema.validate({"nobody_knows": 1}, {**schema, "required": []})


def test_the_asyncapi_document_places_every_message_on_its_topic() -> None:
    """Each type is in exactly one channel and has an operation, and every reference leads somewhere."""
    document = asyncapi_document()
    placed = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(placed) == sorted(EVENT_TYPES) == sorted(document["operations"])
    for name, operation in document["operations"].items():
        topic = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert name in document["channels"][topic]["messages"]


def test_files_that_differ_lack_or_are_left_over_are_named(tmp_path: Path) -> None:
    """`--check` sees all three kinds of difference; writing mends them."""
    files = GeneratedFiles(tmp_path, {"a/one.json": {"x": 1}, "a/two.json": {"é": 2}}, ("a",))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.json").write_text("{}")
    (tmp_path / "a" / "old.json").write_text("{}")
    assert files.stale() == ["a/old.json", "a/one.json", "a/two.json"]
    files.write()
    assert files.stale() == []
    assert json.loads((tmp_path / "a" / "two.json").read_text()) == {"é": 2}
