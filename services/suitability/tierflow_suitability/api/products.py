"""Products: the same register that the bank's events write."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from tierflow_shared.contracts.bank import ProductUpdated
from tierflow_shared.money import EXPONENTS
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId, PositiveMoneyModel
from tierflow_shared.web.problems import conflict, invalid, not_found
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import Context
from tierflow_suitability.api.examples import PRODUCT_EXAMPLES
from tierflow_suitability.api.models import ProductBody, ProductOut
from tierflow_suitability.api.views import json_response
from tierflow_suitability.handlers.writing_products import NewerProductError, write_product
from tierflow_suitability.ports import Desk, Needed, ProductVersion


def products_router(context: Context) -> APIRouter:
    """Write and read products."""
    router = service_router("/suitability/v1", ["products"])

    @router.put("/products/{product_id}", response_model=ProductOut)
    async def put_product(
        product_id: PathId,
        body: Annotated[ProductBody, PRODUCT_EXAMPLES],
        principal: Annotated[Principal, requires("products:write")],
    ) -> Response:
        """Writes a product as it may be sold from now on; sales that waited for it are decided."""
        product = _product(product_id, body)
        needed = Needed(waiting_products=frozenset({product_id}))

        def write(desk: Desk) -> None:
            write_product(desk, context.office, product, principal.subject)
            desk.note(principal.subject, "product.write", product_id, "done")

        try:
            await context.write(needed, write)
        except NewerProductError:
            raise conflict("a statement about this product is dated later than now", code="newer-version") from None
        return await show(product_id)

    @router.get("/products/{product_id}", response_model=ProductOut)
    async def get_product(
        product_id: PathId,
        principal: Annotated[Principal, requires("products:read", customers=True, rms=True)],  # noqa: ARG001
    ) -> Response:
        """The newest statement about a product."""
        return await show(product_id)

    async def show(product_id: str) -> Response:
        found = await context.read(lambda: context.queries.product(product_id))
        if found is None:
            raise not_found("product")
        return json_response(_document(found))

    return router


def _product(product_id: str, body: ProductBody) -> ProductUpdated:
    if body.currency not in EXPONENTS:
        raise invalid("body.currency", "currency", "the bank does not book this currency")
    values = {name: getattr(body, name) for name in ProductBody.model_fields}
    for name, value in values.items():
        if isinstance(value, PositiveMoneyModel):
            values[name] = value.positive_contract()
    return ProductUpdated(product_id=product_id, **values)


def _document(found: ProductVersion) -> dict[str, object]:
    told_at, told_by, _ = found.version
    return {**msgspec.structs.asdict(found.product), "told_at": told_at, "told_by": told_by}
