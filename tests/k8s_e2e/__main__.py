"""`make k8s-e2e`: see docs/how-to/test-on-kubernetes.md; the report goes to `var/k8s/report.json`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from tests.k8s_e2e.images import ROOT, Wanted
from tests.k8s_e2e.kubectl import ClusterError
from tests.k8s_e2e.notes import FailedError, Notes, table
from tests.k8s_e2e.story import Orders, Story
from tierflow_shared.web.client import ApiError, UnreachableError

FOLDER: Final = Path("var/k8s")
_SUPPOSED_DATA: Final = ROOT.parent / "shared" / "data" / "berka"


def main(
    data: Annotated[Path, typer.Option(envvar="BERKA", help="Folder of the Berka tables.")] = _SUPPOSED_DATA,
    load: Annotated[
        str,
        typer.Option(envvar="K8S_LOAD", help="Command that brings {image} to the node; none: it fetches them itself."),
    ] = "",
    build: Annotated[bool, typer.Option(envvar="K8S_BUILD", help="Build our image first.")] = True,
    limit: Annotated[int | None, typer.Option(min=1_000, help="Only so many transactions.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=5_000, help="Events in one request.")] = 250,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything in the cluster at the end.")] = False,
) -> None:
    """The manifests on a real Kubernetes, under load and with accidents, compared with one process."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not os.environ.get("KUBECONFIG"):
        console.print("make k8s-e2e: no cluster is given (KUBECONFIG)")
        raise typer.Exit(2)
    if not (data / "trans.csv.gz").exists() and not (data / "trans.csv").exists():
        console.print(f"make k8s-e2e: no Berka tables in {data} (BERKA=folder)", soft_wrap=True)
        raise typer.Exit(2)
    FOLDER.mkdir(parents=True, exist_ok=True)
    notes = Notes(lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
    orders = Orders(data.resolve(), FOLDER, Wanted(load, build), limit, batch, keep)
    story, more = Story(orders, notes), dict[str, Any]()
    try:
        story.run()
    except (FailedError, ClusterError, ApiError, UnreachableError) as problem:
        more["problem"] = str(problem)
    report = notes.report({"kubernetes": "unknown", **story.facts, **more})
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(table(report))
    raise typer.Exit(0 if report["ok"] else 1)


if __name__ == "__main__":
    typer.run(main)
