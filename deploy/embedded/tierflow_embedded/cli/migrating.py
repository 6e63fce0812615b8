"""`tierflow migrate`: the schemas of the services, step by step."""

from typing import Annotated

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DataDir
from tierflow_embedded.cli.serving import ServiceName


def migrate(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    service: Annotated[ServiceName | None, typer.Option(help="Only this service; default all four.")] = None,
    to: Annotated[str, typer.Option(help="A revision or its number; default the newest.")] = "head",
) -> None:
    """Bring the databases' schemas up to date. Safe to repeat, and safe when several run at once.

    \b
    Examples:
      tierflow migrate
      TIERFLOW_DATABASE_URL='postgresql+psycopg://tierflow@db/tierflow_{service}' tierflow migrate
      tierflow migrate --service scoring --to 2
    """
    from tierflow_embedded.schemas import migrate_service, service_names

    for name in [service] if service else service_names():
        done = migrate_service(name, data_dir, to)
        typer.echo(f"{name}: {', '.join(done) if done else 'nothing to do'}")
