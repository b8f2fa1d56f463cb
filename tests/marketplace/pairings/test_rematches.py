"""The rematch over HTTP: asked for, done by a job in a process of its own, looked at from both sides."""

import socket
from collections import Counter
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from marketplace.kernel.jobs import Place
from marketplace.listings.models import Achievement, Listing
from marketplace.pairings import rematch_job, rematcher
from marketplace.pairings.rematch_models import KEPT, RematchPair
from marketplace.pairings.rematching import ClusterAway
from marketplace.settings import Settings
from schemas.listings import ListingState
from tests.given import listings

URL = "/api/v1/rematches"


@pytest.fixture
async def market(standing, given_there):
    """Four firms with nearly the same wish, a team that can take two talks, one that does not say, and a third."""
    university, admin = await given_there.university(), await given_there.admin()
    firms = [await given_there.enterprise() for _ in range(4)]
    few, any_number, third = await listings.achievements(
        given_there.session, university.organisation,
        {"title": "固态电解质薄膜的界面修饰", "talks": 2}, {"title": "固态电解质薄膜"}, {"title": "固态电解质薄膜的流延"},
    )  # fmt: skip
    asking = []
    for number, firm in enumerate(firms):
        asking += await listings.problems(
            given_there.session, firm.organisation, {"title": "求固态电解质薄膜的界面修饰" + "与流延" * number}
        )
    await given_there.session.commit()
    return SimpleNamespace(
        admin=admin, university=university, firms=firms, few=few, any_number=any_number, third=third, asking=asking
    )


async def started(market, **wish):
    answer = await market.admin.post(URL, json={"unfit": True} | wish)
    assert answer.status_code == 202, answer.text
    return answer


async def done(standing, settings, run):
    place = Place(standing.database, settings)
    await rematch_job.run(place, {"operation_id": run["operation_id"], "rematch_id": run["id"]})


async def carried_out(standing, settings, run):
    """The same in this process: another Python takes seconds to start."""
    async with standing.session() as session, session.begin():
        assert await rematch_job.work.begin(session, run["operation_id"])
    await rematcher.carry_out(standing.database, settings.home, run["id"], lambda _done, _of: None, threads=1)


async def test_a_run_from_its_start_to_what_each_side_sees(standing, settings, market):
    client, admin = standing.client, market.admin
    problem, few = f"/api/v1/problems/{market.asking[0].id}", f"/api/v1/achievements/{market.few.id}"
    empty = (await client.get(f"{problem}/proposals")).json()
    assert (empty["run"], empty["items"]) == (None, [])
    assert "还没有" in empty["message"]

    refused = await market.university.post(URL, json={})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "not-their-rematch")
    wrong = await admin.post(URL, json={"proposals": 3, "floor": 4})
    assert wrong.json()["errors"][0]["pointer"] == "/floor"

    answer = await started(market, proposals=1, floor=1, places=1)
    run = answer.json()
    assert (run["state"], run["newest"], run["numbers"]) == ("waiting", False, None)
    assert answer.headers["Location"] == f"{URL}/{run['id']}"
    again = await admin.post(URL, json={})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "rematch-under-way")
    early = await admin.get(f"{URL}/{run['id']}/proposals")
    assert (early.status_code, early.json()["type"].rpartition("/")[2]) == (409, "no-longer-kept")

    await done(standing, settings, run)
    await done(standing, settings, run)  # delivered once more: nothing happens
    run = (await admin.get(answer.headers["Location"])).json()
    assert (run["state"], run["newest"], run["kept"], run["error"]) == ("done", True, True, None)
    assert run["numbers"]["granted"] == 4, "two talks, one place for each of the others: everybody keeps the floor"
    assert (run["numbers"]["short"], run["numbers"]["problems"], run["numbers"]["achievements"]) == (0, 4, 3)
    operation = (await admin.get(f"/api/v1/operations/{run['operation_id']}")).json()
    assert (operation["state"], operation["done"]) == ("done", operation["total"])

    rows = (await admin.get(f"{URL}/{run['id']}/proposals", params={"limit": "100"})).json()["items"]
    granted = Counter(one["achievement"]["id"] for one in rows if one["granted"])
    assert granted == {str(market.few.id): 2, str(market.any_number.id): 1, str(market.third.id): 1}
    walked, page = [], (await admin.get(f"{URL}/{run['id']}/proposals", params={"limit": "2"})).json()
    while True:
        walked += page["items"]
        if not page["next_cursor"]:
            break
        page = (
            await admin.get(f"{URL}/{run['id']}/proposals", params={"limit": "2", "cursor": page["next_cursor"]})
        ).json()
    assert walked == rows

    seen = (await client.get(f"{few}/proposals")).json()
    assert seen["granted"] == 2
    assert [one["place"] for one in seen["items"] if one["granted"]] == [1, 2]
    assert all(one["places"] == 2 for one in seen["items"])
    assert "占 2 个名额中的第 1 个" in seen["items"][0]["explanation"]
    over = [one for one in seen["items"] if not one["granted"]]
    assert over
    assert all(one["why"] == "team_full" and "2 个名额" in one["explanation"] for one in over)
    english = await client.get(f"{few}/proposals", headers={"Accept-Language": "en"})
    assert "place 1 of 2" in english.json()["items"][0]["explanation"]
    only = (await client.get(f"{problem}/proposals", params={"granted": "true"})).json()
    assert [one["why"] for one in only["items"]] == ["floor"]

    # The score is the one that the plain ranking shows.
    assert (await client.get(f"{problem}/proposals")).json()["items"][0]["pairing"] is None, "it is being loaded"
    await standing.engine.open()
    ranked = (await client.get(f"{problem}/pairings")).json()["items"]
    scores = {one["id"]: one["score"] for one in ranked}
    for one in (await client.get(f"{problem}/proposals")).json()["items"]:
        assert one["score"] == pytest.approx(scores[one["achievement"]["id"]], abs=1e-4)
        assert one["pairing"]["id"] == one["achievement"]["id"]
        assert one["pairing"]["reasons"]["terms"], "and it says why"

    table = await admin.get(f"{URL}/{run['id']}/proposals.csv", params={"granted": "true"})
    assert table.text.count("\r\n") == 5
    assert (await admin.get(f"{URL}/{run['id']}/proposals.xlsx")).content.startswith(b"PK")

    async with standing.session() as session, session.begin():
        await session.execute(update(Listing).where(Listing.id == market.few.id).values(state=ListingState.WITHDRAWN))
    left = (await admin.get(f"{URL}/{run['id']}/proposals", params={"limit": "100"})).json()["items"]
    assert {one["achievement"]["id"] for one in left} <= {str(market.any_number.id), str(market.third.id)}
    assert (await client.get(f"{few}/proposals")).status_code == 404


@pytest.mark.parametrize("by_organisation", [False, True], ids=["by achievement", "by organisation"])
async def test_capacity_and_floor_hold_from_end_to_end(standing, settings, market, by_organisation):
    run = (await started(market, proposals=2, floor=1, places=2, by_organisation=by_organisation)).json()
    await carried_out(standing, settings, run)
    async with standing.session() as session:
        pairs = (await session.scalars(select(RematchPair))).all()
        talks = {row.id: row.talks for row in await session.execute(select(Achievement.id, Achievement.talks))}
    granted = [one for one in pairs if one.granted]
    taken = Counter(one.achievement_id for one in granted)
    assert all(number <= (talks[key] or 2) for key, number in taken.items())
    if by_organisation:
        assert sum(taken.values()) == 2, "the places of the one university"
        assert any(one.why == "organisation_full" for one in pairs)
    else:
        assert {one.problem_id for one in granted} == {one.id for one in market.asking}, "everybody has the floor"
    assert max(Counter(one.problem_id for one in granted).values()) <= 2
    places = {(one.achievement_id, one.place) for one in granted if one.places}
    assert by_organisation or len(places) == len(granted), "no place is given twice"


async def test_a_run_is_cancelled_when_asked_and_the_finished_one_is_still_the_newest(standing, settings, market):
    run = (await started(market)).json()
    await carried_out(standing, settings, run)
    assert (await market.admin.get(f"{URL}/{run['id']}")).json()["state"] == "done"

    second = (await started(market)).json()
    operation = f"/api/v1/operations/{second['operation_id']}"
    async with standing.session() as session, session.begin():
        assert await rematch_job.work.begin(session, second["operation_id"])
    assert (await market.admin.post(f"{operation}/cancellation")).json()["state"] == "running"
    await done(standing, settings, second)
    assert (await market.admin.get(operation)).json()["state"] == "cancelled"
    shown = (await market.admin.get(URL)).json()["items"]
    assert [(one["id"], one["newest"]) for one in shown] == [(second["id"], False), (run["id"], True)]


async def test_the_pairs_of_the_latest_runs_are_kept_and_no_others(standing, settings, market):
    runs = []
    for _ in range(KEPT + 1):
        runs.append((await started(market)).json()["id"])
        await carried_out(standing, settings, (await market.admin.get(f"{URL}/{runs[-1]}")).json())
    shown = (await market.admin.get(URL)).json()["items"]
    assert [one["kept"] for one in shown] == [True] * KEPT + [False]
    assert shown[-1]["numbers"]["granted"] > 0, "what came of it stays"
    gone = await market.admin.get(f"{URL}/{runs[0]}/proposals")
    assert gone.status_code == 409
    async with standing.session() as session:
        assert await session.scalar(select(func.count(RematchPair.rematch_id.distinct()))) == KEPT


@pytest.mark.filterwarnings("default")  # of a library that starts threads of its own
async def test_a_run_is_done_on_a_cluster_where_there_is_one(standing, settings, market):
    distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install 'duijie[scale]'")
    run = (await started(market, proposals=1)).json()
    async with standing.session() as session, session.begin():
        assert await rematch_job.work.begin(session, run["operation_id"])

    def carry_out(scheduler):
        return rematcher.carry_out(
            standing.database, settings.home, run["id"], lambda _done, _of: None, scheduler=scheduler
        )

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        with pytest.raises(ClusterAway, match="没有应答"):
            await carry_out(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        await carry_out(cluster.scheduler_address)
    finished = (await market.admin.get(f"{URL}/{run['id']}")).json()
    assert (finished["state"], finished["numbers"]["granted"]) == ("done", 4)


@pytest.mark.parametrize("address", ["10.0.0.1:8786", "http://10.0.0.1:8786", "tcp://10.0.0.1", "tcp://:8786"])
def test_an_address_that_no_cluster_can_have_is_refused(address):
    with pytest.raises(ValidationError, match="tcp://10"):
        Settings(rematch_scheduler=address)
