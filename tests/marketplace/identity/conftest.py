"""Who can sign in."""

import pytest
from sqlalchemy import update

from marketplace.identity.models import Person
from tests.conftest import CHEAP
from tests.given.people import PASSWORD


@pytest.fixture
def with_password(session):
    """Somebody who can sign in with `PASSWORD`."""

    async def give(somebody, password=PASSWORD):
        await session.execute(update(Person).where(Person.id == somebody.id).values(password_hash=CHEAP.hash(password)))
        await session.commit()
        return somebody

    return give
