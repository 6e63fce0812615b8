"""Routes over the whole book: every account with its sums, and the digest."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tierflow_scoring.api import models, views
from tierflow_scoring.api.context import Context, day_to_fold_to
from tierflow_scoring.handlers.accounts import accounts_after
from tierflow_scoring.handlers.digest import digest
from tierflow_scoring.ports import AccountSums
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import QueryDay
from tierflow_shared.web.pages import Page, PageRequest, cursor_of, page_request
from tierflow_shared.web.routing import service_router

Reader = Annotated[Principal, requires("tiers:read", customers=True)]


def accounts_router(context: Context) -> APIRouter:
    """Accounts and digest."""
    router = service_router("/scoring/v1", ["book"])

    @router.get("/accounts")
    def list_accounts(
        principal: Reader,
        page: Annotated[PageRequest, Depends(page_request)],
    ) -> Page[models.AccountView]:
        """All accounts with the sums of their bookings, by customer and account; accounts without bookings too.

        A customer's token sees that customer's accounts alone.
        """
        after, only = page.after(str, str) or ("", ""), principal.customer
        if only is not None:
            after = (only, after[1] if after[0] == only else "")
        rows = []
        with context.reading() as (repository, queries):
            for row in accounts_after(repository, queries, after[0], after[1]):
                if only is not None and row.customer_id != only:
                    break
                rows.append(row)
                if len(rows) > page.limit:
                    break
        shown = rows[: page.limit]
        following = cursor_of(shown[-1].customer_id, shown[-1].account_id) if len(rows) > page.limit else None
        return Page(items=[_account(row, context.currency) for row in shown], next=following)

    @router.get("/digest")
    def read_digest(
        principal: Annotated[Principal, requires("operations:read")],  # noqa: ARG001
        as_of: Annotated[QueryDay | None, Query(description="through this day; the latest open day without it")] = None,
    ) -> models.DigestOut:
        """Folds everybody afresh: a number that depends on the set of events alone. Takes time with the book."""
        with context.reading() as (repository, _):
            day = None if as_of is None else day_to_fold_to(repository, as_of)
            found = digest(repository, context.policies, context.currency, day)
        return models.DigestOut(
            digest=found.digest,
            as_of=views.optional_day(found.as_of),
            customers=found.customers,
            accounts=found.accounts,
            transactions=found.transactions,
            paths_differing=found.paths_differing,
        )

    return router


def _account(row: AccountSums, currency: str) -> models.AccountView:
    return models.AccountView(
        account_id=row.account_id,
        customer_id=row.customer_id,
        net=views.money(row.net, currency),
        credit=views.money(row.credit, currency),
        debit=views.money(row.debit, currency),
        net_minor=row.net,
        bookings=row.transactions,
    )
