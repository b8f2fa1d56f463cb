"""The answers of OAI-PMH as XML."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from marketplace.labs import core_metadata, oai, written
from marketplace.labs.models import Instrument
from schemas import codes
from schemas.labs import InstrumentState

NAMESPACE: Final = "http://www.openarchives.org/OAI/2.0/"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_DC: Final = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_ELEMENTS: Final = "http://purl.org/dc/elements/1.1/"


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def said(above: Element, name: str, text: str | None) -> None:
    if text:
        SubElement(above, name).text = core_metadata.printable(text)


def document(base: str, now: datetime, arguments: Mapping[str, str], *bodies: Element) -> bytes:
    """The envelope around an answer. A request that was not understood is told without its arguments."""
    root = Element("OAI-PMH", {"xmlns": NAMESPACE, "xmlns:xsi": XSI})
    root.set("xsi:schemaLocation", f"{NAMESPACE} {NAMESPACE}OAI-PMH.xsd")
    said(root, "responseDate", stamp(now))
    plain = {name: core_metadata.printable(value) for name, value in arguments.items()}
    SubElement(root, "request", plain).text = base
    root.extend(bodies)
    written_down: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written_down


def refusal(refused: oai.Refused) -> Element:
    made = Element("error", {"code": refused.code})
    made.text = refused.text
    return made


def identify(base: str, name: str, mail: str, earliest: datetime) -> Element:
    made = Element("Identify")
    told = {
        "repositoryName": name, "baseURL": base, "protocolVersion": "2.0", "adminEmail": mail,
        "earliestDatestamp": stamp(earliest), "deletedRecord": "transient", "granularity": "YYYY-MM-DDThh:mm:ssZ",
    }  # fmt: skip
    for key, value in told.items():
        said(made, key, value)
    return made


def formats(base: str) -> Element:
    made = Element("ListMetadataFormats")
    for prefix, schema, namespace in (
        (oai.DC, f"{NAMESPACE}oai_dc.xsd", _DC),
        (oai.CORE, f"{base}/core-metadata.xsd", core_metadata.NAMESPACE),
    ):
        one = SubElement(made, "metadataFormat")
        said(one, "metadataPrefix", prefix)
        said(one, "schema", schema)
        said(one, "metadataNamespace", namespace)
    return made


def sets() -> Element:
    made = Element("ListSets")
    for spec, kind in oai.SETS.items():
        one = SubElement(made, "set")
        said(one, "setSpec", spec)
        said(one, "setName", written.KINDS[kind])
    return made


def _header(one: Instrument, url: str) -> Element:
    made = Element("header", {"status": "deleted"} if one.state is InstrumentState.RETIRED else {})
    said(made, "identifier", core_metadata.identifier(one, url))
    said(made, "datestamp", stamp(one.updated_at))
    said(made, "setSpec", f"kind:{one.kind.value}")
    return made


def _record(one: Instrument, url: str, prefix: str) -> Element:
    made = Element("record")
    made.append(_header(one, url))
    # What was taken out has a header alone.
    if one.state is not InstrumentState.RETIRED:
        metadata = SubElement(made, "metadata")
        metadata.append(_dublin_core(one, url) if prefix == oai.DC else _core(one, url))
    return made


def _core(one: Instrument, url: str) -> Element:
    made = core_metadata.element(core_metadata.of(one, url))
    made.set("xmlns", core_metadata.NAMESPACE)
    return made


def _dublin_core(one: Instrument, url: str) -> Element:
    made = Element("oai_dc:dc", {"xmlns:oai_dc": _DC, "xmlns:dc": _ELEMENTS, "xmlns:xsi": XSI})
    made.set("xsi:schemaLocation", f"{_DC} {NAMESPACE}oai_dc.xsd")
    said(made, "dc:title", one.name)
    said(made, "dc:title", one.name_en)
    for subject in [*_path("instrument_classes", one.class_code), *one.keywords]:
        said(made, "dc:subject", subject)
    said(made, "dc:description", one.capabilities)
    said(made, "dc:publisher", one.organisation.name)
    said(made, "dc:date", one.created_at.astimezone(UTC).date().isoformat())
    said(made, "dc:type", written.KINDS[one.kind])
    said(made, "dc:identifier", core_metadata.identifier(one, url))
    said(made, "dc:language", "zh")
    for place in _path("regions", one.region):
        said(made, "dc:coverage", place)
    return made


def _path(table: str, code: str | None) -> Iterable[str]:
    return () if code is None else (codes.TABLES[table].path(code),)


def listing(verb: str, rows: Iterable[Instrument], url: str, prefix: str) -> Element:
    made = Element(verb)
    for one in rows:
        made.append(_header(one, url) if verb == "ListIdentifiers" else _record(one, url, prefix))
    return made


def resume(above: Element, token: str | None, seen: int) -> None:
    """Where the next page begins; the last page of several says so with an empty token."""
    if token is not None or seen:
        SubElement(above, "resumptionToken", {"cursor": str(seen)}).text = token


def single(one: Instrument, url: str, prefix: str) -> Element:
    made = Element("GetRecord")
    made.append(_record(one, url, prefix))
    return made


_FIELDS: Final = "".join(
    f'<xs:element name="{name}" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>'
    for name, _ in core_metadata.CORE
)
SCHEMA: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{core_metadata.NAMESPACE}"'
    ' elementFormDefault="qualified"><xs:element name="核心元数据"><xs:complexType><xs:sequence>'
    f'{_FIELDS}<xs:element name="扩展" minOccurs="0"><xs:complexType><xs:sequence>'
    '<xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>'
    '</xs:sequence></xs:complexType></xs:element></xs:sequence><xs:attribute name="status" type="xs:string"/>'
    "</xs:complexType></xs:element></xs:schema>"
).encode()
