"""The erasure of a person: one asks, another one confirms."""

from datetime import datetime
from typing import Literal, NamedTuple

from tierflow_shared.contracts.outcomes import CustomerErased, ErasureBasis

State = Literal["requested", "done"]


class FourEyesError(Exception):
    """Who asked for the erasure cannot confirm it."""


class Erasure(NamedTuple):
    """Who asked when for whose erasure and why, and who confirmed it. Subjects are those of tokens."""

    id: str
    customer_id: str
    basis: ErasureBasis
    requested_by: str
    requested_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None

    @property
    def state(self) -> State:
        return "requested" if self.confirmed_by is None else "done"

    def told(self) -> CustomerErased:
        """What everybody hears of it."""
        assert self.confirmed_by is not None, "told when it is done"
        assert self.confirmed_at is not None, "told when it is done"
        return CustomerErased(
            erasure_id=self.id,
            customer_id=self.customer_id,
            basis=self.basis,
            requested_by=self.requested_by,
            confirmed_by=self.confirmed_by,
            erased_at=self.confirmed_at,
        )


def confirmed(erasure: Erasure, by: str, at: datetime) -> Erasure:
    """The erasure as done.

    Raises:
        FourEyesError: see there.
    """
    if erasure.requested_by == by:
        raise FourEyesError
    return erasure._replace(confirmed_by=by, confirmed_at=at)


def heard_of(told: CustomerErased) -> Erasure:
    """The erasure that somebody else carried out."""
    return Erasure(
        told.erasure_id,
        told.customer_id,
        told.basis,
        told.requested_by,
        told.erased_at,
        told.confirmed_by,
        told.erased_at,
    )
