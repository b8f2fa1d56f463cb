"""A whole ranking is read page by page: each record once, in order, whatever happens meanwhile."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from marketplace.kernel import clock
from marketplace.listings.models import Listing
from marketplace.pairings import engine as ranking
from schemas.listings import ListingKind, ListingState
from tests.given import listings

# Many alike, so that equal scores have to be told apart by their keys.
BODIES = ["固态电解质", "固态电解质薄膜", "固态电解质薄膜，流延", "电解质，锂电池", "固态电池的电解质与界面阻抗"]


@pytest.fixture
async def many(given, session, engine):
    """A problem and the thirty achievements that share words with it."""
    university, enterprise = await given.university(), await given.enterprise()
    confirmed = clock.now()
    told = [{"title": body, "description": None, "confirmed_at": confirmed} for body in BODIES * 6]
    found = await listings.achievements(session, university.organisation, *told)
    (need,) = await listings.problems(session, enterprise.organisation, {"title": "固态电解质薄膜的界面阻抗"})
    await engine.load()
    return need, found


async def pages(client, url: str, *, limit: int, before_each=None) -> list[list[dict[str, Any]]]:
    """Every page, following the cursor; `before_each` is called with the number of each page after the first."""
    read: list[list[dict[str, Any]]] = []
    cursor = None
    for number in itertools.count():
        if number and before_each is not None:
            await before_each(number)
        answer = await client.get(url, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        read.append(page["items"])
        cursor = page["next_cursor"]
        assert (cursor is not None) == ("Link" in answer.headers)
        if cursor is None:
            return read
        assert number < 100
    raise AssertionError


def in_order(items: list[dict[str, Any]]) -> bool:
    places = [(-item["score"], item["id"]) for item in items]
    return places == sorted(places)


@pytest.mark.parametrize("limit", [1, 2, 7, 29, 30, 31])
async def test_pages_together_are_the_whole_ranking(many, client, limit):
    need, found = many
    url = f"/api/v1/problems/{need.id}/pairings"
    whole = (await client.get(url, params={"limit": 100})).json()["items"]
    read = await pages(client, url, limit=limit)
    together = list(itertools.chain(*read))
    assert [item["id"] for item in together] == [item["id"] for item in whole]
    assert {item["id"] for item in together} == {str(one.id) for one in found}
    assert in_order(whole)
    assert all(len(page) == limit for page in read[:-1])


async def test_time_that_passes_between_pages_moves_nobody(many, client, session, engine):
    """Freshness fades, and unevenly: ranked as of now, a record would slip from one page to another."""
    need, found = many
    for days, one in enumerate(found):
        one.confirmed_at = clock.now() - timedelta(days=7 * days)
    await session.commit()
    await engine.load()
    url = f"/api/v1/problems/{need.id}/pairings"
    whole = (await client.get(url, params={"limit": 100})).json()["items"]
    read = []
    cursor = None
    for month in range(20):
        with clock.ahead(timedelta(days=5 * month)):
            page = (await client.get(url, params={"limit": 4} | ({"cursor": cursor} if cursor else {}))).json()
        read += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [item["id"] for item in read] == [item["id"] for item in whole]
    assert in_order(read)


@pytest.mark.parametrize("followed", [False, True], ids=["before the follower looked", "after the follower looked"])
async def test_records_that_go_between_pages_take_nobody_else_with_them(many, client, session, engine, followed):
    need, _ = many
    url = f"/api/v1/problems/{need.id}/pairings"
    whole = [item["id"] for item in (await client.get(url, params={"limit": 100})).json()["items"]]
    gone: list[str] = []

    async def withdraw(number: int) -> None:
        # Half of what is to come, and one that was already shown.
        going = [whole[number - 1], *whole[5 * number + 1 :: 5]] if number < 4 else []
        await session.execute(
            update(Listing).where(Listing.id.in_(going)).values(state=ListingState.WITHDRAWN),
            execution_options={"synchronize_session": False},
        )
        await session.commit()
        gone.extend(going)
        if followed:
            for key in going:
                engine.sides["achievement"].index.drop(key)
            engine.sides["achievement"].index.refresh()

    read = await pages(client, url, limit=5, before_each=withdraw)
    seen = [item["id"] for item in itertools.chain(*read)]
    assert len(seen) == len(set(seen))
    assert set(whole) - set(gone) <= set(seen)
    assert seen == [id_ for id_ in whole if id_ in seen]
    assert all(len(page) == 5 for page in read[:-1])
    # What was gone before its page was asked for is not on it.
    assert not set(gone[1:]) & set(seen[5:])


async def test_a_page_stays_full_when_most_of_the_ranking_was_just_taken_back(many, client, session):
    need, found = many
    kept = sorted(found, key=lambda one: str(one.id))[::7]
    await session.execute(
        update(Listing)
        .where(Listing.id.in_([one.id for one in found if one not in kept]))
        .values(state=ListingState.WITHDRAWN),
        execution_options={"synchronize_session": False},
    )
    await session.commit()
    page = (await client.get(f"/api/v1/problems/{need.id}/pairings", params={"limit": 4})).json()
    assert len(page["items"]) == 4
    read = await pages(client, f"/api/v1/problems/{need.id}/pairings", limit=4)
    assert {item["id"] for item in itertools.chain(*read)} == {str(one.id) for one in kept}


async def test_a_new_record_does_not_disturb_pages_that_were_begun(many, client, given, session, engine):
    need, _ = many
    url = f"/api/v1/problems/{need.id}/pairings"
    whole = [item["id"] for item in (await client.get(url, params={"limit": 100})).json()["items"]]
    newcomer = await given.university()

    async def publish(number: int) -> None:
        (made,) = await listings.achievements(session, newcomer.organisation, {"title": "固态电解质薄膜的界面阻抗"})
        index = engine.sides["achievement"].index
        rows = await ranking._open_rows(session, ListingKind.ACHIEVEMENT, among=[made.id])
        ranking._exchange(index, rows, [made.id], 1)

    read = await pages(client, url, limit=8, before_each=publish)
    assert [item["id"] for item in itertools.chain(*read)] == whole
    assert (await client.get(url)).json()["items"][0]["id"] not in whole


async def test_when_the_snapshot_of_the_first_page_is_gone_the_present_one_goes_on(many, client, engine):
    """So it is in another process, which never had that snapshot; what is shown is still of the ranking."""
    need, found = many
    url = f"/api/v1/problems/{need.id}/pairings"
    first = (await client.get(url, params={"limit": 10})).json()
    await engine.load()
    second = (await client.get(url, params={"limit": 100, "cursor": first["next_cursor"]})).json()
    together = [item["id"] for item in first["items"] + second["items"]]
    assert len(together) == len(set(together)) == len(found)


@pytest.mark.parametrize("change", ["filter", "record", "caller", "forged", "cut"])
async def test_a_cursor_opens_no_other_ranking(many, client, given, change):
    need, found = many
    url = f"/api/v1/problems/{need.id}/pairings"
    params = {"limit": 3, "cursor": (await client.get(url, params={"limit": 3})).json()["next_cursor"]}
    headers = {}
    if change == "filter":
        params["region"] = "220000"
    elif change == "record":
        url = f"/api/v1/achievements/{found[0].id}/pairings"
    elif change == "caller":
        headers = (await given.university()).headers
    elif change == "forged":
        params["cursor"] = params["cursor"][:-4] + "AAAA"
    else:
        params["cursor"] = params["cursor"][:9]
    answer = await client.get(url, params=params, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/stale-cursor"
