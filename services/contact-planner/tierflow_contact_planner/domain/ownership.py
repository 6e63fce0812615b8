"""No customer without an owner: the assigned relationship manager, else one found by rule."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tierflow_contact_planner.domain.facts import Version

Role = Literal["private-banking", "platinum", "personal", "phone-centre", "general-sales"]
POOL = "pool"


@dataclass(frozen=True, slots=True)
class Manager:
    """A relationship manager as last stated: limits are customers per full week and per day."""

    version: Version
    rm_id: str
    role: Role
    region: str
    is_active: bool
    weekly_list: int
    daily_reached: int


class Staff:
    """The active managers by role, ready to be asked for owners many times."""

    def __init__(self, managers: Iterable[Manager]) -> None:
        self.active: Mapping[str, Manager] = {m.rm_id: m for m in managers if m.is_active}
        self._of_role: dict[str, list[str]] = {}
        for rm_id, manager in sorted(self.active.items()):
            self._of_role.setdefault(manager.role, []).append(rm_id)

    def owner(self, customer_id: str, assigned: str | None, roles: Sequence[str]) -> str:
        """The assigned manager while active; else rendezvous hashing over the first role that has active ones.

        A manager who leaves hands over evenly and nobody else's customers move. Without any active manager of these
        roles the customer waits in the pool.
        """
        if assigned is not None and assigned in self.active:
            return assigned
        for role in roles:
            if candidates := self._of_role.get(role):
                return max(candidates, key=lambda rm_id: _score(rm_id, customer_id))
        return POOL


def _score(rm_id: str, customer_id: str) -> bytes:
    return hashlib.blake2b(f"{rm_id}\x1f{customer_id}".encode(), digest_size=8).digest()
