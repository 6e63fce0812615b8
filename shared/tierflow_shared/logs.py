"""Structured logs: one JSON object a line, with the trace id, without personal data."""

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from traceback import extract_tb
from typing import Any, Final, TextIO

import msgspec
import structlog

trace_id: Final[ContextVar[str]] = ContextVar("tierflow_trace_id", default="")
# The W3C trace context that messages of the work in hand carry on; "" where there is none.
traceparent: Final[ContextVar[str]] = ContextVar("tierflow_traceparent", default="")
# Ids to find work by, no secrets: the system's generator would cost a system call for each request.
_ids: Final = Random()

# Keys that would carry what a customer said or who a customer is. Their values never reach a log line.
PERSONAL_KEYS: Final = frozenset(
    {"name", "birth_date", "phone", "email", "notes", "personal", "data", "value", "body", "token", "authorization"}
)
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def new_trace_id() -> str:
    """32 hexadecimal digits, for work that nobody else has given an id."""
    return f"{_ids.getrandbits(128):032x}"


def _add_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = trace_id.get()
    if current:
        event["trace_id"] = current
    return event


def _hide_personal(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in PERSONAL_KEYS & event.keys():
        event[key] = "(hidden)"
    return event


def _name_error(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Says where and what kind of error, never its message: a driver's message can repeat a row's values."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)][
            -8:
        ]
    return event


def _to_json(_logger: object, _method: str, event: Mapping[str, Any]) -> str:
    return _encode(event).decode()


class _StandardLibraryHandler(logging.Handler):
    """Brings the log lines of libraries (uvicorn, SQLAlchemy) into the same shape; messages of errors stay out."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


def configure_logging(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sets up logging for this process. Called by whoever starts it, never at import."""
    least = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            _name_error,
            _hide_personal,
            _to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    root = logging.getLogger()
    root.handlers[:] = [_StandardLibraryHandler()]
    root.setLevel(max(least, logging.WARNING))
    # in an outage the client repeats itself many times a second; the adapter raises what matters, and that is logged
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@contextmanager
def logging_for(service: str, level: str) -> Iterator[None]:
    """Logging as `configure_logging` sets it up, inside the block only: for a command that another program may run."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    try:
        with structlog.contextvars.bound_contextvars(service=service):
            configure_logging(service, level)
            yield
    finally:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(root_level)
