"""`/oai`: the catalogue as OAI-PMH. Its errors are the protocol's own, so the document of the API does not describe it."""

from collections.abc import Sequence
from email.utils import parseaddr
from typing import Final
from xml.etree.ElementTree import Element

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import clock
from marketplace.kernel.db import Reading, TransactionRoute, Writing
from marketplace.labs import core_metadata, oai, oai_xml

XML: Final = "text/xml; charset=utf-8"


class OaiRoute(TransactionRoute):
    # What the protocol does not know it refuses by itself.
    takes_any_parameter = True


router = APIRouter(prefix="/oai", route_class=OaiRoute, include_in_schema=False)


async def _answer(request: Request, session: AsyncSession, pairs: Sequence[tuple[str, str]]) -> Response:
    settings, key = request.app.state.settings, request.app.state.signing_key
    base = f"{settings.public_url}/oai"
    arguments: dict[str, str] = {}
    now = clock.now()
    try:
        ask = oai.asked(pairs)
        arguments = {"verb": ask.verb, **ask.arguments}
        body = await _body(session, ask, base, settings.public_url, settings.mail_from, key)
    except oai.Refused as refused:
        told = {} if refused.code in {"badVerb", "badArgument"} else arguments
        return Response(oai_xml.document(base, now, told, oai_xml.refusal(refused)), media_type=XML)
    return Response(oai_xml.document(base, now, arguments, body), media_type=XML)


async def _body(session: AsyncSession, ask: oai.Ask, base: str, url: str, mail: str, key: bytes) -> Element:
    def key_of(identifier: str) -> str | None:
        before = core_metadata.identifier_of(url)
        return identifier.removeprefix(before) if identifier.startswith(before) else None

    match ask.verb:
        case "Identify":
            address = parseaddr(mail)[1]
            return oai_xml.identify(base, "对接 Duijie", address, await oai.earliest(session))
        case "ListMetadataFormats":
            if "identifier" in ask.arguments:
                await oai.one(session, ask.arguments["identifier"], key_of)
            return oai_xml.formats(base)
        case "ListSets":
            if "resumptionToken" in ask.arguments:
                raise oai.Refused("badResumptionToken", "all sets are told at once")
            return oai_xml.sets()
        case "GetRecord":
            prefix = oai.formatted(ask.arguments["metadataPrefix"])
            return oai_xml.single(await oai.one(session, ask.arguments["identifier"], key_of), url, prefix)
        case _:
            walk = oai.walk(ask, key)
            rows, after = await oai.listed(session, walk)
            body = oai_xml.listing(ask.verb, rows, url, walk.prefix)
            oai_xml.resume(body, oai.token(after, key) if after is not None else None, walk.seen)
            return body


@router.get("", response_class=Response)
async def harvest(request: Request, session: Reading) -> Response:
    """Any verb of the protocol."""
    return await _answer(request, session, request.query_params.multi_items())


@router.post("", response_class=Response)
async def harvest_by_form(request: Request, session: Writing) -> Response:
    """The same, asked for by a form: the protocol allows both."""
    sent = (await request.form()).multi_items()
    return await _answer(request, session, [(name, value if isinstance(value, str) else "") for name, value in sent])


@router.get("/core-metadata.xsd", response_class=Response)
async def schema() -> Response:
    """What the records of `gbt30523` look like."""
    return Response(oai_xml.SCHEMA, media_type="application/xml")
