"""Letters: sent once, after what caused them, and forgotten when they are sent."""

import asyncio
import email
import email.policy
from uuid import uuid4

import aiosmtplib
import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select, text

from marketplace.kernel import mail
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from schemas.identity import Email


@pytest.fixture
def place(database, settings) -> Place:
    return Place(database, settings)


async def written(session, **more) -> Letter:
    wish = {"to": "anna@test.example", "subject": "确认您的邮箱", "text": "请打开以下链接：\nhttp://127.0.0.1/confirm"}
    await mail.post(session, **(wish | more))
    await session.commit()
    return (await session.scalars(select(Letter).order_by(Letter.at.desc()).limit(1))).one()


def files(place) -> list:
    return sorted((place.settings.home / "mail").glob("*.eml"))


def read(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


async def test_a_letter_without_a_mail_server_can_be_read_where_it_lies(place, session):
    letter = await written(session)
    await mail.deliver(place, {"letter": str(letter.id)})
    (file,) = files(place)
    message = read(file)
    assert message["To"] == "anna@test.example"
    assert message["Subject"] == "确认您的邮箱"
    assert message["Message-ID"] == f"<{letter.id}@127.0.0.1>"
    assert "http://127.0.0.1/confirm" in message.get_content()
    assert "请打开以下链接" in file.read_text(encoding="utf-8")
    assert file.parent.stat().st_mode & 0o777 == 0o700


async def test_a_letter_is_sent_once_however_often_its_job_runs(place, session):
    letter = await written(session)
    await mail.deliver(place, {"letter": str(letter.id)})
    files(place)[0].unlink()
    await mail.deliver(place, {"letter": str(letter.id)})
    assert files(place) == []


async def test_a_letter_that_was_sent_is_not_kept(place, session):
    letter = await written(session)
    await mail.deliver(place, {"letter": str(letter.id)})
    await session.refresh(letter)
    assert letter.text is None
    assert letter.sent_at is not None


async def test_a_letter_that_is_not_there_is_no_failure(place):
    await mail.deliver(place, {"letter": str(uuid4())})
    assert files(place) == []


async def test_a_letter_is_promised_with_its_transaction(real):
    for commits in (False, True):
        async with real.database.writing() as session:
            await mail.post(session, to="promised@test.example", subject="s", text="t")
            await (session.commit() if commits else session.rollback())
        async with real.database.reading() as session:
            letters = (await session.scalars(select(Letter).where(Letter.to == "promised@test.example"))).all()
            queued = await session.scalar(
                text(
                    "select count(*) from pgqueuer where entrypoint = 'mail.deliver' and payload = convert_to(:p, 'utf8')"
                ),
                {"p": f'{{"letter": "{letters[0].id}"}}' if letters else ""},
            )
        assert (len(letters), queued) == (int(commits), int(commits))


class Post:
    """A mail server that takes what it is given, or refuses."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer, self.taken = answer, []

    async def serve(self, reader, writer) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        say("220 test")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            if verb == "EHLO":
                say("250-test\r\n250 8BITMIME")
            elif verb == "DATA":
                say("354 go on")
                self.taken.append(await reader.readuntil(b"\r\n.\r\n"))
                say(self.answer)
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 OK")
        writer.close()


@pytest.fixture
async def post():
    taken = Post()
    server = await asyncio.start_server(taken.serve, "127.0.0.1", 0)
    taken.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield taken
    server.close()


async def test_a_letter_goes_to_the_mail_server_that_is_named(place, session, post):
    place = Place(place.database, place.settings.model_copy(update={"smtp_url": post.url}))
    letter = await written(session)
    await mail.deliver(place, {"letter": str(letter.id)})
    message = email.message_from_bytes(post.taken[0].removesuffix(b"\r\n.\r\n"), policy=email.policy.default)
    assert message["To"] == "anna@test.example"
    assert "请打开以下链接" in message.get_content()
    assert files(place) == []


async def test_a_letter_that_the_server_refuses_is_sent_later(place, session, post):
    post.answer = "451 not now"
    place = Place(place.database, place.settings.model_copy(update={"smtp_url": post.url}))
    letter = await written(session)
    with pytest.raises(aiosmtplib.SMTPException):
        await mail.deliver(place, {"letter": str(letter.id)})
    await session.refresh(letter)
    assert letter.sent_at is None
    assert letter.text is not None
    post.answer = "250 OK"
    await mail.deliver(place, {"letter": str(letter.id)})
    await session.refresh(letter)
    assert letter.sent_at is not None


async def test_a_mail_server_that_says_nothing_is_not_waited_for_longer_than_the_row_may_be_held(
    place, session, monkeypatch
):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    monkeypatch.setattr(mail, "SENDING_SECONDS", 0.05)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    letter = await written(session)
    with pytest.raises(TimeoutError):
        await mail.deliver(
            Place(place.database, place.settings.model_copy(update={"smtp_url": url})), {"letter": str(letter.id)}
        )
    server.close()


async def test_a_mail_server_is_named_with_its_account_and_its_manner(place, session, monkeypatch):
    asked = {}

    async def send(message, **more):
        asked.update(more)

    monkeypatch.setattr(aiosmtplib, "send", send)
    url = "smtps://a%40b:p%2Fw@mail.example:465"
    letter = await written(session)
    await mail.deliver(
        Place(place.database, place.settings.model_copy(update={"smtp_url": url})), {"letter": str(letter.id)}
    )
    assert asked == {"hostname": "mail.example", "port": 465, "username": "a@b", "password": "p/w", "use_tls": True}


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(
    address=some.emails() | some.from_regex(r"[a-z.!#$&'*+/=?^_`{|}~-]{1,20}@[a-z]{1,9}\.[a-z]{2,4}", fullmatch=True)
)
async def test_whatever_address_is_taken_a_letter_can_be_written_to_it(address, tmp_path, settings):
    try:
        taken = TypeAdapter(Email).validate_python(address)
    except ValidationError:
        return
    letter = Letter(id=uuid4(), to=taken, subject="s", text="t", at=mail.clock.now())
    await mail._send(letter, settings)
    message = read(settings.home / "mail" / f"{letter.id}.eml")
    assert [found.addr_spec for found in message["To"].addresses] == [taken]


async def test_a_subject_is_one_line(session):
    letter = await written(session, subject="a\r\nBcc: all@test.example\u2028b" + "x" * 500)
    assert letter.subject.startswith("a Bcc: all@test.example b")
    assert len(letter.subject) == 200
