"""The segments are one for all processes of a machine: built once, opened by the others, written down, never trusted blindly."""

import asyncio
import os

import pytest
from sqlalchemy import text

from marketplace.kernel import facts as history
from marketplace.kernel.facts import record
from marketplace.listings import facts as happened
from marketplace.pairings import engine as ranking
from marketplace.pairings.engine import Engine
from matching.segments.store import Busy
from schemas.listings import ListingKind
from tests.given import listings

ACHIEVEMENT = ListingKind.ACHIEVEMENT


def holds(engine: Engine, one) -> bool:
    return str(one["id"] if isinstance(one, dict) else one.id) in engine.snapshot(ACHIEVEMENT)


@pytest.fixture
def _undisturbed(monkeypatch):
    """As if nobody else wrote: a transaction in any database of the cluster holds history back for all of them, and then
    less is written down, later. That is as it should be, and not what these tests are about."""
    everything = text("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    monkeypatch.setattr(history, "_MARK", everything)


@pytest.fixture
def read(monkeypatch):
    """How many records of listings each look at the database has read."""
    counts: list[int] = []
    rows = ranking._open_rows

    async def counted(session, kind, **more):
        found = await rows(session, kind, **more)
        counts.extend([len(found)] if found else [])
        return found

    monkeypatch.setattr(ranking, "_open_rows", counted)
    return counts


@pytest.mark.usefixtures("_undisturbed")
async def test_one_reads_the_records_and_the_others_open_what_it_published(standing, given_there, tmp_path, read):
    university = await given_there.university()
    first = await given_there.achievement(university)
    one, other = Engine(standing.database, tmp_path), Engine(standing.database, tmp_path)
    await one.open()
    assert read == [1]
    await other.open()
    assert read == [1], "the second reads no record"
    second = await given_there.achievement(university)
    for engine in (one, other):
        await engine.catch_up()
        assert holds(engine, first)
        assert holds(engine, second)
        assert engine.readiness()["achievement"]["changes"] == 1

    await one.publish()
    await other.catch_up()
    version = one.readiness()["achievement"]
    assert (version["version"], version["changes"], version["records"]) == (2, 0, 2)
    # The place in the facts goes on with whatever else the cluster does between two looks.
    theirs = other.readiness()["achievement"]
    assert theirs.pop("high_water_mark") >= version.pop("high_water_mark")
    assert theirs == version
    read.clear()
    third = Engine(standing.database, tmp_path)
    await third.open()
    await third.catch_up()
    assert holds(third, second)
    assert read == [], "what is in the version is not read again"

    await university.post(f"/api/v1/achievements/{first['id']}/withdrawal")
    for engine in (one, other, third):
        await engine.catch_up()
        assert not holds(engine, first)


async def test_a_version_hides_nothing_that_was_committed_late(standing, given_there, tmp_path):
    """One publishes while a transaction that began before is open; another had seen its neighbour's change."""
    university = await given_there.university()
    first, second = await listings.achievements(given_there.session, university.organisation, {}, {})
    one, other = Engine(standing.database, tmp_path), Engine(standing.database, tmp_path)
    await one.open()
    await other.open()
    for engine in (one, other):
        engine.sides[ACHIEVEMENT].index.drop(str(first.id))
        engine.sides[ACHIEVEMENT].index.drop(str(second.id))
        await engine.catch_up()
        assert not holds(engine, first)
    late, early = standing.session(), standing.session()
    await record(late, happened.ListingPublished(first.id, "achievement"), subject=first.id)
    await record(early, happened.ListingPublished(second.id, "achievement"), subject=second.id)
    await one.catch_up()
    await early.commit()
    await other.catch_up()
    assert holds(other, second)
    await one.publish()  # what it has not seen yet: its mark is below both
    await other.catch_up()
    assert holds(other, second), "the change is kept on top of a version that does not hold it"
    await late.commit()
    third = Engine(standing.database, tmp_path)
    await third.open()
    for engine in (one, other, third):
        await engine.catch_up()
        assert holds(engine, first)
        assert holds(engine, second)
    await late.close()
    await early.close()


async def test_what_is_damaged_is_read_from_the_records_again(standing, given_there, tmp_path):
    made = await given_there.achievement(await given_there.university())
    engine = Engine(standing.database, tmp_path)
    await engine.open()
    (file,) = engine.sides[ACHIEVEMENT].index.store.folder.glob("*.segment")
    with file.open("r+b") as content:
        content.seek(64)
        byte = content.read(1)
        content.seek(64)
        content.write(bytes([byte[0] ^ 1]))
    await engine._check()
    assert holds(engine, made)
    assert engine.readiness()["achievement"]["version"] == 2
    await engine._check()
    assert engine.readiness()["achievement"]["version"] == 2


async def test_who_finds_another_reading_waits_for_it(standing, given_there, tmp_path):
    made = await given_there.achievement(await given_there.university())
    one, other = Engine(standing.database, tmp_path), Engine(standing.database, tmp_path)
    await one.open()
    store = one.sides[ACHIEVEMENT].index.store
    with store.writing():
        for file in store.folder.glob("manifest-*"):
            file.unlink()
        with pytest.raises(Busy):
            await other.load()
        opening = asyncio.create_task(other.open())
        await asyncio.sleep(0)
        assert not opening.done()
    await opening
    assert holds(other, made)


@pytest.mark.usefixtures("_undisturbed")
async def test_changes_are_written_down_when_they_are_many_or_old(standing, given_there, tmp_path, monkeypatch):
    university = await given_there.university()
    engine = Engine(standing.database, tmp_path)
    await engine.open()
    monkeypatch.setattr(ranking, "PUBLISH_AT", 2)
    assert not engine._due()
    await given_there.achievement(university)
    await engine.catch_up()
    assert not engine._due()
    monkeypatch.setattr(ranking, "PUBLISH_EVERY", 0.0)
    assert engine._due()
    monkeypatch.setattr(ranking, "PUBLISH_EVERY", 600.0)
    await given_there.achievement(university)
    await engine.catch_up()
    assert engine._due()
    await engine.publish()
    assert not engine._due()
    assert {side["version_mark"] for side in engine.readiness().values()} == {engine._mark}


async def test_folders_that_nobody_lives_in_are_forgotten(standing, tmp_path):
    engine = Engine(standing.database, tmp_path)
    await engine.open()
    for name, age in (("left", 8 * 86_400), ("lived-in", 86_400)):
        (tmp_path / "ranking" / name).mkdir()
        then = (tmp_path / "ranking").stat().st_mtime - age
        os.utime(tmp_path / "ranking" / name, (then, then))
    engine._shelf.lived_in()
    left = {folder.name for folder in (tmp_path / "ranking").iterdir()}
    assert "lived-in" in left
    assert "left" not in left
    assert len(left) == 2


async def test_readiness_and_metrics_tell_the_version(standing, given_there):
    await given_there.achievement(await given_there.university())
    await standing.engine.open()
    ready = (await standing.client.get("/readyz")).json()["index"]["achievement"]
    assert (ready["version"], ready["changes"], ready["records"]) == (1, 0, 1)
    assert ready["version_mark"] <= ready["high_water_mark"]
    counted = (await standing.client.get("/metrics")).text
    assert 'duijie_index_version{kind="achievement"} 1.0' in counted
    mark = next(line for line in counted.splitlines() if line.startswith('duijie_index_mark{kind="achievement"}'))
    assert float(mark.split()[1]) == ready["version_mark"]
