"""The peer of the sale-decision bench: a FastAPI route that takes the same body and does nothing."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/noop")
async def noop() -> dict[str, str]:
    """Answers at once."""
    return {"status": "nothing"}
