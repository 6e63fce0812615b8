"""Who is calling and what they may do: routes declare a scope, or that they are public."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from fastapi import Depends, Request

from tierflow_shared.web.authority import Authority, authority_for
from tierflow_shared.web.client_limits import ClientLimits
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem, forbidden
from tierflow_shared.web.scopes import ALL_SCOPES


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """A dependency that lets a request pass only with a valid token that has `scope`.

    Tokens that are confined to one customer or one manager pass only where the route says that it looks at whose
    things are asked for (`customers`, `rms`); a route that says nothing refuses them.
    """

    scope: str
    customers: bool = False
    rms: bool = False

    async def __call__(self, request: Request) -> Principal:
        state = request.app.state
        authority: Authority = state.authority
        limits: ClientLimits = state.client_limits
        try:
            principal = await authority.principal(request.headers.get("authorization"))
        except Problem as problem:
            if problem.status_code == 401:
                limits.stranger(request.client.host if request.client else "")
            raise
        limits.caller(principal, self.scope)
        if self.scope not in principal.scopes:
            raise _missing_scope(self.scope)
        if (principal.customer is not None and not self.customers) or (principal.rm is not None and not self.rms):
            raise forbidden("this is not for tokens of one customer or one manager", rule="confined")
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


@lru_cache(maxsize=128)
def requires(scope: str, *, customers: bool = False, rms: bool = False) -> Any:
    """The dependency of a route that needs `scope`: `principal: Annotated[Principal, requires("tiers:read")]`.

    With `customers` or `rms` the route also takes tokens of one customer or one manager and checks itself whose things
    are asked for; what is not theirs looks like what does not exist.
    """
    assert scope in ALL_SCOPES, f"not in tierflow_shared.web.scopes: {scope}"
    return Depends(RequiredScope(scope, customers, rms))


PUBLIC: Final[Any] = Depends(PublicRoute())

__all__ = ["PUBLIC", "Authority", "Principal", "PublicRoute", "RequiredScope", "authority_for", "requires"]
