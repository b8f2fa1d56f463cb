"""查重评议: peers within some kilometres that have hours to spare, nearest first, and the uses behind their hours."""

import io

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from marketplace.money import duplicates
from schemas.duplicates import DuplicateFilter
from tests.given.labs import an_instrument, day, slot
from tests.given.money import used

YEAR = day(0).year
URL = "/api/v1/reports/duplicates"
# 长春人民广场, and so many kilometres to the north of it: a degree of latitude is 111.195 km.
HERE = {"longitude": 125.3245, "latitude": 43.8868, "datum": "wgs84"}
ASKED = {"class_code": "02", "year": YEAR}


def north(kilometres: float) -> dict:
    return HERE | {"latitude": round(HERE["latitude"] + kilometres / 111.195, 7)}


async def found(who, **wish) -> list[dict]:
    answer = await who.get(URL, params=ASKED | wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def named(rows) -> list[tuple]:
    return [(row["name"], row["by"], row["metres"] and round(row["metres"] / 100) / 10) for row in rows]


async def test_peers_with_hours_to_spare_speak_against_buying_another(session, given, manager, stranger):
    at = manager.organisation
    near = await an_instrument(session, at, name="十公里外", position=north(10), lab="力学室")
    await an_instrument(session, at, name="九十公里外", position=north(90))
    await an_instrument(session, at, name="地图上的十公里外", position=north(10) | {"datum": "gcj02"})
    await an_instrument(session, at, name="本省无坐标")
    await an_instrument(session, at, name="外省无坐标", region="440103")
    await an_instrument(session, at, name="别类的", class_code="01-01", position=north(1))
    await an_instrument(session, at, name="内部的", audience="own", position=north(1))
    busy = await an_instrument(session, at, name="满负荷的", position=north(2))
    # Before or after today, whichever is of the year.
    other = next(begin for begin in (day(31), day(-31)) if begin.year == day(0).year)
    for begin in (day(0), other):
        await used(manager, busy, 31 * 24 * 60, organisation_id=str(at.id), **slot(begin, 31 * 24))
    await used(manager, near, 90, organisation_id=str(stranger.organisation.id))

    rows = await found(stranger, **HERE, within_km=50)
    assert named(rows)[-1] == ("十公里外", "distance", 10.0)
    # What is 10 km away on a map is some hundred metres nearer or further on the ground.
    assert named(rows)[0][0] == "地图上的十公里外"
    assert len(rows) == 2
    assert 50 < abs(rows[0]["metres"] - 10_000) < 800
    both = named(await found(stranger, **HERE, within_km=100, region="220000"))
    assert both[2:] == [("九十公里外", "distance", 90.0), ("本省无坐标", "region", None)]
    assert {row["name"] for row in await found(stranger, region="220000")} == {name for name, *_ in both}
    page = (await stranger.get(URL, params=ASKED | HERE | {"within_km": 100, "limit": 2})).json()
    rest = await found(stranger, **HERE, within_km=100, limit=2, cursor=page["next_cursor"])
    assert [row["name"] for row in rest] == ["九十公里外"]

    [row] = [row for row in rows if row["name"] == "十公里外"]
    assert (row["usages"], row["effective_minutes"], row["spare_minutes"]) == (1, 90, 1200 * 60 - 90)
    behind = (await stranger.get(row["link"])).json()["items"]
    assert [one["effective_minutes"] for one in behind] == [90]
    assert str(stranger.organisation.id) not in str(behind)
    assert (await stranger.get(f"{URL}/{busy.id}/usages?year={YEAR}")).status_code == 200

    cleared = await manager.patch(f"/api/v1/instruments/{busy.id}", {"position": None}, version=1)
    assert (cleared.status_code, cleared.json()["position"]) == (200, None)

    answer = await stranger.get(f"{URL}.xlsx", params=ASKED | HERE | {"within_km": 50})
    [title, head, *told] = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert "2 used less than 1200 h" in title[0]
    assert dict(zip(head, told[-1], strict=True))["km"] == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(
    ("wish", "pointer", "code"),
    [
        pytest.param({}, "region", "place_missing", id="nowhere"),
        pytest.param({"longitude": 125.3, "latitude": 43.8}, "datum", "position_half", id="by which datum?"),
        pytest.param({"longitude": 43.8, "latitude": 125.3, "datum": "wgs84"}, "latitude", "degrees_out_of_range", id="swapped"),
        pytest.param({"region": "220000", "within_km": 0}, "within_km", "whole_number_out_of_range", id="no distance"),
        pytest.param({"longitude": "nan", "latitude": 1, "datum": "wgs84"}, "longitude", "degrees_out_of_range", id="nan"),
    ],
)  # fmt: skip
async def test_a_question_that_names_no_place_is_refused(stranger, wish, pointer, code):
    answer = await stranger.get(URL, params=ASKED | wish)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


async def test_the_box_is_looked_for_in_an_index(session):
    wish = DuplicateFilter.model_validate(ASKED | HERE | {"within_km": 50})
    near = duplicates._near(wish)
    statement = select(near.c.id)
    await session.execute(text("set local enable_seqscan = off"))
    # By itself: which index is better depends on how many there are.
    await session.execute(text("drop index instrument_facets_idx, instrument_harvest_idx, instrument_listed_idx"))
    compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    plan = "\n".join((await session.scalars(text(f"explain {compiled}".replace(":", "\\:")))).all())
    assert "instrument_near_idx" in plan
