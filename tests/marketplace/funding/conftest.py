"""Who offers money and who applies for it: a department, a bank, a firm and a university."""

import pytest

from schemas.identity import OrganisationKind, Role


@pytest.fixture
async def desk(given):
    """An editor of a department."""
    return await given.editor(kinds=(OrganisationKind.GOVERNMENT_DESK,))


@pytest.fixture
async def bank(given):
    return await given.editor(kinds=(OrganisationKind.FINANCE,))


@pytest.fixture
async def firm(given):
    return await given.enterprise()


@pytest.fixture
async def university(given):
    return await given.university()


@pytest.fixture
async def viewer(given, desk):
    """Somebody of the department who may read alone."""
    return await given.person(Role.VIEWER, desk.organisation)
