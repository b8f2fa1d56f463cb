"""OAI-PMH 2.0 over the instruments that everybody may see: what library and resource catalogues harvest with.

http://www.openarchives.org/OAI/openarchivesprotocol.html. Lists are walked by (datestamp, id), and a token says where the
last page ended, so that nothing is skipped when records are added or changed in between: what changes moves to the end.
Who reads with which rights makes no difference: the answers are those for nobody.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel.actor import Actor
from marketplace.labs import instruments
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_gone_for, instrument_open_to
from schemas.labs import InstrumentKind

PAGE: Final = 100
DC: Final = "oai_dc"
CORE: Final = "gbt30523"
PREFIXES: Final = (DC, CORE)
SETS: Final = {f"kind:{kind.value}": kind for kind in InstrumentKind}
_NOBODY: Final = Actor()
_STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_MAC_BYTES: Final = 16
_LISTS: Final = {"from", "until", "set"}


@dataclass(frozen=True, slots=True)
class Verb:
    """Which arguments a request must and may have. A token stands alone."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    pages: bool = False


VERBS: Final[Mapping[str, Verb]] = {
    "Identify": Verb(),
    "ListMetadataFormats": Verb(optional=frozenset({"identifier"})),
    "ListSets": Verb(pages=True),
    "ListIdentifiers": Verb(frozenset({"metadataPrefix"}), frozenset(_LISTS), pages=True),
    "ListRecords": Verb(frozenset({"metadataPrefix"}), frozenset(_LISTS), pages=True),
    "GetRecord": Verb(frozenset({"identifier", "metadataPrefix"})),
}


class Refused(Exception):  # noqa: N818 -- an answer of the protocol, with status 200
    """A request that the protocol answers with one of its error codes."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that is well-formed."""

    verb: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Walk:
    """Which records a list has, and how far one has come in it."""

    prefix: str
    since: datetime | None = None
    # Without this moment.
    until: datetime | None = None
    kind: InstrumentKind | None = None
    seen: int = 0
    last: tuple[datetime, UUID] | None = None


def asked(pairs: Sequence[tuple[str, str]]) -> Ask:
    """The request, or which rule of the protocol it breaks."""
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        raise Refused("badVerb", "verb has to be one of " + ", ".join(VERBS))
    verb = VERBS[verbs[0]]
    arguments = {name: value for name, value in pairs if name != "verb"}
    if len(arguments) != len(pairs) - 1:
        raise Refused("badArgument", "an argument is repeated")
    if verb.pages and "resumptionToken" in arguments:
        if len(arguments) > 1:
            raise Refused("badArgument", "resumptionToken stands alone")
        return Ask(verbs[0], arguments)
    if unknown := arguments.keys() - verb.required - verb.optional:
        raise Refused("badArgument", f"{verbs[0]} has no argument {min(unknown)[:60]}")
    if missing := verb.required - arguments.keys():
        raise Refused("badArgument", f"{verbs[0]} needs {min(missing)}")
    return Ask(verbs[0], arguments)


def walk(ask: Ask, key: bytes) -> Walk:
    """The list that is asked for: from its beginning, or from where a token says."""
    token = ask.arguments.get("resumptionToken")
    if token is not None:
        return _opened(token, key)
    prefix = formatted(ask.arguments["metadataPrefix"])
    since, until = (ask.arguments.get(name) for name in ("from", "until"))
    begin, end = _moment(since), _moment(until)
    if since is not None and until is not None and len(since) != len(until):
        raise Refused("badArgument", "from and until have to be of one granularity")
    if begin is not None and end is not None and begin > end:
        raise Refused("badArgument", "from is later than until")
    if end is not None and until is not None:
        step = timedelta(days=1) if len(until) == len("2026-01-01") else timedelta(seconds=1)
        # until is inclusive.
        end = end + step if end < datetime.max.replace(tzinfo=UTC) - step else None
    spec = ask.arguments.get("set")
    if spec is not None and spec not in SETS:
        raise Refused("noRecordsMatch", "there is no such set")
    return Walk(prefix, begin, end, SETS[spec] if spec is not None else None)


def formatted(prefix: str) -> str:
    if prefix not in PREFIXES:
        raise Refused("cannotDisseminateFormat", "metadataPrefix has to be one of " + ", ".join(PREFIXES))
    return prefix


def _moment(stamp: str | None) -> datetime | None:
    if stamp is None:
        return None
    if _STAMP.fullmatch(stamp):
        try:
            return datetime.fromisoformat(stamp).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise Refused("badArgument", "dates are YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")


_TOKEN: Final = TypeAdapter(tuple[str, datetime | None, datetime | None, InstrumentKind | None, int, datetime, UUID])


def token(at: Walk, key: bytes) -> str:
    """Where the next page begins, signed."""
    assert at.last is not None
    payload = to_json([at.prefix, at.since, at.until, at.kind, at.seen, *at.last])
    return urlsafe_b64encode(_mac(payload, key) + payload).decode().rstrip("=")


def _mac(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"oai\n" + payload, hashlib.sha256).digest()[:_MAC_BYTES]


def _opened(told: str, key: bytes) -> Walk:
    try:
        raw = urlsafe_b64decode(told.encode("ascii") + b"=" * (-len(told) % 4))
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if hmac.compare_digest(mac, _mac(payload, key)):
            prefix, since, until, kind, seen, moment, last = _TOKEN.validate_python(from_json(payload))
            return Walk(prefix, since, until, kind, seen, (moment, last))
    except (ValueError, ValidationError):
        pass
    raise Refused("badResumptionToken", "this token was not given out here")


def records() -> Select[Instrument]:
    """What everybody may see, and what was taken out of that."""
    return instruments.chosen().where(or_(instrument_open_to(_NOBODY), instrument_gone_for(_NOBODY)))


async def listed(session: AsyncSession, at: Walk) -> tuple[list[Instrument], Walk | None]:
    """A page of records, the first changed first, and where the next one begins."""
    statement = records()
    if at.since is not None:
        statement = statement.where(Instrument.updated_at >= at.since)
    if at.until is not None:
        statement = statement.where(Instrument.updated_at < at.until)
    if at.kind is not None:
        statement = statement.where(Instrument.kind == at.kind)
    if at.last is not None:
        statement = statement.where(tuple_(Instrument.updated_at, Instrument.id) > tuple_(*at.last))
    found = await session.scalars(statement.order_by(Instrument.updated_at, Instrument.id).limit(PAGE + 1))
    rows = list(found.all())
    if not rows:
        raise Refused("noRecordsMatch", "nothing was changed then")
    shown = rows[:PAGE]
    if len(rows) <= PAGE:
        return shown, None
    return shown, replace(at, seen=at.seen + PAGE, last=(shown[-1].updated_at, shown[-1].id))


async def one(session: AsyncSession, identifier: str, key_of: Callable[[str], str | None]) -> Instrument:
    """The record of an identifier."""
    try:
        number = UUID(key_of(identifier) or "")
    except ValueError:
        number = None
    found: Instrument | None = None
    if number is not None:
        found = await session.scalar(records().where(Instrument.id == number))
    if found is None:
        raise Refused("idDoesNotExist", "there is no such record")
    return found


async def earliest(session: AsyncSession) -> datetime:
    """No record has an earlier datestamp."""
    statement: Select[Any] = (
        select(Instrument.updated_at)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .where(or_(instrument_open_to(_NOBODY), instrument_gone_for(_NOBODY)))
        .order_by(Instrument.updated_at, Instrument.id)
        .limit(1)
    )
    return await session.scalar(statement) or datetime(2000, 1, 1, tzinfo=UTC)
