"""Statements that are written once: they say the same as SQLAlchemy's own, in the same transaction, for every reader."""

import random
from uuid import uuid4

import pytest
from sqlalchemy import bindparam, func, insert, select

from marketplace.identity.models import Organisation
from marketplace.kernel import prepared
from marketplace.kernel.actor import NOBODY, Actor
from marketplace.kernel.db import Database
from marketplace.kernel.mail import Letter
from marketplace.kernel.prepared import Prepared, PreparedFor
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.labs.models import Instrument
from marketplace.labs.policy import instrument_kept_by, instrument_visible_to
from schemas.identity import Permission
from tests.given.labs import an_instrument


def seen_among(ids):
    def write(actor: Actor):
        return (
            select(Instrument.id, instrument_kept_by(actor).label("kept"))
            .join(Organisation, Organisation.id == Instrument.organisation_id)
            .where(instrument_visible_to(actor), Instrument.id.in_(ids))
        )

    return write


async def test_a_rule_filled_in_says_the_same_as_the_rule(given, session):
    """For readers of every shape: nobody, people of some organisations by various roles, those who may read all."""
    organisations = [await given.organisation() for _ in range(5)]
    instruments = [
        await an_instrument(session, one, audience=audience, publicly_funded=False)
        for one in organisations
        for audience in ("everybody", "province", "own")
    ]
    write = seen_among([one.id for one in instruments])
    statement = PreparedFor(write)
    dice = random.Random(5)
    people = [NOBODY, Actor(uuid4()), Actor(uuid4(), platform=frozenset({Permission.READ_ALL}))]
    for _ in range(40):
        places = [one.id for one in dice.sample(organisations, dice.randrange(1, 6))]
        managed = frozenset(dice.sample(places, dice.randrange(len(places) + 1)))
        people.append(Actor(uuid4(), where={Permission.READ_OWN: frozenset(places), Permission.MANAGE_LABS: managed}))
    answers = set()
    for actor in people:
        plain = {(row.id, row.kept) for row in await session.execute(write(actor))}
        filled = {(row["id"], row["kept"]) for row in await statement.fetch(session, actor)}
        assert filled == plain
        answers.add(frozenset(plain))
    assert len(answers) > 20, "the readers differ, or nothing was compared"
    assert len(statement._shapes) < len(people) / 2, "those who may as much share a statement"


async def test_no_more_shapes_are_kept_than_a_process_can_bear(session, monkeypatch):
    monkeypatch.setattr(prepared, "MOST_SHAPES", 2)
    statement = PreparedFor(seen_among([uuid4()]))
    for permission in Permission:
        await statement.fetch(session, Actor(uuid4(), where={permission: frozenset({uuid4()})}))
        assert len(statement._shapes) <= 2


WRITTEN = Prepared(
    insert(Letter).values({name: bindparam(name) for name in ("id", "to", "subject", "text")}).returning(Letter.id)
)
LETTERS = select(func.count()).select_from(Letter).where(Letter.subject == "prepared")


def a_letter(**more):
    return {"id": uuid4(), "to": "a@test.example", "subject": "prepared", "text": "t"} | more


async def test_what_is_written_stands_or_falls_with_the_transaction(clones):
    """The first statement of a session begins its transaction, also when SQLAlchemy does not see it."""
    url = await clones.make()
    database = Database(url)
    try:
        async with database.writing() as session:
            await WRITTEN.fetch(session, **a_letter())
            await session.rollback()
            assert await session.scalar(LETTERS) == 0
            await session.rollback()
            # After a transaction the next one is as sound, and in it what the session was told comes first.
            session.add(Letter(**a_letter()))
            assert len(await Prepared(select(Letter.id).where(Letter.subject == "prepared")).fetch(session)) == 1
            await session.commit()
            assert await session.scalar(LETTERS) == 1
    finally:
        await database.close()
        await clones.drop(url)


async def test_a_broken_constraint_is_the_same_refusal(session):
    letter = a_letter()
    await WRITTEN.fetch(session, **letter)
    with pytest.raises(Conflict), refusing(letter_pkey=Conflict):
        await WRITTEN.fetch(session, **letter)


async def test_a_value_that_is_not_given_is_a_mistake(session):
    with pytest.raises(KeyError):
        await WRITTEN.fetch(session, id=uuid4())
