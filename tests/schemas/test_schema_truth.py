"""OpenAPI tells the truth about every field: what it admits is accepted, what it excludes is refused."""

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, assume, settings
from pydantic import BaseModel, ConfigDict
from schemathesis import Case
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from schemas import codes
from schemas.text import Day, Int32, Keyword, Line, Moment, SmallInt, Text, Title, Whole, Yuan
from schemas.uscc import Uscc

_spec = importlib.util.spec_from_file_location("formats", Path(__file__).with_name("formats.py"))
assert _spec is not None
assert _spec.loader is not None
formats: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)
for _name, _strategy in formats.FORMATS.items():
    schemathesis.openapi.format(_name, _strategy)


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title
    story: Annotated[str, Text(2000)]
    remark: Annotated[str, Line(30, least=0)] | None = None
    keywords: list[Keyword] = []
    price: Yuan
    deadline: Day
    begins: Moment
    count: Int32
    small: SmallInt
    seats: Annotated[int, Whole(1, 500)]
    trl: codes.Trl
    industry: codes.IndustryCode
    discipline: codes.DisciplineCode
    region: codes.RegionCode
    field: codes.TechFieldCode
    contract: codes.ContractTypeCode
    ip: codes.IpTypeCode
    instrument: codes.InstrumentClassCode
    uscc: Uscc


app = FastAPI()


@app.post("/everything", responses={400: {}})
def echo(sent: Everything) -> Everything:
    return sent


schema = schemathesis.openapi.from_asgi("/openapi.json", app)
(OPERATION,) = (found.ok() for found in schema.get_all_operations())


def test_the_fuzzer_spares_only_what_a_pattern_cannot_say():
    assert formats.beyond_patterns({"a": ["seen", "\U000e0041"]})
    assert formats.beyond_patterns({"a": {"b": " seen"}})
    assert not formats.beyond_patterns({"a": ["\u200b", "a b"], "b": "x\U000e0041", "c": 1})


def test_a_fuzzer_that_reads_the_schema_finds_no_lie():
    """Its requests are thought out here: `schema.parametrize` does it while tests are collected, in each process."""

    @settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
    def asked(case: Case) -> None:
        assume(not formats.beyond_patterns(case.body))
        case.call_and_validate()

    create_test(
        operation=OPERATION,
        test_func=asked,
        config=HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode)),
    )()
