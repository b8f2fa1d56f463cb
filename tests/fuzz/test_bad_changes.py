"""As `test_bad_bodies`, for what changes a record; a file of its own, so that two test processes share the work."""

import pytest

from tests.access.conftest import Place
from tests.fuzz.test_bad_bodies import JSON_BODIES, every_field_spoilt


@pytest.mark.parametrize("operation", [name for name in JSON_BODIES if not name.startswith("POST")])
async def test_a_spoilt_field_is_refused_or_kept_as_it_is(place: Place, operation: str):
    await every_field_spoilt(place, operation)
