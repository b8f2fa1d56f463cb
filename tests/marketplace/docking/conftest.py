"""Who takes part: an organizer of a department, people of firms and of a university."""

import pytest

from schemas.identity import OrganisationKind, Role


@pytest.fixture
async def organizer(given):
    return await given.person(Role.ORGANIZER, await given.organisation(kinds=(OrganisationKind.ORGANIZER,)))


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def other_firm(given):
    return await given.enterprise()
