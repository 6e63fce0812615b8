"""Policy sets: the shipped ones hold together, and a broken one is refused with the rule it breaks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

import tierflow_scoring
from tests.property.scoring.stories import small_policies
from tierflow_scoring.adapters.policy_files import load_policy_set
from tierflow_scoring.domain.policy import Measure, PolicySet, PolicyVersion, Scheme
from tierflow_scoring.domain.policy_rules import PolicyError, check

SHIPPED = Path(tierflow_scoring.__file__).parent / "policies"


def test_the_standard_set_has_the_thresholds_of_the_bank() -> None:
    """100,000, 1,000,000 and 8,000,000 in the base currency."""
    policies = load_policy_set("standard", "CNY")
    scheme = policies.scheme("private-bank")
    assert scheme is not None
    assert scheme.tier_names == ("general", "personal", "platinum", "private")
    assert [tier.enter for tier in scheme.versions[0].tiers[1:]] == [10_000_000, 100_000_000, 800_000_000]
    assert policies.provisional_months == 6


@pytest.mark.parametrize("name", ["standard", "berka"])
def test_shipped_sets_have_both_schemes_and_four_dimensions(name: str) -> None:
    """Each shipped set can be loaded in the currency of its bank."""
    policies = load_policy_set(name, "CZK")
    assert [scheme.name for scheme in policies.schemes] == ["private-bank", "abcd"]
    assert [dimension.name for dimension in policies.dimensions] == ["value", "spend", "loyalty", "potential"]


def test_a_folder_is_a_policy_set(tmp_path: Path) -> None:
    """A bank writes its own set as a folder of the same form."""
    copytree(SHIPPED / "berka", tmp_path / "ours")
    assert load_policy_set(str(tmp_path / "ours"), "CZK").name == "ours"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('enter = "30000"', "enter = 30000", "money is written as text"),
        ('enter = "30000"', 'enter = "30000.001"', "decimals"),
        ('exit = "24000"', 'exit = "31000"', "0 < exit <= enter"),
        ("grace_days = 30", "grace_days = -1", "grace_days"),
        ("grace_days = 30", 'grace_days = "30"', "grace_days"),
        ("grace_days = 30", "patience = 30", "patience"),
        ('feature = "aum_end_of_day"', 'feature = "shoe_size"', "shoe_size"),
        ('scheme = "private-bank"', 'scheme = "abcd"', "another scheme"),
        ("grace_days = 30", "grace_days = ", "private-bank"),
    ],
)
def test_a_broken_file_is_refused_by_name_of_the_rule(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Nothing starts with half a policy."""
    copytree(SHIPPED / "berka", tmp_path / "ours")
    file = tmp_path / "ours" / "private-bank" / "2024.1.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(PolicyError, match=words if words != "private-bank" else r"2024\.1\.toml"):
        load_policy_set(str(tmp_path / "ours"), "CZK")


def test_a_missing_folder_is_said() -> None:
    """The error names the file that is not there."""
    with pytest.raises(PolicyError, match=r"book\.toml"):
        load_policy_set("/nowhere/at/all", "CZK")


Change = Callable[[PolicyVersion], PolicyVersion]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda version: replace(version, tiers=version.tiers[:1]), "tiers"),
        (lambda version: replace(version, measure=Measure("m", "money", "recency_days")), "unknown feature"),
        (lambda version: replace(version, measure=Measure("m", "money")), "one feature or parts"),
        (lambda version: replace(version, tiers=[*version.tiers[:2], version.tiers[1]]), "differ|above"),
    ],
)
def test_rules_that_keep_paths_monotone(change: Change, words: str) -> None:
    """A version that could let a tier fall while money rises is not taken."""
    policies = small_policies()
    scheme = policies.schemes[0]
    broken = Scheme(scheme.name, [change(scheme.versions[0])])
    with pytest.raises(PolicyError, match=words):
        check(PolicySet("x", [broken], policies.tariffs, 6))
