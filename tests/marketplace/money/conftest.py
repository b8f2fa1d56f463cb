"""A lab with its manager, a firm with its engineer, the programme's administrator, and an instrument with prices."""

import pytest

from schemas.identity import OrganisationKind, Role
from tests.given.labs import an_instrument
from tests.given.money import a_tariff, publish


@pytest.fixture
async def manager(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def engineer(given):
    """An engineer of a firm of the same province."""
    return await given.enterprise()


@pytest.fixture
async def stranger(given):
    return await given.editor(kinds=(OrganisationKind.ENTERPRISE,), region="440100")


@pytest.fixture
async def programme(given):
    return await given.admin()


@pytest.fixture
async def instrument(manager, session):
    """100 yuan an hour to a firm of the province, 50 for its operator; half of the price when cancelled late."""
    made = await an_instrument(session, manager.organisation, late_cancel_minutes=60 * 24 * 7)
    await publish(manager, made, a_tariff())
    return made
