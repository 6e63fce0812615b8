"""Who is calling and what they may do: routes declare a scope, or that they are public."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from fastapi import Depends, Request

from tierflow_shared.web.authority import Authority, Principal, authority_for
from tierflow_shared.web.problems import Problem
from tierflow_shared.web.scopes import ALL_SCOPES


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """A dependency that lets a request pass only with a valid token that has `scope`."""

    scope: str

    async def __call__(self, request: Request) -> Principal:
        authority: Authority = request.app.state.authority
        principal = await authority.principal(request.headers.get("authorization"))
        if self.scope not in principal.scopes:
            raise _missing_scope(self.scope)
        return principal


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A dependency that only says: this route needs no token, and that is meant."""

    async def __call__(self) -> None:
        return None


def _missing_scope(scope: str) -> Problem:
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    detail = f"the token lacks the scope {scope}"
    return Problem(
        403, "forbidden", "Not allowed", detail,
        field="header.authorization", rule="scope",
        headers={"WWW-Authenticate": challenge}, extra={"scope": scope},
    )  # fmt: skip


@lru_cache(maxsize=64)
def requires(scope: str) -> Any:
    """The dependency of a route that needs `scope`: `principal: Annotated[Principal, requires("tiers:read")]`."""
    assert scope in ALL_SCOPES, f"not in tierflow_shared.web.scopes: {scope}"
    return Depends(RequiredScope(scope))


PUBLIC: Final[Any] = Depends(PublicRoute())

__all__ = ["PUBLIC", "Authority", "Principal", "PublicRoute", "RequiredScope", "authority_for", "requires"]
