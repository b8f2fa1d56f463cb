"""What people do with their own accounts, and what the platform may do to them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.identity import allowances, facts, passwords, tokens
from marketplace.identity.models import LETTER_LASTS, LetterToken, Membership, Organisation, Person, Token
from marketplace.kernel import clock, etag, mail, rate
from marketplace.kernel.actor import AccountSuspended, Actor
from marketplace.kernel.db import apart
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from marketplace.kernel.portions import delete_some
from marketplace.kernel.refusals import Forbidden, Invalid, NotFound, NotSignedIn, TooMany
from schemas.base import FieldError
from schemas.identity import MePatch, Permission, Registration, Role

CONFIRM: Final = "confirm"
RESET: Final = "reset"
# Letters that anybody may have us write to one address within a quarter of an hour.
LETTERS: Final = 3
# Letters that one place may have us write to whomever within a quarter of an hour: a hall full of people, no flood.
LETTERS_FROM: Final = 60
# One office often shares an address, so it is given more room than one account.
ADDRESS_ROOM: Final = 5
UNCONFIRMED_KEPT: Final = timedelta(days=30)


class WrongCredentials(NotSignedIn):
    """邮箱或密码不正确，或账号尚未确认。 · The e-mail address or password is not right, or the account is not confirmed yet."""


class LinkSpent(Invalid):
    """此链接无效、已使用或已过期，请重新申请。 · This link is unknown, used or expired; ask for a new one."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/token", code="link_spent", detail=self.title())])


class WrongPassword(Invalid):
    """当前密码不正确。 · The current password is not right."""

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/current", code="wrong_password", detail=self.title())])


class TooManyLetters(TooMany):
    """从这里要求发出的信件过多，请稍后再试。 · Too many letters were asked for from here; try again later."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(headers={"Retry-After": str(max(1, round(wait.total_seconds())))})


class TooManyTries(TooMany):
    """密码错误次数过多，请稍后再试。 · Too many wrong passwords; try again later."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(headers={"Retry-After": str(max(1, round(wait.total_seconds())))})


async def _may_ask_for_letters(session: AsyncSession, address: str | None) -> None:
    """Whoever asks for letters to many addresses is refused: we are nobody's way to fill other people's letter boxes."""
    wait = await allowances.spend(session, {f"p:{rate.place(address)}": LETTERS_FROM})
    if wait is not None:
        raise TooManyLetters(wait)


async def register(session: AsyncSession, wish: Registration, *, address: str | None, public_url: str) -> None:
    """Open an account, or tell the owner of the address that somebody tried. The caller learns nothing either way.

    The password is chosen with the confirmation letter in hand: whoever asked for the account first could otherwise
    have chosen it for the owner of the address.
    """
    await _may_ask_for_letters(session, address)
    if await allowances.spend(session, {f"l:{wish.email}": LETTERS}) is not None:
        return
    now = clock.now()
    person_id = await session.scalar(
        insert(Person)
        .values(id=uuid7(), email=wish.email, name=wish.name, locale=wish.locale, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(Person.id)
    )
    person = (await session.scalars(select(Person).where(Person.email == wish.email))).one()
    if person_id is not None:
        await record(session, facts.PersonRegistered(person_id), subject=person_id)
    if person.confirmed_at is None:
        await _send_confirmation(session, person, public_url)
        return
    await mail.post(
        session,
        to=person.email,
        subject=told("有人用您的邮箱再次注册 · Somebody tried to register with your address", _language(person)),
        text=told(
            f"您已有账号。如果忘记密码，请在 {public_url} 重设。如果不是您本人操作，请忽略。"
            f" · You already have an account. If you forgot the password, set a new one at {public_url}."
            " If it was not you, there is nothing to do.",
            _language(person),
        ),
    )


async def _send_confirmation(session: AsyncSession, person: Person, public_url: str) -> None:
    text = await _letter_token(session, person.id, CONFIRM)
    await mail.post(
        session,
        to=person.email,
        subject=told("确认您的邮箱 · Confirm your e-mail address", _language(person)),
        text=told(
            f"请在 24 小时内打开以下链接，确认邮箱并设置密码：\n{public_url}/confirm?token={text}\n\n确认码：{text}"
            " · Open this link within 24 hours to confirm your address and choose a password:\n"
            f"{public_url}/confirm?token={text}\n\nCode: {text}",
            _language(person),
        ),
    )


async def _letter_token(session: AsyncSession, person_id: UUID, purpose: str) -> str:
    text, hashed = tokens.new_secret("djl_")
    session.add(LetterToken(hash=hashed, purpose=purpose, person_id=person_id, expires_at=clock.now() + LETTER_LASTS))
    await session.flush()
    return text


async def _chosen_with(session: AsyncSession, text: str, purpose: str, password: str) -> Person:
    """The person whose letter this was, with the password chosen now; the letter is good once.

    Nobody's row waits while a password is hashed, and nothing is hashed for a letter that opens nothing.
    """
    good = (
        LetterToken.hash == tokens.digest(text),
        LetterToken.purpose == purpose,
        LetterToken.used_at.is_(None),
        LetterToken.expires_at > clock.now(),
    )
    if await session.scalar(select(LetterToken.id).where(*good)) is None:
        raise LinkSpent
    hashed = await passwords.hashed(password)
    spent = update(LetterToken).where(*good).values(used_at=clock.now()).returning(LetterToken.person_id)
    person_id = await session.scalar(spent)
    if person_id is None:
        raise LinkSpent
    person = await session.get_one(Person, person_id, with_for_update={"key_share": True}, populate_existing=True)
    await _set_password(session, person, hashed)
    return person


async def confirm(session: AsyncSession, text: str, password: str, *, name: str) -> tuple[str, Token]:
    """The address is theirs: the account opens with this password and its owner is signed in."""
    person = await _chosen_with(session, text, CONFIRM, password)
    person.confirmed_at = clock.now()
    await session.flush()
    await record(session, facts.PersonConfirmed(person.id), subject=person.id, by=person.id)
    return await tokens.open_session(session, person.id, name=name)


async def forgot_password(session: AsyncSession, email: str, *, address: str | None, public_url: str) -> None:
    """Write to the address, known here or not: the caller learns nothing, its owner learns where they stand."""
    await _may_ask_for_letters(session, address)
    if await allowances.spend(session, {f"l:{email}": LETTERS}) is not None:
        return
    person = await session.scalar(select(Person).where(Person.email == email))
    if person is not None and person.confirmed_at is None:
        await _send_confirmation(session, person, public_url)
        return
    language = _language(person) if person else None
    if person is None or person.suspended_at is not None:
        reason = (
            f"此邮箱在 {public_url} 没有可用的账号。如果不是您本人操作，请忽略。"
            f" · There is no account for this address at {public_url} that can be used."
            " If you did not ask for this, there is nothing to do."
        )
    else:
        text = await _letter_token(session, person.id, RESET)
        reason = (
            f"请在 24 小时内打开以下链接重设密码：\n{public_url}/reset?token={text}\n\n重设码：{text}"
            f" · Open this link within 24 hours to set a new password:\n{public_url}/reset?token={text}\n\nCode: {text}"
        )
    await mail.post(
        session,
        to=email,
        subject=told("重设密码 · Set a new password", language),
        text=told(reason, language),
    )


async def reset_password(session: AsyncSession, text: str, password: str) -> None:
    """Set a password by letter. Every token of the person ends: whoever held one may have been the reason."""
    await _chosen_with(session, text, RESET, password)


async def change_password(session: AsyncSession, actor: Actor, current: str, new: str, *, tries: int = 10) -> None:
    """Set a new password with the current one in hand; guesses at it count like those at the door."""
    tokens.require_session(actor)
    person = await session.get_one(Person, actor.person)
    account = _account(person.email)
    async with apart(session) as counting:
        await _count_try(counting, {account: tries})
    if not await passwords.matches(current, person.password_hash):
        raise WrongPassword
    hashed = await passwords.hashed(new)
    await allowances.forget(session, account)
    person = await session.get_one(Person, actor.person, with_for_update={"key_share": True}, populate_existing=True)
    await _set_password(session, person, hashed)


async def _set_password(session: AsyncSession, person: Person, hashed: str) -> None:
    """From now on only this password opens the account: no session, no token, no letter sent before."""
    person.password_hash = hashed
    _touch(person)
    await session.flush()
    await tokens.revoke_all(session, person.id)
    await session.execute(
        update(LetterToken)
        .where(LetterToken.person_id == person.id, LetterToken.used_at.is_(None))
        .values(used_at=clock.now())
    )
    await record(session, facts.PasswordChanged(person.id), subject=person.id, by=person.id)


def _account(email: str) -> str:
    return f"e:{email}"


async def _count_try(counting: AsyncSession, most: dict[str, int]) -> None:
    """Count a try at a password before it is looked at, apart: the count stands whatever comes of it."""
    wait = await allowances.spend(counting, most)
    if wait is not None:
        raise TooManyTries(wait)


async def sign_in(
    session: AsyncSession, email: str, password: str, *, address: str | None, name: str, tries: int
) -> tuple[str, Token] | None:
    """A session for the right password; None for a wrong one. Tries are counted by account, known or not, and address.

    No connection is held while the password is looked at: many who sign in at once would hold all there are.
    """
    account, there = _account(email), f"a:{rate.place(address)}"
    async with apart(session) as counting:
        await _count_try(counting, {account: tries, there: tries * ADDRESS_ROOM})
        person = await counting.scalar(
            select(Person).where(Person.email == email, Person.confirmed_at.is_not(None), Person.suspended_at.is_(None))
        )
    if not await passwords.matches(password, person.password_hash if person else None) or person is None:
        return None
    await allowances.forget(session, account)
    await allowances.take_back(session, there)
    return await tokens.open_session(session, person.id, name=name)


async def read_me(session: AsyncSession, actor: Actor) -> tuple[Person, list[tuple[Membership, Organisation | None]]]:
    person = await session.get_one(Person, actor.person)
    rows = await session.execute(
        select(Membership, Organisation)
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.person_id == person.id, Membership.ended_at.is_(None))
        .order_by(Membership.since, Membership.id)
        .limit(200)
    )
    return person, [(membership, organisation) for membership, organisation in rows.all()]


async def homes(session: AsyncSession, actor: Actor, permission: Permission) -> list[Organisation]:
    """The organisations in which one has the permission, in the order of joining."""
    may = actor.organisations_where(permission)
    _, memberships = await read_me(session, actor)
    return [organisation for _, organisation in memberships if organisation is not None and organisation.id in may]


async def edit_me(session: AsyncSession, actor: Actor, version: int, patch: MePatch) -> None:
    person = await session.get_one(Person, actor.person, with_for_update={"key_share": True})
    etag.check(version, person.version)
    wishes = patch.model_dump(exclude_unset=True)
    changed = sorted(name for name, value in wishes.items() if getattr(person, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(person, name, wishes[name])
    _touch(person)
    await session.flush()
    await record(session, facts.PersonEdited(person.id, changed), subject=person.id, by=person.id)


async def suspend(session: AsyncSession, actor: Actor, person_id: UUID, reason: str) -> None:
    """Shut an account: its tokens stop working at once, what it wrote stays."""
    person = await _managed(session, actor, person_id)
    if person.id == actor.person_id:
        raise Forbidden("不能停用自己的账号。 · You cannot suspend your own account.")
    if person.suspended_at is None:
        person.suspended_at, person.suspended_because = clock.now(), reason
        _touch(person)
        await session.flush()
        await record(session, facts.PersonSuspended(person.id, reason), subject=person.id, by=actor.person)


async def reinstate(session: AsyncSession, actor: Actor, person_id: UUID, reason: str) -> None:
    person = await _managed(session, actor, person_id)
    if person.suspended_at is not None:
        person.suspended_at = person.suspended_because = None
        _touch(person)
        await session.flush()
        await record(session, facts.PersonReinstated(person.id, reason), subject=person.id, by=actor.person)


async def appoint(session: AsyncSession, wish: Registration, hashed: str, role: Role) -> None:
    """Give somebody this role on the platform and this password, as the operator asks for at the terminal.

    It is the way back in, too: a shut account opens again, and whoever else was signed in to it is out.
    """
    now = clock.now()
    await session.execute(
        insert(Person)
        .values(id=uuid7(), email=wish.email, name=wish.name, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    person = (
        await session.scalars(
            select(Person)
            .where(Person.email == wish.email)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).one()
    if person.suspended_at is not None:
        person.suspended_at = person.suspended_because = None
        reason = "由运维在终端恢复 · by the operator, at the terminal"
        await record(session, facts.PersonReinstated(person.id, reason), subject=person.id)
    await _set_password(session, person, hashed)
    person.confirmed_at = person.confirmed_at or now
    known = await session.scalar(
        select(Membership).where(
            Membership.person_id == person.id, Membership.organisation_id.is_(None), Membership.ended_at.is_(None)
        )
    )
    if known is not None and known.role is role:
        return
    if known is not None:
        # On the platform, too, a person has one role: whoever checks does not administer.
        known.ended_at = now
        known.version += 1
        await session.flush()
        await record(session, facts.MemberLeft(None, person.id), subject=person.id)
    session.add(Membership(person_id=person.id, organisation_id=None, role=role))
    await record(session, facts.MemberJoined(None, person.id, role), subject=person.id)


async def _managed(session: AsyncSession, actor: Actor, person_id: UUID) -> Person:
    """The person, for the platform. Two administrators who shut each other out take turns, so one of them stays."""
    if Permission.SUSPEND_PEOPLE not in actor.platform:
        raise NotFound
    locked = await session.scalars(
        select(Person)
        .where(Person.id.in_((actor.person, person_id)))
        .order_by(Person.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    people = {person.id: person for person in locked.all()}
    if people[actor.person].suspended_at is not None:
        raise AccountSuspended
    if person_id not in people:
        raise NotFound
    return people[person_id]


async def sweep(session: AsyncSession, now: datetime) -> int:
    """Forget what no longer serves: spent links and dead tokens, accounts that were never confirmed.

    Answers how many; call until it answers 0.
    """
    month = now - timedelta(days=30)
    links = await delete_some(session, LetterToken, LetterToken.expires_at < month, first=LetterToken.expires_at)
    expired = await delete_some(session, Token, Token.expires_at < month, first=Token.expires_at)
    revoked = await delete_some(session, Token, Token.revoked_at < month, first=Token.revoked_at)
    nobody = await delete_some(
        session,
        Person,
        Person.confirmed_at.is_(None),
        Person.created_at < now - UNCONFIRMED_KEPT,
        ~exists().where(Membership.person_id == Person.id),
        ~exists().where(LetterToken.person_id == Person.id),
        first=Person.created_at,
    )
    return links + expired + revoked + nobody


def _touch(person: Person) -> None:
    person.version += 1
    person.updated_at = clock.now()


def _language(person: Person) -> Language:
    return "en" if person.locale == "en" else "zh"
