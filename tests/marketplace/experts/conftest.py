"""Who keeps profiles, and who looks at them."""

import pytest


@pytest.fixture
async def owner(given):
    """An editor of a verified university."""
    return await given.university()


@pytest.fixture
async def stranger(given):
    """An editor of a verified enterprise."""
    return await given.enterprise()
