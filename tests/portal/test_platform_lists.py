"""What waits for the platform is there to its last row, a page at a time."""

import pytest

from schemas.identity import Verification
from schemas.listings import ListingState
from tests.given.kinds import ACHIEVEMENT, PROBLEM
from tests.given.listings import a_listing

MORE_THAN_TWO_PAGES = 103


async def walked(somebody, address, inside):
    """Every row of a list, page by page, and how many pages there were."""
    seen, pages = [], 0
    while address is not None:
        page = await somebody.page(address)
        seen += [link.attrs["href"] for link in page.all("a") if link.attrs["href"].startswith(inside)]
        following = [link.attrs["href"] for link in page.all("a", rel="next")]
        address, pages = (following[0] if following else None), pages + 1
    return list(dict.fromkeys(link.partition("#")[0] for link in seen)), pages


@pytest.mark.parametrize("state", [Verification.SUBMITTED, Verification.UNVERIFIED, Verification.SUSPENDED])
async def test_every_organisation_that_waits_is_reached(state, given, visitor, session):
    made = [await given.organisation(verification=state) for _ in range(MORE_THAN_TWO_PAGES)]
    admin = visitor(await given.admin())
    overview = await admin.page("/platform")
    assert overview.all("a", href=f"/platform?show={state}")
    seen, pages = await walked(admin, f"/platform?show={state}", "/organisations/")
    assert set(seen) == {f"/organisations/{one.id}" for one in made}
    assert (len(seen), pages) == (MORE_THAN_TWO_PAGES, 3)


@pytest.mark.parametrize("kind", [PROBLEM, ACHIEVEMENT], ids=lambda kind: kind.name)
async def test_every_record_that_waits_is_reached(kind, given, visitor, session):
    at = await given.organisation()
    made = [a_listing(kind.cls, at, state=ListingState.IN_REVIEW) for _ in range(MORE_THAN_TWO_PAGES)]
    session.add_all(made)
    await session.commit()
    admin = visitor(await given.admin())
    assert (await admin.page("/platform")).all("a", href=f"/platform?show={kind.plural}")
    seen, pages = await walked(admin, f"/platform?show={kind.plural}", f"/{kind.plural}/")
    assert set(seen) == {f"/{kind.plural}/{one.id}" for one in made}
    assert pages == 3


async def test_a_list_that_is_not_there_is_not_found(given, visitor):
    admin = visitor(await given.admin())
    await admin.page("/platform?show=verified", 404)
    await admin.page("/platform?show=submitted&cursor=x", 422)
