"""What people do with their own accounts, and what the platform may do to them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.identity import facts, passwords, tokens
from marketplace.identity.models import LETTER_LASTS, LetterToken, Membership, Organisation, Person, SignInTry, Token
from marketplace.kernel import clock, etag, mail
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import Language, told
from marketplace.kernel.refusals import Forbidden, Invalid, NotFound, NotSignedIn, TooMany
from schemas.base import FieldError
from schemas.identity import MePatch, Permission, Registration

CONFIRM, RESET = "confirm", "reset"
TRY_WINDOW = timedelta(minutes=15)


class WrongCredentials(NotSignedIn):
    """邮箱或密码不正确，或账号尚未确认。 · The e-mail address or password is not right, or the account is not confirmed yet."""


class LinkSpent(Invalid):
    """此链接无效、已使用或已过期，请重新申请。 · This link is unknown, used or expired; ask for a new one."""


class TooManyTries(TooMany):
    """登录失败次数过多，请过一刻钟再试。 · Too many failed sign-ins; try again in a quarter of an hour."""


async def register(session: AsyncSession, wish: Registration, *, public_url: str) -> None:
    """Open an account, or tell the owner of the address that somebody tried. The caller learns nothing either way.

    The password is chosen with the confirmation letter in hand: whoever asked for the account first could otherwise
    have chosen it for the owner of the address.
    """
    now = clock.now()
    person_id = await session.scalar(
        insert(Person)
        .values(id=uuid7(), email=wish.email, name=wish.name, locale=wish.locale, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(Person.id)
    )
    person = await session.scalar(select(Person).where(Person.email == wish.email))
    assert person is not None
    if person_id is not None:
        await record(session, facts.PersonRegistered(person_id), subject=person_id)
    if person.confirmed_at is not None:
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
        return
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


async def _spend(session: AsyncSession, text: str, purpose: str) -> Person:
    """The person whose letter this was; the letter is good once."""
    row = await session.execute(
        update(LetterToken)
        .where(
            LetterToken.hash == tokens.digest(text),
            LetterToken.purpose == purpose,
            LetterToken.used_at.is_(None),
            LetterToken.expires_at > clock.now(),
        )
        .values(used_at=clock.now())
        .returning(LetterToken.person_id)
    )
    person_id = row.scalar_one_or_none()
    if person_id is None:
        raise LinkSpent(errors=[FieldError(pointer="/token", code="link_spent", detail=LinkSpent.title())])
    return await session.get_one(Person, person_id, with_for_update=True)


async def confirm(session: AsyncSession, text: str, password: str, *, name: str) -> tuple[str, Token]:
    """The address is theirs: the account opens with this password and its owner is signed in."""
    person = await _spend(session, text, CONFIRM)
    await _set_password(session, person, password)
    if person.confirmed_at is None:
        person.confirmed_at = clock.now()
        await record(session, facts.PersonConfirmed(person.id), subject=person.id, by=person.id)
    return await tokens.open_session(session, person.id, name=name)


async def forgot_password(session: AsyncSession, email: str, *, public_url: str) -> None:
    person = await session.scalar(
        select(Person).where(Person.email == email, Person.confirmed_at.is_not(None), Person.suspended_at.is_(None))
    )
    if person is None:
        return
    text = await _letter_token(session, person.id, RESET)
    await mail.post(
        session,
        to=person.email,
        subject=told("重设密码 · Set a new password", _language(person)),
        text=told(
            f"请在 24 小时内打开以下链接重设密码：\n{public_url}/reset?token={text}\n\n重设码：{text}"
            f" · Open this link within 24 hours to set a new password:\n{public_url}/reset?token={text}\n\nCode: {text}",
            _language(person),
        ),
    )


async def reset_password(session: AsyncSession, text: str, password: str) -> None:
    """Set a password by letter. Every token of the person ends: whoever held one may have been the reason."""
    person = await _spend(session, text, RESET)
    await _set_password(session, person, password)
    if person.confirmed_at is None:
        person.confirmed_at = clock.now()


async def change_password(session: AsyncSession, actor: Actor, current: str, new: str) -> None:
    person = await session.get_one(Person, actor.person, with_for_update=True)
    if not await passwords.matches(current, person.password_hash):
        raise Invalid(
            errors=[
                FieldError(
                    pointer="/current",
                    code="wrong_password",
                    detail="当前密码不正确。 · The current password is not right.",
                )
            ]
        )
    await _set_password(session, person, new)


async def _set_password(session: AsyncSession, person: Person, password: str) -> None:
    person.password_hash = await passwords.hashed(password)
    _touch(person)
    await session.flush()
    await tokens.revoke_all(session, person.id)
    await record(session, facts.PasswordChanged(person.id), subject=person.id, by=person.id)


async def sign_in(
    session: AsyncSession, email: str, password: str, *, address: str, name: str, tries: int
) -> tuple[str, Token] | None:
    """A session for the right password; None for a wrong one, which is counted by address and by account.

    It answers None instead of refusing because the count must be committed.
    """
    keys = (f"e:{email}", f"a:{address}")
    now = clock.now()
    counted = await session.execute(
        select(SignInTry.key, func.count())
        .where(SignInTry.key.in_(keys), SignInTry.at > now - TRY_WINDOW)
        .group_by(SignInTry.key)
    )
    counts = {key: count for key, count in counted.all()}
    # One office often shares an address, so it is given more room than one account.
    if counts.get(keys[0], 0) >= tries or counts.get(keys[1], 0) >= tries * 5:
        raise TooManyTries(headers={"Retry-After": str(int(TRY_WINDOW.total_seconds()))})
    person = await session.scalar(
        select(Person).where(Person.email == email, Person.confirmed_at.is_not(None), Person.suspended_at.is_(None))
    )
    if not await passwords.matches(password, person.password_hash if person else None):
        session.add_all(SignInTry(key=key, at=now) for key in keys)
        await session.flush()
        return None
    assert person is not None
    await session.execute(delete(SignInTry).where(SignInTry.key == keys[0]))
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


async def edit_me(session: AsyncSession, actor: Actor, version: int, patch: MePatch) -> None:
    person = await session.get_one(Person, actor.person, with_for_update=True)
    etag.check(version, person.version)
    changes = patch.model_dump(exclude_unset=True)
    for name, value in changes.items():
        setattr(person, name, value)
    _touch(person)
    await session.flush()
    await record(session, facts.PersonEdited(person.id, sorted(changes)), subject=person.id, by=person.id)


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


async def _managed(session: AsyncSession, actor: Actor, person_id: UUID) -> Person:
    if Permission.SUSPEND_PEOPLE not in actor.platform:
        raise NotFound
    person = await session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound
    return person


async def sweep(session: AsyncSession) -> None:
    """Forget what no longer serves: old tries, links and tokens that opened nothing for 30 days."""
    now = clock.now()
    await session.execute(delete(SignInTry).where(SignInTry.at < now - TRY_WINDOW))
    month = now - timedelta(days=30)
    await session.execute(delete(LetterToken).where(LetterToken.expires_at < month))
    await session.execute(delete(Token).where(or_(Token.expires_at < month, Token.revoked_at < month)))


def _touch(person: Person) -> None:
    person.version += 1
    person.updated_at = clock.now()


def _language(person: Person) -> Language:
    return "en" if person.locale == "en" else "zh"
