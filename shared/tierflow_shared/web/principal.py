"""Who is calling, as the token says (RFC 8693 for those who act for somebody else)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `subject` is the person or system in every four-eyes check and audit row.

    A token may be confined: to one customer (`customer`), or to one relationship manager's book (`rm`), never both.
    `actor` is the system that acts for the subject with a delegated token (the claim `act`).
    """

    subject: str
    scopes: frozenset[str]
    customer: str | None = None
    rm: str | None = None
    actor: str | None = None

    @property
    def is_confined(self) -> bool:
        """Whether the token sees only what belongs to one customer or one manager."""
        return self.customer is not None or self.rm is not None

    @property
    def identity(self) -> str:
        """Subject and confinement: two callers of one name who see different things are not the same caller."""
        confined_to = self.customer or self.rm
        return self.subject if confined_to is None else f"{self.subject} {confined_to}"


class ClaimError(ValueError):
    """A claim that says who is calling cannot be believed."""

    def __init__(self, claim: str, detail: str) -> None:
        super().__init__(detail)
        self.claim = claim


def principal_of(claims: Mapping[str, Any], is_id: Any) -> Principal:
    """The caller that these claims name. `is_id` says whether a value is an id.

    A delegated token (`act`) that names neither a customer nor a manager stands for its subject as a customer: who
    acts for somebody never sees more than this one.

    Raises:
        ClaimError: a claim is malformed, or the token is confined in two ways.
    """
    subject, scope = claims.get("sub"), claims.get("scope", "")
    if not is_id(subject):
        raise ClaimError("sub", "the token's subject must be an id of 1 to 64 characters")
    if not isinstance(scope, str):
        raise ClaimError("scope", "the token's scope must be words separated by spaces")
    customer, rm, actor = _id(claims, "customer", is_id), _id(claims, "rm", is_id), _actor(claims, is_id)
    if customer is not None and rm is not None:
        raise ClaimError("rm", "a token stands for a customer or for a manager, not for both")
    if actor is not None and customer is None and rm is None:
        customer = subject
    return Principal(str(subject), frozenset(scope.split()), customer, rm, actor)


def _id(claims: Mapping[str, Any], name: str, is_id: Any) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not is_id(value):
        raise ClaimError(name, f"the token's {name} must be an id")
    return str(value)


def _actor(claims: Mapping[str, Any], is_id: Any) -> str | None:
    if "act" not in claims:
        return None
    act = claims["act"]
    actor = act.get("sub") if isinstance(act, dict) else None
    if not is_id(actor):
        raise ClaimError("act", "the token's act must name who acts, by its sub")
    return str(actor)
