"""The yearly sheet: every figure from the rows that its link lists."""

import io
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook

from schemas.identity import OrganisationKind, Role
from tests.given.labs import an_instrument, day
from tests.given.money import a_voucher, used

YEAR = day(0).year
URL = f"/api/v1/reports/open-sharing?year={YEAR}"


@pytest.fixture
async def year(session, given, manager, engineer, programme, instrument):
    """Two hours of the owner's own, an hour and a half of a firm in two uses, half an hour of another."""
    another = await given.organisation(kinds=(OrganisationKind.ENTERPRISE,), region="440100")
    await a_voucher(programme, engineer, "50.00")
    await used(manager, instrument, 120, organisation_id=str(manager.organisation.id))
    for minutes, whom in ((60, engineer.organisation), (30, engineer.organisation), (30, another)):
        await used(manager, instrument, minutes, organisation_id=str(whom.id))
    await an_instrument(session, manager.organisation, name="没有用过的")


async def items(who, url: str) -> list[dict]:
    answer = await who.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_hours_share_and_income_are_those_of_the_rows_behind_them(manager, instrument, year):
    rows = await items(manager, URL)
    [row] = [one for one in rows if one["id"] == str(instrument.id)]
    assert len(rows) == 2
    figures = [row[name] for name in ("usages", "effective_minutes", "external_minutes", "organisations_served")]
    assert figures == [4, 240, 120, 2]
    assert (row["share_rate"], row["of_general_quota"], row["of_special_quota"]) == ("0.5000", "0.0029", "0.0050")
    behind = await items(manager, row["usage_rows"])
    assert sum(one["effective_minutes"] for one in behind) == row["effective_minutes"]
    external = await items(manager, row["external_rows"])
    assert sum(one["effective_minutes"] for one in external) == row["external_minutes"]
    served = await items(manager, row["organisation_rows"])
    assert len(served) == row["organisations_served"]
    assert sum(one["effective_minutes"] for one in served) == row["external_minutes"]
    charges = await items(manager, row["charge_rows"])
    # 40 inside, 100 + 50 of the firm of the province, 75 + 30 for a run of the other.
    assert Decimal(row["income"]) == sum(Decimal(one["gross"]) for one in charges) == Decimal("295.00")
    assert row["external_income"] == "255.00"
    assert row["satisfaction"] is None


async def test_a_unit_is_the_sum_of_its_instruments(manager, year):
    for by in ("organisation", "lab"):
        [unit] = await items(manager, f"{URL}&by={by}")
        behind = await items(manager, unit["usage_rows"])
        assert unit["instruments"] == len(behind) == 2
        for name in ("usages", "effective_minutes", "external_minutes"):
            assert unit[name] == sum(one[name] for one in behind)
        assert (unit["organisations_served"], unit["of_general_quota"]) == (2, "0.0014")


async def test_the_return_is_one_row_an_instrument(manager, year):
    answer = await manager.get(f"/api/v1/reports/open-sharing.xlsx?year={YEAR}")
    [title, head, *rows] = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert title[0].startswith(str(YEAR))
    [told] = [dict(zip(head, row, strict=True)) for row in rows if row[11]]
    assert (told["年有效机时（小时）"], told["年对外服务机时（小时）"], told["共享率"]) == (4, 2, 0.5)
    assert told["服务收入（元）"] == 295


async def test_nobody_reports_on_the_labs_of_others(stranger, given, instrument, year):
    assert await items(stranger, URL) == []
    assert (await stranger.get(f"/api/v1/reports/open-sharing/{instrument.id}/usages?year={YEAR}")).status_code == 404
    auditor = await given.person(Role.AUDITOR)
    assert len(await items(auditor, URL)) >= 2


@pytest.mark.parametrize("wish", ["", "?year=1999", "?year=2026&by=year", "?year=2026&month=3"])
async def test_a_report_of_nothing_is_refused(wish, manager):
    assert (await manager.get(f"/api/v1/reports/open-sharing{wish}")).status_code == 422
