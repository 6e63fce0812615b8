"""Chooses: no tracing, or OpenTelemetry. The SDK is imported only where it is used."""

from typing import TYPE_CHECKING

from tierflow_shared.settings import ServiceSettings

if TYPE_CHECKING:
    from tierflow_shared.tracing.spans import Tracing


def open_tracing(settings: ServiceSettings, service: str) -> "Tracing | None":
    """The tracing of one service; None where no receiver is set."""
    if settings.otlp_endpoint is None:
        return None
    from tierflow_shared.tracing.exporting import provider_for
    from tierflow_shared.tracing.spans import Tracing

    return Tracing(provider_for(settings.otlp_endpoint, service, settings))
