"""Letters to people: written down with what caused them, sent by a job."""

import asyncio
import re
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from marketplace.kernel import clock, jobs
from marketplace.kernel.base import Base, Key, Moment, Now
from marketplace.settings import Settings

log = structlog.get_logger("mail")

DELIVER: Final = "mail.deliver"
SENDING_SECONDS: Final = 20


class Letter(Base):
    """A letter. What it said is kept until it is sent: it may open an account."""

    __tablename__ = "letter"

    id: Mapped[Key]
    to: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    text: Mapped[str | None]
    # An invitation (iTIP, RFC 5546) that goes with it.
    calendar: Mapped[str | None]
    # What it is about and to whom, of which there is one letter however often the job that writes it runs.
    once: Mapped[str | None] = mapped_column(unique=True)
    at: Mapped[Now]
    sent_at: Mapped[Moment | None]


async def post(
    session: AsyncSession, *, to: str, subject: str, text: str, calendar: str | None = None, once: str | None = None
) -> bool:
    """Put a letter into the post, if and only if this transaction commits. Of one `once` there is one letter ever.

    Answers whether it was written now.
    """
    written = insert(Letter).values(
        id=uuid7(), to=to, subject=re.sub(r"\s+", " ", subject)[:200], text=text, calendar=calendar, once=once
    )
    unless_there = written.on_conflict_do_nothing(index_elements=[Letter.once])
    letter = await session.scalar(unless_there.returning(Letter.id))
    if letter is None:
        return False
    await jobs.after_commit(session, DELIVER, {"letter": str(letter)})
    return True


async def deliver(place: jobs.Place, args: dict[str, Any]) -> None:
    """Send one letter. Without a mail server it lands as a file in `DUIJIE_HOME/mail`, to be read there."""
    async with place.database.writing.begin() as session:
        letter = await session.get(Letter, UUID(args["letter"]), with_for_update=True)
        if letter is None or letter.sent_at is not None:
            return
        await _send(letter, place.settings)
        letter.sent_at, letter.text, letter.calendar = clock.now(), None, None


async def _send(letter: Letter, settings: Settings) -> None:
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = letter.at
    # The same id on every try lets the receiving side drop a repeat.
    message["Message-ID"] = f"<{letter.id}@{urlsplit(settings.public_url).hostname or 'duijie'}>"
    if settings.smtp_url is None:
        message.set_content(letter.text or "", cte="8bit")
        _invite(message, letter.calendar)
        folder = settings.home / "mail"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{letter.id}.eml").write_bytes(bytes(message))
        log.info("mail_kept_as_file", folder=str(folder))
        return
    message.set_content(letter.text or "")
    _invite(message, letter.calendar)
    server = urlsplit(settings.smtp_url)
    # The letter's row is held meanwhile, and PostgreSQL ends a transaction that is idle for longer than 30 seconds.
    async with asyncio.timeout(SENDING_SECONDS):
        await aiosmtplib.send(
            message,
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=server.scheme == "smtps",
        )


def _invite(message: EmailMessage, calendar: str | None) -> None:
    """What calendar programs act on is told twice: in the part's type and in the part (RFC 6047)."""
    if calendar is None:
        return
    method = re.search(r"^METHOD:([A-Z]+)\r$", calendar, re.MULTILINE)
    assert method is not None, "an invitation says what it is"
    message.add_alternative(calendar, subtype="calendar", params={"method": method[1]})
