"""The peers of the sale-decision bench: FastAPI routes that do nothing, with and without the declared body."""

from fastapi import FastAPI

from tierflow_suitability.api.models import SaleBody

app = FastAPI()


@app.post("/noop")
async def noop(sale: SaleBody) -> dict[str, str]:
    """Takes the same body as the product's route, by FastAPI's own means, and answers at once."""
    return {"status": "nothing", "customer_id": sale.customer_id}


@app.post("/event")
async def event(event: dict[str, object]) -> dict[str, object]:
    """Takes an event as JSON and answers at once."""
    return {"id": event["id"], "status": "nothing"}


@app.post("/bare")
async def bare() -> dict[str, str]:
    """Does not even read the body."""
    return {"status": "nothing"}
