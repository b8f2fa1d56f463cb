"""The catalogue by OAI-PMH 2.0, held to the rules of the protocol."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import text

from marketplace.kernel import clock
from marketplace.labs import core_metadata, oai
from schemas.identity import Role
from schemas.labs import Audience, InstrumentKind, InstrumentState
from tests.given.labs import an_instrument

NS = {
    "o": "http://www.openarchives.org/OAI/2.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "core": core_metadata.NAMESPACE,
}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
CODES = {
    "badArgument", "badResumptionToken", "badVerb", "cannotDisseminateFormat", "idDoesNotExist", "noRecordsMatch",
    "noMetadataFormats", "noSetHierarchy",
}  # fmt: skip


@pytest.fixture
async def manager(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
def harvest(client):
    """Ask, and hold the envelope of the answer to what the protocol says of every answer."""

    async def ask(*pairs: tuple[str, str], form: bool = False, **arguments: str) -> ET.Element:
        sent = [*arguments.items(), *pairs]
        sent = [(name.removesuffix("_"), value) for name, value in sent]
        if form:
            body = "&".join(f"{name}={value}" for name, value in sent)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await client.post("/oai", content=body, headers=headers)
        else:
            answer = await client.get("/oai", params=sent)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8"), answer.text
        assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
        root = ET.fromstring(answer.content)
        assert root.tag == f"{{{NS['o']}}}OAI-PMH"
        assert root.get(XSI) == f"{NS['o']} {NS['o']}OAI-PMH.xsd"
        date, request, *rest = root
        assert STAMP.fullmatch(date.text or "")
        assert (request.tag, request.text) == (f"{{{NS['o']}}}request", "http://127.0.0.1:8000/oai")
        errors = root.findall("o:error", NS)
        told = {error.get("code") for error in errors}
        assert told <= CODES
        # Not understood, a request is told without its arguments; otherwise with all of them.
        assert dict(request.attrib) == ({} if told & {"badVerb", "badArgument"} else dict(sent))
        assert len(rest) == 1
        return root

    return ask


async def codes(harvest, *pairs, **arguments) -> list[str]:
    return [error.get("code") for error in (await harvest(*pairs, **arguments)).findall("o:error", NS)]


def texts(root, path: str) -> list[str]:
    return [one.text or "" for one in root.findall(path, NS)]


async def made(session, organisation, number: int, **more):
    return await an_instrument(session, organisation, name=f"仪器 {number}", **more)


async def test_the_repository_says_what_it_is_which_formats_and_which_sets(harvest, session, manager):
    one = await made(session, manager.organisation, 1)
    root = await harvest(verb="Identify")
    names = [child.tag.split("}")[1] for child in root.find("o:Identify", NS)]
    assert names == [
        "repositoryName", "baseURL", "protocolVersion", "adminEmail", "earliestDatestamp", "deletedRecord", "granularity",
    ]  # fmt: skip
    told = dict(zip(names, texts(root, "o:Identify/*"), strict=True))
    assert (told["protocolVersion"], told["deletedRecord"], told["granularity"]) == (
        "2.0", "transient", "YYYY-MM-DDThh:mm:ssZ",
    )  # fmt: skip
    assert "@" in told["adminEmail"]
    assert told["earliestDatestamp"] <= f"{one.updated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    formats = await harvest(verb="ListMetadataFormats")
    assert texts(formats, ".//o:metadataPrefix") == ["oai_dc", "gbt30523"]
    assert texts(formats, ".//o:metadataNamespace")[0] == NS["oai_dc"]
    of_one = await harvest(verb="ListMetadataFormats", identifier=f"http://127.0.0.1:8000/instruments/{one.id}")
    assert texts(of_one, ".//o:metadataPrefix") == ["oai_dc", "gbt30523"]
    sets = await harvest(verb="ListSets", form=True)
    assert texts(sets, ".//o:setSpec") == ["kind:instrument", "kind:test_service", "kind:open_lab"]


async def test_a_record_is_told_in_both_formats(harvest, session, manager, client):
    one = await made(session, manager.organisation, 1, name_en="Tester", keywords=["疲劳", "断口"], class_code="01-01")
    identifier = f"http://127.0.0.1:8000/instruments/{one.id}"
    root = await harvest(verb="GetRecord", identifier=identifier, metadataPrefix="oai_dc", form=True)
    [record] = root.findall("o:GetRecord/o:record", NS)
    assert texts(record, "o:header/o:identifier") == [identifier]
    assert texts(record, "o:header/o:setSpec") == ["kind:instrument"]
    dc = record.find("o:metadata/oai_dc:dc", NS)
    assert dc.get(XSI) == f"{NS['oai_dc']} {NS['o']}oai_dc.xsd"
    assert texts(dc, "dc:title") == ["仪器 1", "Tester"]
    assert texts(dc, "dc:subject")[-2:] == ["疲劳", "断口"]
    assert (texts(dc, "dc:identifier"), texts(dc, "dc:publisher")) == ([identifier], [manager.organisation.name])
    # Dublin Core has fifteen elements, and nothing else stands there.
    allowed = {"title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "format",
               "identifier", "source", "language", "relation", "coverage", "rights"}  # fmt: skip
    assert {child.tag for child in dc} <= {f"{{{NS['dc']}}}{name}" for name in allowed}
    core = await harvest(verb="GetRecord", identifier=identifier, metadataPrefix="gbt30523")
    assert texts(core, ".//core:核心元数据/core:资源名称") == ["仪器 1"]
    assert texts(core, ".//core:核心元数据/core:关键词") == ["疲劳", "断口"]
    schema = await client.get("/oai/core-metadata.xsd")
    assert ET.fromstring(schema.content).get("targetNamespace") == core_metadata.NAMESPACE


async def test_only_what_everybody_may_see_is_harvested_whoever_asks(harvest, session, manager, client):
    one = await made(session, manager.organisation, 1)
    closed = await made(session, manager.organisation, 2, audience=Audience.PROVINCE, publicly_funded=False)
    draft = await made(session, manager.organisation, 3, state=InstrumentState.DRAFT)
    found = texts(await harvest(verb="ListIdentifiers", metadataPrefix="oai_dc"), ".//o:identifier")
    assert f"http://127.0.0.1:8000/instruments/{one.id}" in found
    assert not any(str(closed.id) in identifier or str(draft.id) in identifier for identifier in found)
    own = await client.get(
        "/oai", params={"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"}, headers=manager.headers
    )
    assert texts(ET.fromstring(own.content), ".//o:identifier") == found
    hidden = f"http://127.0.0.1:8000/instruments/{closed.id}"
    assert await codes(harvest, verb="GetRecord", identifier=hidden, metadataPrefix="oai_dc") == ["idDoesNotExist"]


async def test_what_was_taken_out_is_told_as_deleted(harvest, session, manager):
    one = await made(session, manager.organisation, 1)
    assert (await manager.post(f"/api/v1/instruments/{one.id}/retirement")).status_code == 200
    root = await harvest(verb="ListRecords", metadataPrefix="oai_dc")
    [record] = root.findall(".//o:record", NS)
    assert (record.find("o:header", NS).get("status"), record.find("o:metadata", NS)) == ("deleted", None)


async def test_a_list_is_walked_to_its_end_while_records_are_added_and_changed(harvest, session, manager, monkeypatch):
    monkeypatch.setattr(oai, "PAGE", 3)
    first = [await made(session, manager.organisation, number) for number in range(8)]
    root = await harvest(verb="ListRecords", metadataPrefix="gbt30523")
    seen, cursors = texts(root, ".//core:资源名称"), []
    token = root.find(".//o:resumptionToken", NS)
    # What is added or changed now comes at the end; nothing is left out and nothing unchanged comes twice.
    await made(session, manager.organisation, 8)
    changed = await manager.patch(f"/api/v1/instruments/{first[1].id}", {"model": "新"}, version=1)
    assert changed.status_code == 200
    while token is not None and token.text:
        cursors.append(int(token.get("cursor")))
        root = await harvest(verb="ListRecords", resumptionToken=token.text)
        seen += texts(root, ".//core:资源名称")
        token = root.find(".//o:resumptionToken", NS)
    assert seen == [f"仪器 {number}" for number in range(9)] + ["仪器 1"]
    assert (cursors, token.get("cursor"), token.text) == ([0, 3, 6], "9", None)


async def test_lists_are_narrowed_by_day_by_second_and_by_set(harvest, session, manager):
    await made(session, manager.organisation, 1)
    await made(session, manager.organisation, 2, kind=InstrumentKind.OPEN_LAB)
    old = await made(session, manager.organisation, 3)
    await session.execute(
        text("update instrument set updated_at = '2020-05-05T10:00:00.7Z' where id = :id"), {"id": old.id}
    )
    await session.flush()

    async def names(**arguments: str) -> list[str]:
        root = await harvest(verb="ListRecords", metadataPrefix="gbt30523", **arguments)
        return sorted(texts(root, ".//core:资源名称"))

    today = clock.now().astimezone(UTC).date()
    assert await names(set="kind:open_lab") == ["仪器 2"]
    assert await names(from_=str(today - timedelta(days=1))) == ["仪器 1", "仪器 2"]
    # until is inclusive: the whole day, and the whole second.
    assert await names(until="2020-05-05") == await names(until="2020-05-05T10:00:00Z") == ["仪器 3"]
    assert await names(from_="2020-05-05T10:00:00Z", until="2020-05-05T10:00:00Z") == ["仪器 3"]
    assert (
        await names(until="9999-12-31") == await names(until="9999-12-31T23:59:59Z") == ["仪器 1", "仪器 2", "仪器 3"]
    )
    nothing = {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"}
    assert await codes(harvest, **nothing, until="2020-05-04") == ["noRecordsMatch"]
    assert await codes(harvest, **nothing, until="2020-05-05T09:59:59Z") == ["noRecordsMatch"]
    assert await codes(harvest, **nothing, from_=str(datetime(2199, 1, 1, tzinfo=UTC).date())) == ["noRecordsMatch"]


LIST = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
WRONG = {
    "no verb": ({}, "badVerb"),
    "another verb": ({"verb": "Nonsense"}, "badVerb"),
    "a verb in lower case": ({"verb": "identify"}, "badVerb"),
    "an argument too many": ({"verb": "Identify", "identifier": "x"}, "badArgument"),
    "an argument too few": ({"verb": "ListRecords"}, "badArgument"),
    "no identifier": ({"verb": "GetRecord", "metadataPrefix": "oai_dc"}, "badArgument"),
    "an unknown argument": (LIST | {"<colour>": "red"}, "badArgument"),
    "another format": ({"verb": "ListRecords", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
    "another format of a record": ({"verb": "GetRecord", "identifier": "x", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
    "no such record": ({"verb": "GetRecord", "identifier": "oai:x:1", "metadataPrefix": "oai_dc"}, "idDoesNotExist"),
    "formats of no such record": ({"verb": "ListMetadataFormats", "identifier": "oai:x:1"}, "idDoesNotExist"),
    "a day that is none": (LIST | {"from": "2026-02-30"}, "badArgument"),
    "a year 0": (LIST | {"from": "0000-01-01"}, "badArgument"),
    "a time with a zone": (LIST | {"from": "2026-02-03T10:00:00+08:00"}, "badArgument"),
    "24 o'clock and a half": (LIST | {"until": "2026-02-03T24:30:00Z"}, "badArgument"),
    "two granularities": (LIST | {"from": "2026-02-03", "until": "2026-02-04T10:00:00Z"}, "badArgument"),
    "the end first": (LIST | {"from": "2026-02-04", "until": "2026-02-03"}, "badArgument"),
    "no such set": (LIST | {"set": "colour:red"}, "noRecordsMatch"),
    "a token of nobody": ({"verb": "ListRecords", "resumptionToken": "AAAA"}, "badResumptionToken"),
    "a token that is no text": ({"verb": "ListIdentifiers", "resumptionToken": "\x01词"}, "badResumptionToken"),
    "a token of sets": ({"verb": "ListSets", "resumptionToken": "AAAA"}, "badResumptionToken"),
    "a token and more": (LIST | {"resumptionToken": "AAAA"}, "badArgument"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_answered_with_the_protocols_code(what, client):
    sent, code = WRONG[what]
    for answer in (await client.get("/oai", params=sent), await client.post("/oai", data=sent)):
        root = ET.fromstring(answer.content)
        assert (answer.status_code, [one.get("code") for one in root.findall("o:error", NS)]) == (200, [code])


async def test_repeated_arguments_and_forged_tokens_are_refused(harvest, session, manager, monkeypatch):
    assert await codes(harvest, ("verb", "Identify"), ("verb", "Identify")) == ["badVerb"]
    twice = (("verb", "ListRecords"), ("metadataPrefix", "oai_dc"), ("metadataPrefix", "oai_dc"))
    assert await codes(harvest, *twice) == ["badArgument"]
    monkeypatch.setattr(oai, "PAGE", 1)
    await made(session, manager.organisation, 1)
    await made(session, manager.organisation, 2)
    root = await harvest(verb="ListRecords", metadataPrefix="oai_dc")
    token = root.find(".//o:resumptionToken", NS).text
    forged = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    assert await codes(harvest, verb="ListRecords", resumptionToken=forged) == ["badResumptionToken"]
    assert await codes(harvest, verb="ListRecords", resumptionToken=token) == []
