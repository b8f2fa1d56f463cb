"""Real argon2, made cheap: how much it costs is tested in one place."""

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from marketplace.identity import passwords
from marketplace.identity.models import Person
from tests.given.people import PASSWORD

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch):
    monkeypatch.setattr(passwords, "hasher", lambda: CHEAP)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def with_password(session):
    """Somebody who can sign in with `PASSWORD`."""

    async def give(somebody, password=PASSWORD):
        await session.execute(update(Person).where(Person.id == somebody.id).values(password_hash=CHEAP.hash(password)))
        await session.commit()
        return somebody

    return give
