"""`python -m bench [name …]`: runs the measurements, prints a table, keeps `var/bench/<name>.json`."""

import sys

from rich.console import Console
from rich.table import Table

from bench import freshness, ingest, pipeline, sale_decisions
from bench.result import Result

BENCHES = {
    "pipeline-embedded": pipeline.measure,
    "sale-decisions": sale_decisions.measure,
    "ingest-batches": ingest.measure_batches,
    "ingest-singles": ingest.measure_singles,
    "freshness": freshness.measure,
}


def main(names: list[str]) -> int:
    """0 when every goal was reached."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    console = Console()
    results = []
    for name in names or BENCHES:
        with console.status(f"measuring {name} …"):
            result = BENCHES[name]()
        result.write()
        results.append(result)
    console.print(_table(results))
    return 0 if all(result.reached for result in results) else 1


def _table(results: list[Result]) -> Table:
    table = Table(title="measured on this machine, in this run", title_justify="left")
    for heading in ("bench", "figure", "limit or peer", "ratio", "goal", "reached"):
        table.add_column(heading)
    for r in results:
        reached = "[green]yes" if r.reached else "[red]no"
        limit = f"{r.limit_or_peer:,.0f} {r.unit}\n[dim]{r.against}"
        table.add_row(r.name, f"{r.figure:,.0f} {r.unit}", limit, f"{r.ratio:.2f}", r.goal, reached)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
