"""`tierflow migrate`: the schemas of the services, step by step."""

from functools import partial
from typing import Annotated

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DataDir
from tierflow_embedded.cli.serving import ServiceName


def migrate(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    service: Annotated[ServiceName | None, typer.Option(help="Only this service; default all four.")] = None,
    to: Annotated[str, typer.Option(help="A revision or its number; default the newest.")] = "head",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail unless the schemas are what this version needs.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0, max=86_400, help="Seconds to go on trying while a database is away, or --check fails."),
    ] = 0.0,
) -> None:
    """Bring the databases' schemas up to date. Safe to repeat, and safe when several run at once.

    \b
    Examples:
      tierflow migrate
      TIERFLOW_DATABASE_URL='postgresql+psycopg://tierflow@db/tierflow_{service}' tierflow migrate
      tierflow migrate --service scoring --to 2
      tierflow migrate --check --patience 600        (wait until somebody else has done it)
    """
    from tierflow_embedded.schemas import check_service, migrate_service, patiently, service_names

    for name in [service] if service else service_names():
        if check:
            patiently(partial(check_service, name, data_dir), patience)
            typer.echo(f"{name}: up to date")
            continue
        done = patiently(partial(migrate_service, name, data_dir, to), patience)
        typer.echo(f"{name}: {', '.join(done) if done else 'nothing to do'}")
