"""Packs: what a file must be, which pack applies, and what its hash covers."""

import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.unit.suitability.build import RULEBOOK
from tierflow_suitability.adapters.policy_files import load_questionnaires, load_rulebook
from tierflow_suitability.domain.packs import PackError, Rulebook, combined_hash, content_hash, parse_pack
from tierflow_suitability.domain.questionnaire import QuestionnaireError


def shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((files("tierflow_suitability") / "packs" / name).read_text())


CORE = shipped("core-2026.1.toml")
NFRA = shipped("cn-nfra-2026.1.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "unknown keys"),
        ({"effective_from": "2026-02-01"}, "plain dates"),
        ({"parameters": {**NFRA["parameters"], "validity_months": "twelve"}}, "validity_months"),
        ({"parameters": {**NFRA["parameters"], "surplus": 1}}, "no rule reads"),
        ({"parameters": {}}, "must be given"),
        ({"rules": [{**NFRA["rules"][0], "check": "guess"}]}, "no check named"),
        ({"rules": [{**NFRA["rules"][0], "id": "core.level-match"}]}, "must start with"),
        ({"rules": [NFRA["rules"][0], NFRA["rules"][0]]}, "occurs twice"),
        ({"rules": [{"id": "cn-nfra.level-match"}]}, "a rule has the keys"),
        ({"parameters": {**NFRA["parameters"], "validity_months": 1.5}}, "whole number"),
    ],
)
def test_a_wrong_pack_is_refused_with_its_reason(change: dict[str, Any], words: str) -> None:
    """Nothing is decided by a file that was misread."""
    with pytest.raises(PackError, match=words):
        parse_pack({**NFRA, **change})


def test_the_hash_covers_content_not_layout() -> None:
    """The order of keys does not matter, every number does."""
    assert content_hash(dict(reversed(NFRA.items()))) == content_hash(NFRA)
    changed = {**NFRA, "parameters": {**NFRA["parameters"], "special_care_age": 66}}
    assert content_hash(changed) != content_hash(NFRA)


def test_the_combined_hash_covers_every_pack() -> None:
    """A decision by two packs names one hash that depends on both."""
    core, nfra = parse_pack(CORE).ref, parse_pack(NFRA).ref
    assert combined_hash((core,)) == core.hash
    assert len({combined_hash((core, nfra)), combined_hash((nfra, core)), core.hash, nfra.hash}) == 4


def test_the_newest_version_that_applies_is_taken() -> None:
    """A new version takes over on its day; the old one judges the days before."""
    newer = {**NFRA, "version": "2027.1", "effective_from": date(2027, 1, 1), "apply_from": date(2027, 1, 1)}
    book = Rulebook([parse_pack(CORE), parse_pack(NFRA), parse_pack(newer)])
    assert book.select("wealth", date(2026, 12, 31)).leading.ref.version == "2026.1"
    assert book.select("wealth", date(2027, 1, 1)).leading.ref.version == "2027.1"


def test_a_pack_that_has_ended_judges_nothing() -> None:
    """After its last day the category has no pack in force."""
    book = Rulebook([parse_pack(CORE), parse_pack({**NFRA, "effective_until": date(2026, 12, 31)})])
    assert book.select("wealth", date(2026, 12, 31)).covered is True
    assert book.select("wealth", date(2027, 1, 1)).covered is False


def test_a_bank_can_leave_earlier_days_to_a_person() -> None:
    """Without `apply_from` the order judges from its own date on."""
    strict = parse_pack({key: value for key, value in NFRA.items() if key != "apply_from"})
    book = Rulebook([parse_pack(CORE), strict])
    assert book.select("wealth", date(2026, 1, 31)).covered is False
    assert book.select("wealth", date(2026, 2, 1)).covered is True


def test_two_regimes_cannot_claim_one_product() -> None:
    """Which rules apply must be clear before any rule runs."""
    rules = [{**rule, "id": rule["id"].replace("cn-nfra", "other")} for rule in NFRA["rules"]]
    other = parse_pack({**NFRA, "pack": "other", "rules": rules})
    with pytest.raises(PackError, match="two regimes"):
        Rulebook([parse_pack(CORE), parse_pack(NFRA), other]).select("wealth", date(2026, 3, 1))


def test_a_rulebook_needs_its_core() -> None:
    """Without the rules for every product there is no rulebook."""
    with pytest.raises(PackError, match="core"):
        Rulebook([parse_pack(NFRA)])


def test_shipped_packs_name_every_rule_in_both_languages() -> None:
    """Articles and titles are there for people."""
    rules = [rule for pack in RULEBOOK.packs for rule in pack.rules]
    assert all(rule.article and rule.title and rule.title_zh for rule in rules)
    assert len(rules) == 23


def test_a_folder_of_the_banks_own_packs_is_read(tmp_path: Path) -> None:
    """A broken file is named."""
    for name in ("core-2026.1.toml", "cn-nfra-2026.1.toml"):
        (tmp_path / name).write_text((files("tierflow_suitability") / "packs" / name).read_text())
    assert [pack.ref for pack in load_rulebook(tmp_path).packs] == [pack.ref for pack in RULEBOOK.packs]
    (tmp_path / "broken.toml").write_text("pack = ")
    with pytest.raises(PackError, match=r"broken\.toml"):
        load_rulebook(tmp_path)


def test_a_broken_questionnaire_is_named(tmp_path: Path) -> None:
    """The message says which file is wrong."""
    (tmp_path / "mine.toml").write_text('questionnaire = "mine"')
    with pytest.raises(QuestionnaireError, match=r"mine\.toml"):
        load_questionnaires(tmp_path)
