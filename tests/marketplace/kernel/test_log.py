"""What is logged is one line, says where and what kind, and never what somebody wrote."""

import json
import logging
import subprocess
import sys
from uuid import uuid4

import pytest

from marketplace.kernel import log

CANARY = "canary-7f3a"

PROGRAM = """
import asyncio, logging, sys
import structlog
from marketplace.kernel import log
from marketplace.settings import LogFormat

log.configure(LogFormat(sys.argv[1]), "INFO")
logger = structlog.get_logger("test")
CANARY = "".join(["canary", "-7f3a"])

def fail(password):
    raise ValueError("told")

structlog.contextvars.bind_contextvars(trace_id="t-1")
logger.info("hello", who="安娜", text="line one\\nline two")
try:
    fail(CANARY)
except ValueError:
    logger.exception("it_failed")

import asyncpg
from sqlalchemy.exc import IntegrityError
try:
    try:
        inner = asyncpg.UniqueViolationError(f"duplicate key\\nDETAIL: Key (email)=({CANARY}) already exists.")
        inner.constraint_name, inner.table_name = "person_email_key", "person"
        wrapped = Exception()
        wrapped.__cause__ = inner
        raise IntegrityError("insert", {"email": CANARY}, wrapped)
    except IntegrityError as error:
        raise RuntimeError("outer") from error
except RuntimeError:
    logger.exception("database_failed")

from pydantic import BaseModel
class Model(BaseModel):
    age: int
try:
    Model(age=CANARY)
except ValueError:
    logger.exception("invalid")

from fastapi.exceptions import ResponseValidationError
logger.error("answer_wrong", exc_info=ResponseValidationError([{"type": "int", "loc": ("response",), "input": CANARY}], body=CANARY))
logger.error("many", exc_info=ExceptionGroup("several", [ValueError("one"), KeyError("two")]))
logger.error("none", exc_info=True)
logging.getLogger("library").warning("a record of %s", "a library")
logging.getLogger("library").error("with a trace", exc_info=ValueError("inside"))
logging.getLogger("pgqueuer").info("not shown")
structlog.get_logger("test").debug("not shown")
cycle = ValueError("a"); cycle.__cause__ = ValueError("b"); cycle.__cause__.__cause__ = cycle
logger.error("cycle", exc_info=cycle)
logger.error("long", exc_info=ValueError("x" * 5000))
logger.error("silent", exc_info=ValueError())
"""


def output_of(form: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout == ""
    return found.stderr


@pytest.fixture(scope="module")
def events() -> dict[str, dict]:
    return {event["event"]: event for event in map(json.loads, output_of("json").splitlines())}


def test_every_event_is_one_line_of_json(events):
    assert events["hello"].keys() == {"event", "who", "text", "trace_id", "level", "timestamp"}
    assert (events["hello"]["who"], events["hello"]["trace_id"]) == ("安娜", "t-1")
    assert events["a record of a library"]["level"] == "warning"
    assert "not shown" not in events


def test_an_exception_says_where_it_came_from_and_holds_no_local_variable(events):
    told = events["it_failed"]["exception"]
    assert told.startswith("ValueError: told\n  at ")
    assert "fail" in told
    assert "ValueError: inside" in events["with a trace"]["exception"]


def test_a_chain_of_causes_is_told_whole(events):
    told = events["database_failed"]["exception"]
    assert told.startswith("RuntimeError: outer")
    assert "because of\nIntegrityError: UniqueViolationError: 23505 constraint=person_email_key table=person" in told


def test_what_was_invalid_is_named_and_not_repeated(events):
    assert events["invalid"]["exception"].startswith("ValidationError: ('age',) int_parsing")
    assert events["answer_wrong"]["exception"].startswith("ResponseValidationError: ('response',) int")


def test_groups_cycles_silence_and_novels_are_told_too(events):
    assert "part 2:\n  KeyError: 'two'" in events["many"]["exception"]
    assert events["cycle"]["exception"].count("ValueError") == 2
    assert len(events["long"]["exception"]) < 600
    assert events["silent"]["exception"] == "ValueError"
    assert "exception" not in events["none"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_form_shows_what_somebody_wrote(form):
    output = output_of(form)
    assert "database_failed" in output
    assert CANARY not in output


async def test_no_secret_of_a_request_reaches_the_log(given, client, caplog):
    caplog.set_level(logging.DEBUG)
    anna = await given.person()
    wish = {"email": f"{CANARY}@test.example", "password": CANARY}
    await client.post("/api/v1/sessions", json=wish)
    await client.post("/api/v1/people", json={"email": wish["email"], "name": CANARY})
    await client.get(f"/api/v1/organisations?q={CANARY}")
    await anna.patch("/api/v1/me", {"name": CANARY}, version=1)
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name in {"http", "db", "app", "mail", "jobs"}
    )
    assert '"request"' in ours or "'request'" in ours
    assert CANARY not in ours
    assert anna.token not in ours


def test_what_json_cannot_say_is_logged_all_the_same():
    for value in ("\ud800", 2**80, {1, 2}, uuid4()):
        assert json.loads(log._as_json({"event": "odd", "value": value}))["event"] == "odd"
