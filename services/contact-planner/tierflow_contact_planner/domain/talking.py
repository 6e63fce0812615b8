"""Labels and talking points: what the relationship manager reads, in both languages, from the policy's texts."""

from collections.abc import Iterable, Mapping

from tierflow_contact_planner.domain.policy import Policy, Text
from tierflow_contact_planner.domain.reasons import Reason
from tierflow_shared.contracts.bank import Style


def label_of(kind: str, policy: Policy) -> Text:
    """The name of a reason."""
    return policy.moments[kind].label


def talking_point(reason: Reason, policy: Policy, products: Mapping[str, Text]) -> Text:
    """What to say about a reason; products by their names where they are known, else by id."""
    words = dict(reason.words)
    if "product" in words:
        name = products.get(words["product"], Text(words["product"], words["product"]))
        words["product"], words["product_zh"] = name.en, name.zh
    talk = policy.moments[reason.kind].talk
    return Text(talk.en.format_map(words), talk.zh.format_map(words))


def talking_points(
    reasons: Iterable[Reason],
    personas: Iterable[str],
    style: Style | None,
    policy: Policy,
    products: Mapping[str, Text],
) -> tuple[Text, ...]:
    """One point per reason, then how to talk: by communication style, then by persona."""
    names = frozenset(personas)
    points = [talking_point(reason, policy, products) for reason in reasons]
    if style is not None and style in policy.styles:
        points.append(policy.styles[style])
    points += [persona.talk for persona in policy.personas if persona.name in names]
    return tuple(points)
