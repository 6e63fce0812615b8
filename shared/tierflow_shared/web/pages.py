"""Cursor pages: a list never comes whole, and a page stays right while rows are added."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query, Request
from pydantic import BaseModel, Field

from tierflow_shared.web.problems import Problem, invalid

Item = TypeVar("Item")
MAX_CURSOR_LENGTH = 512


class Page(BaseModel, Generic[Item]):
    """One page. `next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = Field(None, description="pass as `cursor` to get the following page")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many items, and after which keys. `after` holds the sort keys of the last item seen, or is empty."""

    limit: int
    cursor: str | None

    def after(self, *types: type) -> tuple[Any, ...] | None:
        """The sort keys in the cursor, of exactly these types; None for the first page.

        Raises:
            Problem: 422, the cursor did not come from this list.
        """
        if self.cursor is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(self.cursor.encode("ascii") + b"==")
            keys = msgspec.json.decode(raw, type=list[Any])
        except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
            raise _bad_cursor() from None
        if len(keys) != len(types) or any(type(key) is not wanted for key, wanted in zip(keys, types, strict=True)):
            raise _bad_cursor()
        return tuple(keys)

    def page(self, rows: Sequence[Any], *keys: str) -> tuple[Sequence[Any], str | None]:
        """Cuts what a query for `limit + 1` rows gave into the page's rows and the next cursor.

        `keys` name the attributes of a row by which the list is sorted.
        """
        if len(rows) <= self.limit:
            return rows, None
        shown = rows[: self.limit]
        return shown, cursor_of(*(getattr(shown[-1], key) for key in keys))


def cursor_of(*keys: object) -> str:
    """An opaque cursor that stands after the item with these sort keys."""
    return base64.urlsafe_b64encode(msgspec.json.encode(keys)).rstrip(b"=").decode()


def _bad_cursor() -> Problem:
    return invalid("query.cursor", "cursor", "this cursor does not belong to this list")


async def page_request(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=10_000, description="most items on the page")] = 50,
    cursor: Annotated[
        str | None,
        Query(max_length=MAX_CURSOR_LENGTH, pattern=r"^[\x21-\x7e]*$", description="`next` of the page before"),
    ] = None,
) -> PageRequest:
    """The dependency of list routes: `page: Annotated[PageRequest, Depends(page_request)]`."""
    most = request.app.state.settings.max_page_size
    if limit > most:
        raise invalid("query.limit", "less-than-equal", f"a page has at most {most} items")
    return PageRequest(limit, cursor)
