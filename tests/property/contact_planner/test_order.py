"""What is due is a function of the set of events, never of order, repetition or batches."""

from hypothesis import given
from hypothesis import strategies as st

from tests.property.contact_planner.strategies import told
from tests.unit.contact_planner.samples import POLICY, day
from tierflow_contact_planner.adapters.documents import decode_facts, encode
from tierflow_contact_planner.domain.due import due_contact
from tierflow_contact_planner.domain.facts import CustomerFacts, Version
from tierflow_contact_planner.domain.learning import learn
from tierflow_contact_planner.domain.statements import valid_on, with_statement
from tierflow_shared.contracts.primitives import Data

Told = list[tuple[Data, Version]]


def learned(said: Told) -> CustomerFacts:
    facts = CustomerFacts("c1")
    for data, version in said:
        facts = learn(facts, data, version)
    return facts


@given(told, st.data(), st.integers(-30, 30))
def test_due_contacts_do_not_depend_on_the_order_of_events(said: Told, data: st.DataObject, on: int) -> None:
    """Any order, and any part of it again, leads to the same contact on every day."""
    shuffled = data.draw(st.permutations(said))
    again = data.draw(st.lists(st.sampled_from(said), max_size=5)) if said else []
    one, other = learned(said), learned([*shuffled, *again])
    assert one == other
    assert due_contact(one, day(on), day(on + 6), POLICY) == due_contact(other, day(on), day(on + 6), POLICY)


@given(told)
def test_facts_survive_being_stored(said: Told) -> None:
    """What is read back is what was written."""
    facts = learned(said)
    assert decode_facts(encode(facts)) == facts


@given(told, st.integers(-70, 40))
def test_statements_equal_the_slow_oracle(said: Told, on: int) -> None:
    """Keeping only undominated statements answers as if all had been kept."""
    statements = [s for facts in (learned([one]) for one in said) for group in facts.tiers.values() for s in group]
    kept: tuple[object, ...] = ()
    for statement in statements:
        kept = with_statement(kept, statement)  # type: ignore[type-var]
    assert valid_on(kept, day(on)) == valid_on(statements, day(on))  # type: ignore[type-var]
