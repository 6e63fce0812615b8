"""`tierflow serve`, a start command for each service, and `tierflow token`."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DataDir

ServiceName = Literal["events", "scoring", "contact-planner", "suitability"]
SERVICE_NAMES: Final[tuple[ServiceName, ...]] = get_args(ServiceName)

Host = Annotated[str, typer.Option(envvar="TIERFLOW_HOST", help="Address to listen on.")]
Currency = Annotated[
    str | None, typer.Option(envvar="TIERFLOW_BASE_CURRENCY", help="Currency of tiers and totals (ISO 4217).")
]
Policy = Annotated[
    str | None,
    typer.Option(
        envvar="TIERFLOW_POLICY_SET",
        help="Tier policies: [bold]standard[/bold] (the default), [bold]berka[/bold], or a folder of policy files.",
    ),
]


def serve(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            envvar="TIERFLOW_PORT", min=1, max=65_535, help="Port; default 8000, one service alone 8001–8004."
        ),
    ] = None,
    service: Annotated[
        ServiceName | None, typer.Option(help="Only this service, beside others over the same data directory.")
    ] = None,
    policy: Policy = None,
    currency: Currency = None,
) -> None:
    """Start Tierflow: all four services in one process, or one of them alone.

    \b
    Examples:
      tierflow serve
      tierflow serve --port 9000 --data-dir /srv/tierflow
      tierflow serve --service scoring        (four of these share one data directory)
    """
    _run(data_dir, host, port, service, policy, currency)


def start_command(service: ServiceName) -> Callable[..., None]:
    """The command that starts one service alone, named as the service is: what a container runs."""

    def start(
        data_dir: DataDir = DEFAULT_DATA_DIR,
        host: Host = "127.0.0.1",
        port: Annotated[
            int | None, typer.Option(envvar="TIERFLOW_PORT", min=1, max=65_535, help="Port; default 8001–8004.")
        ] = None,
        policy: Policy = None,
        currency: Currency = None,
    ) -> None:
        _run(data_dir, host, port, service, policy, currency)

    start.__doc__ = f"""Start the {service} service alone; the environment (TIERFLOW_…) says the rest.

    \b
    Examples:
      tierflow {service}
      TIERFLOW_ENVIRONMENT=production TIERFLOW_KAFKA_BOOTSTRAP=kafka:9092 … tierflow {service} --host 0.0.0.0
    """
    return start


def _run(
    data_dir: Path, host: str, port: int | None, service: ServiceName | None, policy: str | None, currency: str | None
) -> None:
    from tierflow_embedded.server import ServeOptions, run

    options = ServeOptions(data_dir=data_dir, host=host, port=port, service=service, policy=policy, currency=currency)
    typer.echo(f"Tierflow on http://{options.host}:{options.listen_on}, data in {data_dir}. Ctrl+C ends it.", err=True)
    run(options)


def token(
    subject: Annotated[str, typer.Option(help="Who the token stands for.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it allows; repeat it, or use [bold]all[/bold].")] = None,
    customer: Annotated[str | None, typer.Option(help="The customer this person is, for customers' own calls.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long it is valid.")] = 8,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Print a signed token of the embedded issuer, for `Authorization: Bearer …` and for /docs.

    \b
    Examples:
      tierflow token --subject rm-00001 --scope contacts:read --scope contacts:write
      tierflow token --subject c-0000001 --customer c-0000001 --scope assessments:write
      curl -H "Authorization: Bearer $(tierflow token --subject me --scope tiers:read)" \\
           http://127.0.0.1:8000/scoring/v1/pyramid?scheme=private-bank
    """
    from tierflow_embedded.access import Tokens
    from tierflow_shared.web.scopes import ALL_SCOPES, DESCRIPTIONS

    wanted = sorted(ALL_SCOPES) if scope == ["all"] else scope or []
    unknown = [word for word in wanted if word not in ALL_SCOPES]
    if unknown or not wanted:
        known = "\n".join(f"  {name:24}{meaning}" for name, meaning in DESCRIPTIONS.items())
        problem = f"unknown scope {unknown[0]}" if unknown else "name at least one --scope"
        typer.echo(f"There are these scopes:\n{known}", err=True)
        raise typer.BadParameter(problem, param_hint="--scope")
    typer.echo(Tokens(Path(data_dir)).mint(subject, wanted, customer, timedelta(hours=hours)))
