"""The map of use: every minute is in the hour that it belongs to, and every cell opens the uses behind it."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from marketplace.kernel.actor import Actor
from marketplace.kernel.clock import BEIJING
from marketplace.money import utilisation
from schemas.identity import Permission
from schemas.reports import MapFilter
from tests.given.money import used

# When, for how long it took, and how long of it was effective: within an hour, over some, over midnight, over the edges.
USES = [
    ("2026-03-02 09:10", 40, 40), ("2026-03-02 09:30", 95, 60), ("2026-03-03 23:30", 90, 90),
    ("2026-03-09 09:00", 60, 30), ("2026-03-01 20:00", 480, 480), ("2026-03-15 23:00", 120, 120),
    ("2026-02-20 00:00", 17 * 24 * 60, 1000), ("2026-04-01 09:00", 60, 60),
]  # fmt: skip
PERIOD = {"since": "2026-03-01", "until": "2026-03-15"}


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=BEIJING)


def by_hand() -> dict[tuple[date, int], Decimal]:
    """A minute at a time."""
    found: dict[tuple[date, int], Decimal] = defaultdict(Decimal)
    for written, length, effective in USES:
        for number in range(length):
            at = moment(written) + timedelta(minutes=number)
            if date(2026, 3, 1) <= at.date() <= date(2026, 3, 15):
                found[at.date(), at.hour] += Decimal(effective) / length
    return found


@pytest.fixture
async def busy(manager, engineer, instrument):
    for written, length, effective in USES:
        since = moment(written)
        until = since + timedelta(minutes=length)
        times = {"starts_at": since.isoformat(), "ends_at": until.isoformat()}
        await used(manager, instrument, effective, organisation_id=str(engineer.organisation.id), **times)
    return f"/api/v1/reports/utilisation/{instrument.id}"


async def told(who, url: str, **query: str) -> dict:
    answer = await who.get(url, params=PERIOD | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("by", ["weekday", "day"])
async def test_the_map_is_what_counting_minutes_by_hand_gives(by, manager, busy):
    found = await told(manager, busy, by=by)
    wanted: dict[object, Decimal] = defaultdict(Decimal)
    for (day, hour), minutes in by_hand().items():
        wanted[(day.isoweekday() if by == "weekday" else day.isoformat()), hour] += minutes
    there = {(cell["day"] or cell["weekday"], cell["hour"]): Decimal(cell["minutes"]) for cell in found["cells"]}
    assert there.keys() == wanted.keys()
    for key, minutes in wanted.items():
        assert abs(there[key] - minutes) <= Decimal("0.01"), key
    assert abs(Decimal(found["minutes"]) - sum(wanted.values())) <= Decimal("0.01")
    assert found["usages"] == 7
    nine = next(cell for cell in found["cells"] if cell["hour"] == 9 and (cell["day"] or "2026-03-02") == "2026-03-02"
                and cell["weekday"] == 1)  # fmt: skip
    days = 1 if by == "day" else 2
    assert Decimal(nine["share"]) == (wanted[nine["day"] or 1, 9] / (60 * days)).quantize(Decimal("0.0001"))


async def test_every_cell_opens_the_uses_behind_it(manager, engineer, busy):
    found = await told(manager, busy)
    for cell in found["cells"][::40]:
        answer = await manager.get(cell["rows"])
        assert len(answer.json()["items"]) == cell["usages"], cell
    assert (await engineer.get(busy, params=PERIOD)).status_code == 404
    for query in (PERIOD | {"until": "2026-02-01"}, {"since": "2020-01-01", "until": "2026-01-01"},
                  PERIOD | {"until": "2026-06-01", "by": "day"}):  # fmt: skip
        assert (await manager.get(busy, params=query)).status_code == 422
    both = await manager.get(f"{busy}/usages", params=PERIOD | {"hour": "9", "weekday": "1", "day": "2026-03-02"})
    assert both.json()["errors"][0]["pointer"] == "weekday"


async def test_a_map_is_one_statement_beside_who_may_see_it_and_finds_its_rows_by_an_index(
    manager, instrument, session, busy
):
    actor = Actor(person_id=manager.id, where={Permission.READ_OWN: frozenset({manager.organisation.id})})
    seen: list[str] = []
    engine = (await session.connection()).engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    await utilisation.of(session, actor, instrument.id, MapFilter.model_validate(PERIOD))
    assert len(seen) == 2, seen
    statement = utilisation.counted(instrument.id, MapFilter.model_validate(PERIOD))
    await session.execute(text("set local enable_seqscan = off"))
    compiled = statement.compile(session.bind, compile_kwargs={"literal_binds": False})
    raw = await (await session.connection()).get_raw_connection()
    params = [compiled.params[name] for name in compiled.positiontup or ()]
    plan = await raw.driver_connection.fetch(f"explain {compiled.string}", *params)
    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan on usage" not in told
    assert "instrument_id = " in told.partition("Index Cond:")[2].split("\n")[0]
