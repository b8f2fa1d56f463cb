"""What was taken back, ran out or is confidential is never shown, whether or not the follower has looked yet."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import update

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.listings.models import Achievement, Listing
from marketplace.pairings import reading
from matching.segments import facets
from matching.text import count_all
from schemas.identity import Verification
from schemas.listings import ListingState
from tests.given import listings

CANARIES = [f"canary{n:03d}金丝雀" for n in range(100)]


@pytest.fixture
async def market(given, session, engine):
    university, enterprise = await given.university(), await given.enterprise()
    kept, going = await listings.achievements(session, university.organisation, {}, {})
    (need,) = await listings.problems(session, enterprise.organisation, {})
    await engine.load()
    return need, kept, going


async def shown(client, need, one) -> dict[str, bool]:
    """Where a record can be seen by somebody who asks for pairings."""
    url = f"/api/v1/problems/{need.id}/pairings"
    ranking = (await client.get(url)).json()
    text = (await client.post("/api/v1/matches", json={"text": "固态电解质薄膜"})).json()
    return {
        "ranking": str(one.id) in {item["id"] for item in ranking["items"]},
        "text": str(one.id) in {item["id"] for item in text["items"]},
        "alone": (await client.get(f"{url}/{one.id}")).status_code == 200,
        "asking": (await client.get(f"/api/v1/achievements/{one.id}/pairings")).status_code == 200,
    }


@pytest.mark.parametrize("looked", [False, True], ids=["before the follower looked", "after"])
@pytest.mark.parametrize("state", [ListingState.WITHDRAWN, ListingState.EXPIRED, ListingState.DRAFT])
async def test_a_record_that_is_not_open_is_not_shown(market, client, session, engine, state, looked):
    need, kept, going = market
    assert all((await shown(client, need, going)).values())
    await session.execute(update(Listing).where(Listing.id == going.id).values(state=state))
    await session.commit()
    if looked:
        await engine.load()
    assert not any((await shown(client, need, going)).values())
    assert all((await shown(client, need, kept)).values())


@pytest.mark.parametrize("looked", [False, True], ids=["before the follower looked", "after"])
@pytest.mark.parametrize("verification", [Verification.SUSPENDED, Verification.SUBMITTED, Verification.UNVERIFIED])
async def test_records_of_an_organisation_that_is_not_verified_are_not_shown(
    market, client, session, engine, verification, looked
):
    need, kept, _ = market
    change = update(Organisation).where(Organisation.id == kept.organisation_id).values(verification=verification)
    await session.execute(change)
    await session.commit()
    if looked:
        await engine.load()
    assert not any((await shown(client, need, kept)).values())


async def test_what_was_not_confirmed_in_time_is_out_without_any_job(market, client, session, engine):
    need, kept, going = market
    going.confirmed_until = clock.now() + timedelta(days=3)
    await session.commit()
    await engine.load()
    assert all((await shown(client, need, going)).values())
    with clock.ahead(timedelta(days=2, hours=23)):
        assert all((await shown(client, need, going)).values())
    with clock.ahead(timedelta(days=3)):
        seen = await shown(client, need, going)
        assert (seen["ranking"], seen["text"], seen["alone"]) == (False, False, False)
        assert all((await shown(client, need, kept)).values())
        page = (await client.get(f"/api/v1/problems/{need.id}/pairings")).json()
        assert page["considered"] == 1


async def test_what_runs_out_between_two_pages_is_not_on_the_second(market, client, session, engine):
    need, _, going = market
    going.confirmed_until = clock.now() + timedelta(hours=1)
    await session.commit()
    await engine.load()
    url = f"/api/v1/problems/{need.id}/pairings"
    first = (await client.get(url, params={"limit": 1})).json()
    with clock.ahead(timedelta(hours=2)):
        second = (await client.get(url, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert str(going.id) not in {item["id"] for item in second["items"]}


async def test_a_problem_in_talks_is_still_ranked_and_a_solved_one_is_not(market, client, session, engine, given):
    need, kept, _ = market
    for state, there in ((ListingState.IN_TALKS, True), (ListingState.SOLVED, False), (ListingState.CLOSED, False)):
        await session.execute(update(Listing).where(Listing.id == need.id).values(state=state))
        await session.commit()
        await engine.load()
        page = (await client.get(f"/api/v1/achievements/{kept.id}/pairings")).json()
        assert (str(need.id) in {item["id"] for item in page["items"]}) == there, state


async def test_no_confidential_word_reaches_the_index_or_a_reason(given, session, client, engine):
    """A hundred canaries in every place that is not public; the follower, the ranking and the reasons know none."""
    university, enterprise = await given.university(), await given.enterprise()
    hidden = "。".join(CANARIES)
    found = await given.achievement(
        university,
        contact={"name": f"联系人{CANARIES[0]}", "phone": CANARIES[1]},
        team=[{"name": CANARIES[2], "role": CANARIES[3]}],
        registration_number="123456789012",
    )
    need = await given.problem(enterprise, contact={"name": CANARIES[4]})
    for owner, path, record in ((university, "achievements", found), (enterprise, "problems", need)):
        url = f"/api/v1/{path}/{record['id']}"
        assert (
            await owner.put(f"{url}/confidential", {"text": hidden, "nda": hidden}, headers={"If-Match": '"0"'})
        ).status_code == 200
        file = {"file": ("notes.txt", hidden.encode(), "text/plain")}
        assert (await owner.post(f"{url}/attachments/confidential", files=file)).status_code == 201
    await engine.load()

    told = {term for term in count_all(hidden) if "canary" in term or "丝雀" in term}
    assert len(told) > len(CANARIES)
    for side in engine.sides.values():
        for part in side.index.snapshot.view.parts:
            vocabulary = part.segment.vocabulary
            assert told.isdisjoint(vocabulary.term(number) for number in range(len(vocabulary)))
            for file in side.index.store.folder.iterdir():
                assert b"canary" not in file.read_bytes()
    answers = [
        await client.get(f"/api/v1/problems/{need['id']}/pairings"),
        await enterprise.get(f"/api/v1/problems/{need['id']}/pairings"),
        await enterprise.get(f"/api/v1/problems/{need['id']}/pairings/{found['id']}"),
        await university.get(f"/api/v1/achievements/{found['id']}/pairings/{need['id']}"),
        await client.post("/api/v1/matches", json={"text": hidden[:5000]}),
        await client.post("/api/v1/matches", json={"text": hidden[:5000], "kind": "problem"}),
        await client.get("/readyz"),
        await client.get("/metrics"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert [canary for canary in CANARIES if canary in answer.text] == []
    # Asked for by their own words, the records are not found: those words are in no index.
    assert [answer.json()["items"] for answer in answers[4:6]] == [[], []]
    # The owner still sees them where they belong.
    assert CANARIES[99] in (await university.get(f"/api/v1/achievements/{found['id']}/confidential")).json()["text"]


async def test_the_index_holds_the_terms_of_the_public_text_and_the_codes_and_nothing_else(market, engine):
    _, kept, _ = market
    document = reading.document(kept)
    assert isinstance(kept, Achievement)
    assert document.title == kept.title
    assert kept.description in document.body
    view = engine.snapshot("achievement").view
    (segment,) = (part.segment for part in view.parts)
    _, ids, tf = segment.decoded(np.array([view.row(str(kept.id))]))
    held = {segment.vocabulary.term(number): times for number, times in zip(ids.tolist(), tf.tolist(), strict=True)}
    assert held == count_all(document.text) | facets.codes(document.facets)
