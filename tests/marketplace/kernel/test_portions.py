"""What no longer serves is swept away however much of it there is, and no statement deletes more than its portion."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, insert, select, text
from uuid_utils.compat import uuid7

from marketplace.identity import jobs as identity_jobs
from marketplace.identity.models import LetterToken, Person, SignInTry, Token
from marketplace.kernel import clock, portions
from marketplace.kernel.db import Database
from marketplace.kernel.idempotency import Remembered
from marketplace.kernel.jobs import Place
from schemas.identity import Scope, TokenKind

MANY, PORTION = 250, 100


@pytest.fixture
def deletions(connection, monkeypatch):
    """How many rows each delete took."""
    monkeypatch.setattr(portions, "PORTION", PORTION)
    taken: list[int] = []

    def note(_connection, cursor, statement, *_rest) -> None:
        if statement.startswith("DELETE"):
            taken.append(cursor.rowcount)

    sync = connection.sync_connection
    event.listen(sync, "after_cursor_execute", note)
    yield taken
    event.remove(sync, "after_cursor_execute", note)


async def a_backlog(session, who) -> None:
    """Of everything that is swept: many rows that serve no more, and one that does."""
    long_ago, now = clock.now() - timedelta(days=90), clock.now()
    later = now + timedelta(days=1)
    times = [long_ago] * MANY + [now]
    await session.execute(insert(SignInTry), [{"key": "e:x", "at": at} for at in times])
    await session.execute(
        insert(Remembered),
        [
            {"caller": who, "key": f"k{n}", "fingerprint": b"", "status": 0, "headers": {}, "body": b"", "at": at}
            for n, at in enumerate(times)
        ],
    )
    shared = {"person_id": who, "kind": TokenKind.SESSION, "scope": Scope.WRITE, "name": "test"}
    await session.execute(
        insert(Token),
        [
            shared | {"hash": f"{n}".encode(), "expires_at": expires, "revoked_at": revoked}
            for n, (expires, revoked) in enumerate([(long_ago, None)] * MANY + [(later, long_ago)] * MANY)
        ],
    )
    people = [{"id": uuid7(), "email": f"{n}@x.example", "name": "甲", "created_at": long_ago} for n in range(MANY)]
    await session.execute(insert(Person), people)
    await session.execute(
        insert(LetterToken),
        [
            {"hash": f"{n}".encode(), "purpose": "confirm", "person_id": person["id"], "expires_at": long_ago}
            for n, person in enumerate(people)
        ],
    )
    note = (
        "insert into pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " select case when n > 0 then now() - interval '90 days' else now() end, n, 'successful', 0, 'x'"
        " from generate_series(0, :many) n"
    )
    await session.execute(text(note), {"many": MANY})
    note = (
        "insert into pgqueuer_statistics (created, count, status, priority, entrypoint)"
        " select case when n > 0 then now() - interval '90 days' - n * interval '1 second' else now() end, n, 'successful', 0, 'x'"
        " from generate_series(0, :many) n"
    )
    await session.execute(text(note), {"many": MANY})
    await session.commit()


async def test_a_backlog_goes_in_portions_to_its_last_row(given, database, settings, session, deletions):
    somebody = await given.person()
    await a_backlog(session, somebody.id)
    await identity_jobs.sweep(Place(database, settings), {})
    left = {
        table: await session.scalar(select(func.count()).select_from(text(table)))
        for table in (
            "sign_in_try", "idempotency_key", "letter_token", "person", "token", "pgqueuer_log", "pgqueuer_statistics",
        )
    }  # fmt: skip
    # One of each still serves: the person who is signed in, their token, what was noted just now.
    assert left == dict.fromkeys(left, 1) | {"letter_token": 0}
    assert sum(deletions) == 8 * MANY
    assert max(deletions) == PORTION
    assert sum(taken == PORTION for taken in deletions) == 8 * (MANY // PORTION)


@pytest.fixture
async def live_rows(clones):
    url = await clones.make()
    database = Database(url, pool_size=3)
    at = clock.now() - timedelta(days=1)
    async with database.writing.begin() as session:
        session.add_all(SignInTry(key="e:x", at=at) for _ in range(5))
    yield database
    await database.close()
    await clones.drop(url)


async def test_rows_that_somebody_holds_are_left_for_the_next_time(live_rows, settings):
    database = live_rows
    async with database.writing.begin() as holding:
        held = await holding.scalar(select(SignInTry).limit(1).with_for_update())
        assert held is not None
        await identity_jobs.sweep(Place(database, settings), {})
    async with database.reading() as session:
        assert list(await session.scalars(select(SignInTry.id))) == [held.id]
    await identity_jobs.sweep(Place(database, settings), {})
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(SignInTry)) == 0
