"""Policies are data: read strictly, wrong ones refused with the place that is wrong."""

from importlib.resources import files

import pytest

from tierflow_contact_planner.adapters.policy_files import PolicyError, load_policy, parse_policy, shipped_policies
from tierflow_contact_planner.domain.assignment import heaviest

TEXT = files("tierflow_contact_planner.policies").joinpath("standard-2026-01.toml").read_text("utf-8")


@pytest.mark.parametrize("name", shipped_policies())
def test_shipped_policies_can_be_read(name: str) -> None:
    """The file's name is the policy's name and version."""
    policy = load_policy(name)
    assert f"{policy.name}-{policy.version}" == name
    assert heaviest(policy) > 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "standard"', "", "name"),
        ("minimum_gap_days = 2 ", 'minimum_gap_days = "2" ', "minimum_gap_days"),
        ("[kyc]", "[kyc]\nsurprise = 1", r"policy\.kyc\.surprise"),
        ("cadence_days = 7", "cadence_days = 0", "cadence"),
        ("familiar_percent = 30", "familiar_percent = 50", "100 percent"),
        ("default = { zone", "elsewhere = { zone", "hours.default"),
        ("距{tier_zh}还差{shortfall}", "距{tier_zh}", "tier-pending"),
        ("[contact]", "[contact", "line"),
    ],
)
def test_a_wrong_policy_is_refused(old: str, new: str, said: str) -> None:
    """Missing, unknown and wrong fields, and texts that differ in what they tell."""
    assert old in TEXT
    with pytest.raises(PolicyError, match=said):
        parse_policy(TEXT.replace(old, new, 1))


def test_an_unknown_policy_is_refused() -> None:
    """Only shipped files can be named."""
    with pytest.raises(PolicyError, match="standard-2026-01"):
        load_policy("../standard-2026-01")
