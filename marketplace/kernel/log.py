"""One event per line: coloured for a person, JSON for a machine. Neither shows what somebody wrote."""

import json
import logging
import sys
import traceback
from typing import Any

import asyncpg
import orjson
import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from marketplace.settings import LogFormat

MOST_SAID = 500
MOST_FRAMES = 40


def said(error: BaseException) -> str:
    """What an error says, without the values that PostgreSQL and pydantic like to repeat."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return f"{type(error).__name__}: {said(cause) if cause is not None else type(error.orig).__name__}"
    if isinstance(error, asyncpg.PostgresError):
        named = {name: getattr(error, f"{name}_name", None) for name in ("constraint", "table", "column")}
        parts = [error.sqlstate or "", *(f"{what}={name}" for what, name in named.items() if name)]
        return f"{type(error).__name__}: {' '.join(filter(None, parts))}"
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_url=False, include_context=False)
    elif isinstance(told := getattr(error, "errors", None), (list, tuple)) or callable(told):
        found = list(told() if callable(told) else told)
    else:
        text = str(error)
        return f"{type(error).__name__}: {text[:MOST_SAID]}" if text else type(error).__name__
    places = [f"{wrong.get('loc')} {wrong.get('type')}" for wrong in found if isinstance(wrong, dict)]
    return f"{type(error).__name__}: {'; '.join(places)[:MOST_SAID]}"


def trace(error: BaseException, seen: frozenset[int] = frozenset()) -> str:
    """Where an error came from, and what it came from: places and kinds, no local variables."""
    seen |= {id(error)}
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    lines = [said(error), *(f"  at {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]
    if isinstance(error, BaseExceptionGroup):
        for number, part in enumerate(error.exceptions, 1):
            lines += [f"  part {number}:", *(f"  {line}" for line in trace(part, seen).splitlines())]
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        lines += ["because of", trace(before, seen)]
    return "\n".join(lines)


def _exceptions_told(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = trace(error)
    return event


def _as_json(event: structlog.typing.EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:
        # Half of a character pair, a number beyond 64 bits: rare, and no reason to fall silent.
        return json.dumps(event, default=repr)


def configure(form: LogFormat, level: str = "INFO") -> None:
    """Send our events and the libraries' records to standard error in one form."""
    # Of each record the library would look up where in the code it was made, and by whom: nobody is told.
    logging._srcfile = None  # noqa: SLF001 -- as Python's own guide has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    threshold = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_as_json)
        if form is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _exceptions_told, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for chatty in ("pgqueuer", "uvicorn.access", "asyncio", "httpx", "alembic"):
        logging.getLogger(chatty).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
