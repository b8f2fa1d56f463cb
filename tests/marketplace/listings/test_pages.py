"""Pages of a list: every record once, newest first, whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from marketplace.kernel import clock
from marketplace.listings.models import Listing
from tests.given.kinds import ACHIEVEMENT, PROBLEM
from tests.given.listings import a_listing


async def walked(who, kind, *, limit, **params):
    """The ids of every page, by following `next_cursor`."""
    pages, cursor = [], None
    while True:
        page = (
            await who.get(kind.url, params=params | {"limit": limit} | ({"cursor": cursor} if cursor else {}))
        ).json()
        pages.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize("params", [{}, {"q": "某"}], ids=["all", "filtered"])
async def test_pages_hold_every_record_once_newest_first(params, kind, owner, client, session):
    made = [(await kind.published(owner))["id"] for _ in range(7)]
    # Three were published at the very same moment: the id decides.
    await session.execute(
        update(Listing).where(Listing.id.in_(made[2:5])).values(listed_at=datetime(2026, 1, 1, tzinfo=UTC))
    )
    await session.commit()
    rows = await session.execute(select(Listing.id, Listing.listed_at).where(Listing.id.in_(made)))
    expected = [str(row.id) for row in sorted(rows, key=lambda row: (row.listed_at, row.id), reverse=True)]
    for limit in (1, 2, 3, 7, 8):
        pages = await walked(client, kind, limit=limit, **params)
        assert [one for page in pages for one in page] == expected
        assert all(len(page) == limit for page in pages[:-1])


async def test_what_is_published_while_somebody_turns_pages_moves_nothing(kind, owner, client):
    made = [(await kind.published(owner))["id"] for _ in range(4)]
    first = (await client.get(kind.url, params={"limit": 2})).json()
    await kind.published(owner)
    third = (await client.get(kind.at(made[1]))).json()
    await owner.patch(kind.at(third), {"title": "改过"}, version=third["version"])
    await owner.post(kind.at(made[0], "withdrawal"))
    await owner.post(kind.at(made[0], "publication"))
    second = (await client.get(kind.url, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == list(reversed(made))


async def test_the_next_page_is_said_in_a_header_too(kind, owner, client):
    for _ in range(3):
        await kind.published(owner, region="220100")
    page = await client.get(kind.url, params={"limit": 2, "region": "220000"})
    link = page.headers["Link"]
    assert link.endswith('>; rel="next"')
    following = await client.get(link[1 : link.index(">")])
    assert len(following.json()["items"]) == 1
    assert "Link" not in following.headers


async def test_a_cursor_opens_no_other_list(kind, owner, client):
    for _ in range(3):
        await kind.published(owner, region="220100")
    cursor = (await client.get(kind.url, params={"limit": 2})).json()["next_cursor"]
    other = PROBLEM if kind is ACHIEVEMENT else ACHIEVEMENT
    for ask in (
        client.get(kind.url, params={"cursor": cursor, "region": "220000"}),
        client.get(other.url, params={"cursor": cursor}),
        owner.get(kind.url, params={"cursor": cursor}),
        client.get(kind.url, params={"cursor": cursor[:-2] + "AA"}),
        client.get(kind.url, params={"cursor": "%00"}),
        client.get(kind.url, params={"cursor": "é"}),
    ):
        refused = await ask
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "cursor")


async def test_more_than_a_hundred_a_page_is_a_hundred(kind, owner, client, session):
    session.add_all(a_listing(kind.cls, owner.organisation) for _ in range(101))
    await session.commit()
    for limit in ("1000", "9" * 30):
        page = (await client.get(kind.url, params={"limit": limit})).json()
        assert len(page["items"]) == 100
        assert page["next_cursor"]


async def test_moments_of_one_list_fall_from_page_to_page(kind, owner, client):
    for hours in range(5):
        with clock.ahead(timedelta(hours=hours)):
            await kind.published(owner)
    page = (await client.get(kind.url)).json()["items"]
    assert all(earlier["published_at"] < later["published_at"] for later, earlier in pairwise(page))
