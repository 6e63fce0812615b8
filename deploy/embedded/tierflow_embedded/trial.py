"""Runs a trial of a policy from the command line: reads to the end of the log, compares, and again while it follows."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tierflow_embedded.cli.console import Counter, Display
from tierflow_scoring.settings import ScoringSettings
from tierflow_scoring.trial.compare import Comparison, Sides
from tierflow_scoring.trial.run import Start, Trial, policies_of
from tierflow_shared.clock import SystemClock
from tierflow_shared.logs import logging_for
from tierflow_shared.web.client import ApiClient


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """What to try, under which name, from where, and how often to compare."""

    policy: str
    base: str
    name: str
    since: datetime | None
    offsets: Mapping[int, int]
    data_dir: Path
    currency: str | None
    database_url: str | None
    every_s: float
    rounds: int
    most_movers: int


async def run_trial(order: TrialOrder, live: ApiClient, show: Callable[[Comparison], None]) -> None:
    """Shows a comparison each time the trial has reached the end of the log, `order.rounds` times.

    Raises:
        PolicyError, TrialError: the order cannot be carried out.
        ApiError, UnreachableError: the live scoring does not answer.
    """
    named: dict[str, Any] = {"data_dir": order.data_dir}
    if order.currency:
        named["base_currency"] = order.currency
    settings = ScoringSettings(**named)
    policies = policies_of(order.policy, order.base, settings.base_currency)
    with logging_for("trial", "WARNING"):
        async with Trial(settings, policies, order.name, clock=SystemClock(), url=order.database_url) as trial:
            await trial.start(Start(order.since, order.offsets))
            sides = Sides(trial.database, policies, settings.base_currency, live)
            for number in range(order.rounds):
                if number:
                    await asyncio.sleep(order.every_s)
                await _read(trial)
                show(await asyncio.to_thread(sides.compare, order.name, order.most_movers))


async def _read(trial: Trial) -> None:
    with Display() as display:
        counter: Counter | None = None

        def progress(done: int, total: int) -> None:
            nonlocal counter
            counter = counter or display.counter(f"{trial.name}: messages", total)
            counter.show(done)

        await trial.read_to(await trial.ends(), progress)
