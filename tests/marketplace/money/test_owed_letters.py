"""Whoever was paid for a voucher is told what of it is owed back, once for each correction, and that it came."""

import pytest
from sqlalchemy import text

from schemas.identity import Role
from tests.given.letters import letters_to, run_what_waits
from tests.given.money import a_voucher, charge_of, used

ADJUST = "/api/v1/usages/{}/adjustments"


async def corrected(manager, usage: dict, minutes: int) -> None:
    asked = await manager.post(ADJUST.format(usage["id"]), {"run_minutes": minutes, "reason": "更正"})
    decided = await manager.post(f"{ADJUST.format(usage['id'])}/{asked.json()['id']}/decision", {"accept": True})
    assert decided.status_code == 200, decided.text


@pytest.fixture
def told(app, database, session):
    """Runs what waits, and answers subject and text of the letters that somebody has."""

    async def to(who) -> list[tuple[str, str]]:
        await run_what_waits("money.tell_owed", app, database, session)
        return [(one.subject, one.text or "") for one in await letters_to(session, who.email)]

    return to


@pytest.fixture
def paid(manager, engineer, programme, instrument):
    """An hour's use whose voucher bore 50 yuan that were paid out: the use, its charge, the claim."""

    async def make(settlement: str) -> tuple[dict, dict, str]:
        voucher = await a_voucher(programme, engineer, "150.00", settlement=settlement)
        usage = await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
        charge = await charge_of(engineer, usage)
        claimant = manager if settlement == "lab_redeems" else engineer
        claim = {"voucher_id": voucher["id"], "charge_id": charge["id"]}
        asked = (await claimant.post("/api/v1/redemptions", claim)).json()
        one = f"/api/v1/redemptions/{asked['id']}"
        assert (await programme.post(f"{one}/decision", {"pay": True})).status_code == 200
        return usage, charge, one

    return make


@pytest.mark.parametrize("settlement", ["lab_redeems", "firm_redeems"])
async def test_whoever_was_paid_is_told_once_of_each_correction_and_of_its_end(
    settlement, manager, engineer, programme, paid, told, given
):
    by_lab = settlement == "lab_redeems"
    debtor, other = (manager, engineer) if by_lab else (engineer, manager)
    # Who answers for the organisation is told, too; who only reads there is not.
    head = await given.person(Role.LAB_MANAGER if by_lab else Role.ORGANISATION_ADMIN, debtor.organisation)
    reader = await given.person(Role.VIEWER, debtor.organisation)
    usage, charge, one = await paid(settlement)
    assert await told(debtor) == []
    await corrected(manager, usage, 30)
    [(subject, said)] = await told(debtor)
    assert subject == "创新券须退回 25.00 元：万能试验机"
    assert "已兑付 50.00 元，现抵扣 25.00 元，须退回 25.00 元" in said
    assert said.endswith(f"/charges/{charge['id']}")
    assert [await told(who) for who in (other, programme, reader)] == [[], [], []]
    assert len(await told(head)) == 1
    # Two corrections in a row: the latest is told.
    await corrected(manager, usage, 15)
    await corrected(manager, usage, 45)
    assert [subject for subject, _ in await told(debtor)][1:] == ["创新券须退回 12.50 元：万能试验机"]
    assert (await programme.post(f"{one}/return", {})).status_code == 201
    assert [subject for subject, _ in await told(debtor)][2:] == ["创新券退款已收到：万能试验机"]
    assert len(await told(head)) == 3


async def test_what_is_corrected_back_is_told_to_whoever_was_told_of_it_and_to_nobody_else(
    manager, paid, told, session
):
    usage, _, _ = await paid("lab_redeems")
    await corrected(manager, usage, 30)
    await corrected(manager, usage, 60)
    assert await told(manager) == []
    await session.execute(text("update person set locale = 'en' where id = :id"), {"id": manager.id})
    await session.commit()
    await corrected(manager, usage, 30)
    await told(manager)
    await corrected(manager, usage, 60)
    (first, text_of_first), (second, _) = await told(manager)
    assert first == "25.00 yuan of a voucher are owed back: 万能试验机"
    assert "paid 50.00 yuan, borne now 25.00, owed back 25.00" in text_of_first
    assert second == "Nothing of a voucher is owed back any more: 万能试验机"


async def test_who_is_suspended_or_has_left_is_told_nothing(manager, paid, told, session, given):
    usage, _, _ = await paid("lab_redeems")
    gone, shut = [await given.person(Role.LAB_MANAGER, manager.organisation) for _ in range(2)]
    await session.execute(text("update membership set ended_at = now() where person_id = :id"), {"id": gone.id})
    await session.execute(text("update person set suspended_at = now() where id = :id"), {"id": shut.id})
    await session.commit()
    await corrected(manager, usage, 30)
    assert len(await told(manager)) == 1
    assert (await told(gone), await told(shut)) == ([], [])
