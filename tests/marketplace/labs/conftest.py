"""Who takes part: a lab with its manager, a firm of the province."""

import pytest

from schemas.identity import OrganisationKind, Role


@pytest.fixture
async def manager(given):
    """A lab manager of a university in 吉林."""
    return await given.person(Role.LAB_MANAGER, await given.organisation())


@pytest.fixture
async def engineer(given):
    """An engineer of a firm of the same province."""
    return await given.enterprise()


@pytest.fixture
async def far_away(given):
    """An engineer of a firm of another province."""
    return await given.editor(kinds=(OrganisationKind.ENTERPRISE,), region="440100")
