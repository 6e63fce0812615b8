"""Reads rule packs and questionnaires: the shipped ones, or those of a folder that a bank keeps."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from tierflow_suitability.domain.packs import PackError, Rulebook, parse_pack
from tierflow_suitability.domain.questionnaire import Questionnaire, QuestionnaireError, parse_questionnaire

_PACKAGE: Final = "tierflow_suitability"
MAX_FILE_BYTES: Final = 1_048_576


def load_rulebook(folder: Path | None = None) -> Rulebook:
    """All packs of a folder; without one, the shipped packs.

    Raises:
        PackError: a file is not a pack; the message names it.
    """
    packs = []
    for name, content in _contents(folder or files(_PACKAGE) / "packs"):
        try:
            packs.append(parse_pack(content))
        except PackError as error:
            raise PackError(f"{name}: {error}") from error
    return Rulebook(packs)


def load_questionnaires(folder: Path | None = None) -> Mapping[tuple[str, str], Questionnaire]:
    """All questionnaires of a folder (default: the shipped ones) by name and version.

    Raises:
        QuestionnaireError: a file is not a questionnaire; the message names it.
    """
    found = {}
    for name, content in _contents(folder or files(_PACKAGE) / "questionnaires"):
        try:
            questionnaire = parse_questionnaire(content)
        except QuestionnaireError as error:
            raise QuestionnaireError(f"{name}: {error}") from error
        found[questionnaire.name, questionnaire.version] = questionnaire
    return found


def _contents(folder: Traversable | Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if not entry.name.endswith(".toml"):
            continue
        raw = entry.read_bytes()
        if len(raw) > MAX_FILE_BYTES:
            raise PackError(f"{entry.name}: larger than {MAX_FILE_BYTES} bytes")
        try:
            yield entry.name, tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PackError(f"{entry.name}: {error}") from error
