"""A world in which every operation can be asked of everything by everybody."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid4

from marketplace.identity import people, tokens
from marketplace.identity.models import Invitation, LetterToken, Membership, Organisation, Person, Token
from marketplace.imports.models import InstrumentImport, Upload
from marketplace.kernel import clock
from marketplace.kernel.operations import Operation
from marketplace.listings.models import (
    Achievement,
    Admission,
    Attachment,
    Confidential,
    Listing,
    NdaAcceptance,
    Problem,
)
from marketplace.pairings.rematch_models import Rematch
from schemas.identity import Role, Scope, TokenKind, Verification
from schemas.listings import AdmissionState, ListingState, Part
from schemas.operations import OperationState
from tests.access import docking, labs, money, verdicts
from tests.given.experts import an_expert
from tests.given.listings import a_listing
from tests.given.people import Given, Somebody, a_uscc

NDA = "不得外传。"

# In the order of the table's letters.
CALLERS: Final = (
    "anonymous",
    "stranger",
    "reader",
    "viewer",
    "editor",
    "organisation admin",
    "lab manager",
    "organizer",
    "broker",
    "platform admin",
    "auditor",
    "suspended",
    "revoked",
    "read-only",
)
TARGETS: Final = ("own", "public", "hidden", "absent")
_AT_HOME: Final = {
    "viewer": Role.VIEWER,
    "editor": Role.EDITOR,
    "organisation admin": Role.ORGANISATION_ADMIN,
    "lab manager": Role.LAB_MANAGER,
    "organizer": Role.ORGANIZER,
    "broker": Role.BROKER,
    "suspended": Role.EDITOR,
    "revoked": Role.EDITOR,
    "read-only": Role.EDITOR,
}


@dataclass
class World:
    callers: dict[str, Somebody | None] = field(default_factory=dict)
    # By target, what the names in paths and examples stand for.
    targets: dict[str, dict[str, Any]] = field(default_factory=lambda: {target: {} for target in TARGETS})
    # The same by operation, where it needs a record in another state to be granted.
    instead: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    # By caller, what is theirs alone.
    personal: dict[str, dict[str, Any]] = field(default_factory=dict)

    def names(self, operation: str, caller: str, target: str) -> dict[str, Any]:
        kind = "problem" if "/problems" in operation else "achievement"
        found = self.targets["own"] | self.targets[target]
        found |= {name.partition(":")[2]: value for name, value in found.items() if name.startswith(f"{kind}:")}
        found |= self.instead.get((operation, target), {})
        if target == "own":
            found |= self.personal.get(caller, {})
        return found


async def build(given: Given) -> World:
    session, world = given.session, World()
    home = await given.organisation(name="本单位")
    fresh = await given.organisation(name="本单位，待认证", verification=Verification.UNVERIFIED)
    other = await given.organisation(name="他单位")
    hidden = await given.organisation(name="他单位，未公开", verification=Verification.UNVERIFIED)
    third = await given.organisation(name="第三方")
    await _callers(given, world, home, fresh, third)
    session.add(Membership(person_id=(await given.person()).id, organisation_id=third.id, role=Role.ORGANISATION_ADMIN))

    places = {"own": home, "public": other, "hidden": hidden}
    for target in TARGETS:
        at = places.get(target)
        world.targets[target] |= {
            "organisation_id": str(at.id if at else uuid4()),
            **await _people_of(given, session, at),
        }
    for cls, kind, other_cls in ((Achievement, "achievement", Problem), (Problem, "problem", Achievement)):
        counterpart = await _put(session, a_listing(other_cls, third))
        states = {"own": ListingState.PUBLISHED, "public": ListingState.PUBLISHED, "hidden": ListingState.DRAFT}
        for target in TARGETS:
            at = places.get(target) if target != "hidden" else other
            names = await _listing(session, cls, at, states.get(target), world.callers["reader"])
            names["other_id"] = str(counterpart.id if at else uuid4())
            world.targets[target] |= {f"{kind}:{name}": value for name, value in names.items()}
        one = f"/api/v1/{kind}s/{{listing_id}}"
        for verb, state in (("publication", ListingState.DRAFT), ("review", ListingState.IN_REVIEW)):
            made = await _put(session, a_listing(cls, home, state=state))
            world.instead[f"POST {one}/{verb}", "own"] = {"listing_id": str(made.id)}
        for target in ("own", "public"):
            admitted = world.targets[target][f"{kind}:admitted_id"]
            world.instead[f"DELETE {one}/readers/{{admission_id}}", target] = {"admission_id": admitted}
    admin = world.callers["organisation admin"]
    assert admin is not None
    await verdicts.build(session, world, {"own": home.id, "public": other.id, "hidden": other.id}, admin.id)
    await _experts(session, world, home, other, admin)
    await labs.build(given, world, home, other)
    await money.build(given, world)
    await docking.build(given, world, home, other)
    world.targets["own"]["rematch_id"] = await _rematch(session)
    world.instead["POST /api/v1/organisations/{organisation_id}/verification", "own"] = {
        "organisation_id": str(fresh.id)
    }
    world.targets["own"] |= {"table": "industries", "code": "C", "part": "public", "nda": NDA, "uscc": a_uscc()}
    world.targets["absent"] |= {"table": "nothing", "code": "ZZ"}
    world.targets["public"]["invitation"] = await _invitation(session, third, await given.person())
    await _letters(given, session, world)
    await session.commit()
    return world


async def _experts(session: AsyncSession, world: World, home: Organisation, other: Organisation, by: Somebody) -> None:
    """An expert of the callers' own, another's who is shown, another's draft, and an id that is nobody's."""
    own = world.targets["own"]
    own["own_achievement"] = own["achievement:listing_id"]
    shown = {"own": (home, True), "public": (other, True), "hidden": (other, False)}
    for target, names in world.targets.items():
        names["expert_id"] = str(uuid4())
        if target in shown:
            at, open_ = shown[target]
            names["expert_id"] = str((await an_expert(session, at, by=by, shown=open_)).id)
    own_draft = await an_expert(session, home, by=by, shown=False, description=None)
    world.instead["POST /api/v1/experts/{expert_id}/consent", "own"] = {"expert_id": str(own_draft.id)}


async def _put(session: AsyncSession, row: Any) -> Any:
    session.add(row)
    await session.flush()
    return row


async def _callers(given: Given, world: World, home: Organisation, fresh: Organisation, third: Organisation) -> None:
    session = given.session
    world.callers["anonymous"] = None
    for caller in ("stranger", "reader"):
        world.callers[caller] = await given.person(Role.EDITOR, third)
    for caller, role in _AT_HOME.items():
        scope = Scope.READ if caller == "read-only" else Scope.WRITE
        somebody = await given.person(role, home, scope=scope, suspended=caller == "suspended")
        world.callers[caller] = somebody
        session.add(Membership(person_id=somebody.id, organisation_id=fresh.id, role=role))
    world.callers["platform admin"] = await given.person(Role.PLATFORM_ADMIN)
    world.callers["auditor"] = await given.person(Role.AUDITOR)
    for caller in CALLERS:
        somebody = world.callers[caller]
        if somebody is None:
            continue
        world.personal[caller] = {
            "token_id": await _token(session, somebody.id),
            "operation_id": await _operation(session, somebody.id),
            "import_id": await _tried(session, somebody.id, home),
            "invitation": await _invitation(session, third, somebody),
        }
    revoked = world.callers["revoked"]
    assert revoked is not None
    token = Token.hash == tokens.digest(revoked.token)
    await session.execute(update(Token).where(token).values(revoked_at=clock.now()))


async def _rematch(session: AsyncSession) -> str:
    """A run that is finished."""
    operation = await _put(session, Operation(kind="rematch", state=OperationState.DONE))
    told = dict.fromkeys(("problems", "achievements", "granted", "passed", "without", "short", "plain", "total"), 0)
    run = Rematch(
        operation_id=operation.id, proposals=5, floor=1, by_organisation=False, unfit=False, depth=50,
        finished_at=clock.now(), **told,
    )  # fmt: skip
    return str((await _put(session, run)).id)


async def _token(session: AsyncSession, person_id: UUID) -> str:
    _, token = await tokens.issue(
        session, person_id, TokenKind.PERSONAL, name="spare", scope=Scope.READ, lasts=timedelta(days=1)
    )
    return str(token.id)


async def _operation(session: AsyncSession, person_id: UUID) -> str:
    return str((await _put(session, Operation(kind="import", person_id=person_id))).id)


async def _tried(session: AsyncSession, person_id: UUID, at: Organisation) -> str:
    """The dry run of a file, to be confirmed; an import, to be undone."""
    tried = await _put(session, Operation(kind="import", person_id=person_id, state=OperationState.DONE, version=1))
    wish = {"kind": "achievement", "source": None, "dry_run": True, "partial": False, "publish": False}
    upload = Upload(
        operation_id=tried.id, organisation_id=at.id, person_id=person_id, name="a.csv", size=1, sha256="", wish=wish,
    )  # fmt: skip
    await _put(session, upload)
    # And what is remembered of an import of instruments under the same id.
    await _put(session, InstrumentImport(id=tried.id, organisation_id=at.id, name="a.csv"))
    return str(tried.id)


async def _invitation(session: AsyncSession, by: Organisation, to: Somebody) -> str:
    """An invitation to an organisation that the caller does not belong to yet."""
    inviting = await _put(
        session,
        Organisation(uscc=a_uscc(), name="邀请方", kinds=["enterprise"], region="220100", version=1),
    )
    text, hashed = tokens.new_secret("dji_")
    now = clock.now()
    invitation = Invitation(
        organisation_id=inviting.id, email=to.email, role=Role.VIEWER, hash=hashed, invited_by=to.id,
        created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    session.add(invitation)
    return text


async def _people_of(given: Given, session: AsyncSession, at: Organisation | None) -> dict[str, str]:
    """A member and an open invitation of an organisation; ids that are nobody's without one."""
    if at is None:
        names = ("person_id", "membership_id", "invitation_id", "token_id", "operation_id", "import_id")
        return {name: str(uuid4()) for name in names} | {"invitation": "dji_unknown"}
    member = await given.person()
    membership = await _put(session, Membership(person_id=member.id, organisation_id=at.id, role=Role.VIEWER))
    now = clock.now()
    invitation = Invitation(
        organisation_id=at.id, email=f"invited@{at.uscc.lower()}.example", role=Role.VIEWER,
        hash=tokens.new_secret("dji_")[1], invited_by=member.id, created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return {
        "person_id": str(member.id),
        "membership_id": str(membership.id),
        "invitation_id": str((await _put(session, invitation)).id),
        "token_id": await _token(session, member.id),
        "operation_id": await _operation(session, member.id),
        "import_id": await _tried(session, member.id, at),
    }


async def _listing(
    session: AsyncSession, cls: type[Listing], at: Organisation | None, state: ListingState | None, reader: Any
) -> dict[str, str]:
    """A record with a confidential part, a request, a reader and a file; ids that are nobody's without one."""
    if at is None or state is None:
        return {name: str(uuid4()) for name in ("listing_id", "admission_id", "attachment_id", "admitted_id")}
    now = clock.now()
    listing = await _put(session, a_listing(cls, at, state=state, confidential_part=True))
    session.add(Confidential(listing_id=listing.id, version=1, text="保密", nda=NDA, at=now))
    asked = Admission(listing_id=listing.id, email="asks@test.example", state=AdmissionState.REQUESTED, created_at=now)
    admitted = Admission(
        listing_id=listing.id, email=reader.email, state=AdmissionState.ADMITTED, created_at=now,
        nda_accepted_at=now,
    )  # fmt: skip
    file = Attachment(
        listing_id=listing.id, part=Part.PUBLIC, name="a.txt", media_type="text/plain", size=1, sha256="0" * 64,
        content=b"a", created_at=now,
    )  # fmt: skip
    session.add_all([asked, file])
    # Whoever sees the record: the owner of a draft admits nobody yet.
    if state is ListingState.PUBLISHED:
        await _put(session, admitted)
        session.add(NdaAcceptance(admission_id=admitted.id, version=1, listing_id=listing.id, by=reader.id, at=now))
    await session.flush()
    return {
        "listing_id": str(listing.id),
        "admission_id": str(asked.id),
        "admitted_id": str(admitted.id),
        "attachment_id": str(file.id),
    }


async def _letters(given: Given, session: AsyncSession, world: World) -> None:
    """What was mailed: a confirmation, a new password, and somebody who can sign in."""
    signer = await given.person()
    for name, purpose in (("confirmation", people.CONFIRM), ("reset", people.RESET)):
        text, hashed = tokens.new_secret("djl_")
        session.add(
            LetterToken(hash=hashed, purpose=purpose, person_id=signer.id, expires_at=clock.now() + timedelta(days=1))
        )
        world.targets["own"][name] = text
    world.targets["own"]["signer"] = signer.email
    await session.execute(update(Person).where(Person.id == signer.id).values(password_hash="known"))
