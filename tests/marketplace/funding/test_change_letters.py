"""Whoever keeps an eye on a call is told, once and of all of it together, when what matters to them has changed."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Select, select, text, update
from sqlalchemy.exc import DBAPIError

from marketplace.funding.models import FundingBookmark, FundingCall
from marketplace.identity.models import Person
from marketplace.kernel import clock, mail
from marketplace.kernel.jobs import Place
from marketplace.wiring import JOBS
from schemas.funding import FundingState
from schemas.identity import OrganisationKind, Role
from tests.given.docking import written
from tests.given.funding import CALLS, a_call
from tests.given.labs import day
from tests.given.letters import letters_to, run_what_waits

FOLDED = timedelta(minutes=16)
TELL = "funding.tell_changes"


@pytest.fixture
def strike(database, settings):
    """The clock strikes twice, a while later: calls are closed, and letters of changes written."""

    async def struck(after: timedelta = FOLDED):
        with clock.ahead(after):
            for job in ("funding.keep_time", TELL) * 2:
                await JOBS[job](Place(database, settings), {})

    return struck


async def a_kept_call(session, desk, *readers, **fields):
    """A call on which these keep an eye; its address."""
    call = await a_call(session, desk.organisation, **fields)
    at = f"{CALLS}/{call.id}"
    for reader in readers:
        answer = await reader.put(f"{at}/bookmark", {})
        assert (answer.status_code, answer.json()["changes"]) == (200, True), "they come unless switched off"
    return at


async def edit(desk, at, **fields):
    version = (await desk.get(at)).json()["version"]
    answer = await desk.patch(at, fields, version=version)
    assert answer.status_code == 200, answer.text


async def step(desk, at, name):
    answer = await desk.post(f"{at}/{name}")
    assert answer.status_code == 200, answer.text


async def reads(session, who, locale):
    await session.execute(update(Person).where(Person.id == who.id).values(locale=locale))
    await session.commit()


async def test_another_deadline_and_opening_day_are_told_in_beijing_time(session, desk, firm, university, strike):
    at = await a_kept_call(
        session, desk, firm, opens_at=day(5, 9), closes_at=day(9, 12), title_en="Longer life for dies"
    )
    await strike(timedelta(minutes=1))
    await edit(desk, at, opens_at=written(day(6, 10)), closes_at=written(day(20)))
    await strike(timedelta(minutes=14))
    assert await letters_to(session, firm.email) == [], "it waits for what else is changed"
    await strike()
    (letter,) = await letters_to(session, firm.email)
    assert letter.subject == "您收藏的资金有修改：锻造模具延寿技术资助"
    midnight = day(20).astimezone(clock.BEIJING) - timedelta(days=1)
    assert f"- 开始受理（北京时间）：{day(5):%Y-%m-%d} 09:00 → {day(6):%Y-%m-%d} 10:00" in letter.text
    assert f"- 截止（北京时间）：{day(9):%Y-%m-%d} 12:00 → {midnight:%Y-%m-%d} 24:00" in letter.text
    assert desk.organisation.name in letter.text
    link = f"http://127.0.0.1:8000/funding/{at.rsplit('/', 1)[1]}"
    assert letter.text.splitlines()[-3:] == [link, "", f"不想再收到修改通知，或取消收藏：{link}/bookmark"]
    await strike()
    assert len(await letters_to(session, firm.email)) == 1
    assert await letters_to(session, university.email) == [], "who keeps no eye on it"
    await reads(session, firm, "en")
    await edit(desk, at, closes_at=None)
    await strike()
    letter = (await letters_to(session, firm.email))[-1]
    assert letter.subject == "Another deadline: Longer life for dies"
    assert f"- Closes (Beijing time): {midnight:%Y-%m-%d} 24:00 → all year round" in letter.text
    assert f"To stop letters about changes, or to keep an eye on it no longer: {link}/bookmark" in letter.text
    assert not any("一" <= sign <= "鿿" for sign in letter.text.replace(desk.organisation.name, "")), letter.text


async def test_rules_amounts_and_how_to_apply_are_named_with_what_they_said(session, desk, firm, university, strike):
    at = await a_kept_call(
        session, desk, firm, university, amount_low="100000.00", amount_high="500000.50", documents=["申报书"],
        title_en="Longer life for dies", eligibility={"applicant_kinds": ["enterprise"], "trl_from": 4},
    )  # fmt: skip
    await reads(session, university, "en")
    long = "第一步。" * 100
    await edit(
        desk, at, amount_low=None, amount_high="800000.00", total_amount="3000000.00", how_to_apply=long,
        apply_url="https://apply.example/7", documents=["申报书", "承诺书"],
        eligibility={"applicant_kinds": ["enterprise", "university"], "trl_from": 5, "verified": True, "own_share": 30},
    )  # fmt: skip
    await strike()
    (letter,) = await letters_to(session, firm.email)
    for line in (
        "- 每个项目：100,000–500,000.50 元 → 至多 800,000 元",
        "- 总额：未写明 → 3,000,000 元",
        "- 申报条件“申报单位类型”：企业 → 企业、高校",
        "- 申报条件“技术就绪度”：不低于 4 级 → 不低于 5 级",
        "- 申报条件“单位认证”：无要求 → 申报单位须通过平台认证",
        "- 申报条件“自筹比例”：无要求 → 不低于 30%",
        "- 怎样申报：已修改，请看网页",
        "- 申报网址：未写明 → https://apply.example/7",
        "- 申报材料：申报书 → 申报书、承诺书",
    ):
        assert line in letter.text.splitlines(), (line, letter.text)
    assert "第一步" not in letter.text
    assert "截止" not in letter.text, "what was not changed is not spoken of"
    (english,) = await letters_to(session, university.email)
    assert english.subject == "Changed: Longer life for dies"
    for line in (
        "- For one project: CNY 100,000–500,000.50 → up to CNY 800,000",
        "- Who may apply, “readiness (TRL)”: level 4 or above → level 5 or above",
        "- How to apply: changed; please read it on the page",
    ):
        assert line in english.text.splitlines(), (line, english.text)


async def test_several_edits_are_one_letter_and_one_that_is_undone_is_none(session, desk, firm, strike):
    first, between, last = day(9, 12), day(12, 12), day(15, 12)
    at = await a_kept_call(session, desk, firm, closes_at=first, amount_high="100.00")
    other = await a_kept_call(session, desk, firm, closes_at=first, title="没有变化")
    await strike(timedelta(0))
    await edit(desk, at, closes_at=written(between))
    await edit(desk, other, closes_at=written(between), apply_url="https://apply.example/7")
    await step(desk, other, "withdrawal")
    with clock.ahead(timedelta(minutes=10)):
        await edit(desk, at, closes_at=written(last), amount_high="200.00")
        await edit(desk, at, amount_high="100.00", title="改了名称")
        await edit(desk, other, closes_at=written(first), apply_url=None)
        await step(desk, other, "publication")
    await strike(timedelta(minutes=14))
    assert await letters_to(session, firm.email) == []
    await strike()
    (letter,) = await letters_to(session, firm.email)
    assert letter.subject == "截止时间有变：改了名称"
    assert f"{first:%Y-%m-%d} 12:00 → {last:%Y-%m-%d} 12:00" in letter.text
    assert f"{between:%Y-%m-%d}" not in letter.text, "the outcome alone"
    assert "每个项目" not in letter.text
    await edit(desk, at, summary="只改了简介", keywords=["模具"])
    await strike()
    assert len(await letters_to(session, firm.email)) == 1, "that does not matter to who applies"


async def test_closed_early_then_offered_again(session, desk, firm, strike):
    at = await a_kept_call(session, desk, firm, closes_at=day(9, 12))
    await step(desk, at, "closing")
    await strike()
    (closed,) = await letters_to(session, firm.email)
    assert closed.subject == "您收藏的资金提前截止：锻造模具延寿技术资助"
    await edit(desk, at, closes_at=written(day(15, 12)))
    await strike()
    assert len(await letters_to(session, firm.email)) == 1, "nobody can apply to it: nothing is told"
    await step(desk, at, "publication")
    await strike()
    _, again = await letters_to(session, firm.email)
    assert again.subject == "重新开放：锻造模具延寿技术资助"
    assert f"{day(9):%Y-%m-%d} 12:00 → {day(15):%Y-%m-%d} 12:00" in again.text


async def test_a_deadline_that_passes_is_no_news_and_its_extension_is(session, desk, firm, strike):
    first, later = day(2, 12), day(9, 12)
    at = await a_kept_call(session, desk, firm, closes_at=first)
    await strike(timedelta(days=3))
    assert (await desk.get(at)).json()["state"] == "closed"
    assert await letters_to(session, firm.email) == []
    with clock.ahead(timedelta(days=3)):
        await edit(desk, at, closes_at=written(later))
        await step(desk, at, "publication")
    await strike(timedelta(days=3, minutes=16))
    (letter,) = await letters_to(session, firm.email)
    assert letter.subject.startswith("重新开放：")
    assert f"{first:%Y-%m-%d} 12:00 → {later:%Y-%m-%d} 12:00" in letter.text


async def test_a_deadline_put_so_near_that_it_passes_before_the_letter_is_told(session, desk, firm, strike):
    near = (clock.now() + timedelta(minutes=5)).replace(microsecond=0)
    at = await a_kept_call(session, desk, firm, closes_at=day(9, 12))
    await edit(desk, at, closes_at=written(near), amount_high="100.00")
    await strike()
    assert (await desk.get(at)).json()["state"] == "closed"
    (letter,) = await letters_to(session, firm.email)
    assert letter.subject.startswith("截止时间有变：")
    assert f"{day(9):%Y-%m-%d} 12:00 → {near.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}" in letter.text
    assert "每个项目" not in letter.text, "of what is over the rest matters to nobody"


async def test_a_call_announced_before_opens(session, desk, firm, university, strike):
    at = await a_kept_call(session, desk, firm, opens_at=day(3, 9), closes_at=day(9, 12))
    await strike(timedelta(days=1))
    assert await letters_to(session, firm.email) == []
    await edit(desk, at, opens_at=written(day(5, 9)))
    await strike()
    assert len(await letters_to(session, firm.email)) == 1
    await strike(day(4) - clock.now())
    assert len(await letters_to(session, firm.email)) == 1, "the day it would have opened passes"
    with clock.ahead(day(5, 9) - clock.now() + timedelta(minutes=1)):
        assert (await university.put(f"{at}/bookmark", {})).status_code == 200
    await strike(day(5, 9) - clock.now() + timedelta(minutes=2))
    _, letter = await letters_to(session, firm.email)
    assert letter.subject == "开始受理：锻造模具延寿技术资助"
    assert "→" not in letter.text
    assert await letters_to(session, university.email) == [], "who began once it was open knows"


async def test_what_is_offered_again_before_it_opens_says_when_it_does(session, desk, firm, strike):
    at = await a_kept_call(session, desk, firm, opens_at=day(5, 9), closes_at=day(9, 12))
    await step(desk, at, "closing")
    await strike()
    await step(desk, at, "publication")
    await strike()
    *_, letter = await letters_to(session, firm.email)
    assert letter.subject.startswith("重新开放：")
    assert f"{day(5):%Y-%m-%d} 09:00（北京时间）开始受理。" in letter.text


async def test_of_a_call_that_is_hidden_nothing_else_is_told(session, desk, firm, strike):
    at = await a_kept_call(session, desk, firm, closes_at=day(9, 12), title="旧名称", title_en="The old name")
    await edit(desk, at, title="新名称", title_en="The new name", closes_at=written(day(15, 12)), amount_high="7777.00")
    await step(desk, at, "withdrawal")
    await strike()
    (gone,) = await letters_to(session, firm.email)
    assert gone.subject == "您收藏的资金不再提供：旧名称"
    for secret in ("新名称", desk.organisation.name, f"{day(15):%Y-%m-%d}", "7,777"):
        assert secret not in gone.text
    assert "不再提供" in gone.text
    await edit(desk, at, amount_high="8888.00")
    await strike()
    assert len(await letters_to(session, firm.email)) == 1
    await reads(session, firm, "en")
    await step(desk, at, "publication")
    await strike()
    _, again = await letters_to(session, firm.email)
    assert again.subject == "Offered again: The new name"
    assert "not said → up to CNY 8,888" in again.text
    await step(desk, at, "withdrawal")
    await strike()
    assert (await firm.put(f"{at}/bookmark", {})).status_code == 404
    assert (await firm.delete(f"{at}/bookmark")).status_code == 204, "one's own bookmark can be dropped all the same"
    assert (await firm.delete(f"{at}/bookmark")).status_code == 404
    await step(desk, at, "publication")
    await strike()
    assert len(await letters_to(session, firm.email)) == 3


async def test_an_organisation_that_is_suspended_offers_nothing_more(session, desk, firm, given, app, database, strike):
    admin = await given.admin()
    at = await a_kept_call(session, desk, firm)
    closed = await a_kept_call(session, desk, firm, state=FundingState.CLOSED)
    of = f"/api/v1/organisations/{desk.organisation.id}"
    told = []
    for decision in ("suspend", "reinstate"):
        answer = await admin.post(f"{of}/verification/decisions", {"decision": decision, "reason": "核查"})
        assert answer.status_code == 200, answer.text
        await run_what_waits("funding.organisation_changed", app, database, session)
        await strike()
        told.append((await letters_to(session, firm.email))[-1])
    gone, again = told
    assert len(await letters_to(session, firm.email)) == 2, "of what was closed nothing is told"
    assert gone.subject.startswith("您收藏的资金不再提供：")
    assert desk.organisation.name not in gone.text
    assert again.subject.startswith("重新开放：")
    assert at.rsplit("/", 1)[1] in again.text
    assert closed.rsplit("/", 1)[1] not in again.text


async def test_a_name_that_has_to_be_verified_anew_hides_its_calls(session, desk, firm, given, app, database, strike):
    boss = await given.person(Role.ORGANISATION_ADMIN, desk.organisation)
    await a_kept_call(session, desk, firm)
    of = f"/api/v1/organisations/{desk.organisation.id}"
    renamed = await boss.patch(of, {"name": "另一个名称"}, version=1)
    assert renamed.status_code == 200, renamed.text
    await run_what_waits("funding.organisation_changed", app, database, session)
    await strike()
    (gone,) = await letters_to(session, firm.email)
    assert gone.subject.startswith("您收藏的资金不再提供：")


async def test_one_s_own_draft_that_is_published_is_not_offered_again(session, desk, strike):
    at = await a_kept_call(session, desk, desk, state=FundingState.DRAFT)
    await step(desk, at, "publication")
    await strike()
    assert await letters_to(session, desk.email) == []
    await step(desk, at, "closing")
    await strike()
    assert len(await letters_to(session, desk.email)) == 1, "from then on its own people are told like others"


async def test_letters_of_changes_are_switched_off_apart(session, desk, firm, university, strike, database, settings):
    at = await a_kept_call(session, desk, firm, university, closes_at=day(9, 12))
    off = await firm.put(f"{at}/bookmark", {"days_before": 3, "changes": False})
    assert (off.json()["changes"], off.json()["days_before"]) == (False, 3)
    old = await firm.put(f"{at}/bookmark", {"days_before": 4})
    assert (old.json()["changes"], old.json()["days_before"]) == (False, 4), "who does not know of it changes nothing"
    assert (await firm.put(f"{at}/bookmark", {"changes": "no"})).status_code == 422
    await edit(desk, at, closes_at=written(day(12, 12)))
    on = await firm.put(f"{at}/bookmark", {"days_before": 4, "changes": True})
    assert on.json()["changes"] is True
    await strike()
    assert await letters_to(session, firm.email) == [], "what changed while they were off is not told later"
    assert len(await letters_to(session, university.email)) == 1
    await firm.put(f"{at}/bookmark", {"changes": False})
    await edit(desk, at, closes_at=written(day(15, 12)))
    await strike()
    assert await letters_to(session, firm.email) == []
    with clock.ahead(timedelta(days=9)):
        await JOBS["funding.remind"](Place(database, settings), {})
    (reminder,) = await letters_to(session, firm.email)
    assert reminder.subject.startswith("申报提醒："), "the letter before the deadline comes all the same"


async def test_keeping_it_again_loses_no_news(session, desk, firm, strike):
    at = await a_kept_call(session, desk, firm, closes_at=day(9, 12))
    await edit(desk, at, closes_at=written(day(12, 12)))
    await firm.put(f"{at}/bookmark", {"days_before": 5})
    await strike()
    assert len(await letters_to(session, firm.email)) == 1


async def test_who_begins_later_knows_already_and_who_cannot_be_reached_is_not_written_to(
    session, desk, firm, university, given, strike
):
    shut, unconfirmed = await given.enterprise(), await given.enterprise()
    at = await a_kept_call(session, desk, shut, unconfirmed, university, closes_at=day(9, 12))
    await edit(desk, at, closes_at=written(day(12, 12)))
    await firm.put(f"{at}/bookmark", {})
    await session.execute(update(Person).where(Person.id == shut.id).values(suspended_at=clock.now()))
    await session.execute(update(Person).where(Person.id == unconfirmed.id).values(confirmed_at=None))
    await session.commit()
    await strike()
    written_to = [len(await letters_to(session, who.email)) for who in (firm, shut, unconfirmed, university)]
    assert written_to == [0, 0, 0, 1]
    await session.execute(update(Person).where(Person.id == shut.id).values(suspended_at=None))
    await session.commit()
    await strike()
    assert await letters_to(session, shut.email) == [], "nothing is told long after"


async def test_bookmarks_older_than_these_letters_begin_with_what_is_said_today(session, desk, firm, strike):
    at = await a_kept_call(session, desk, firm, closes_at=day(9, 12))
    # As the migration leaves them.
    await session.execute(update(FundingBookmark).values(known=None))
    await session.execute(update(FundingCall).values(tell_at=clock.now()))
    await session.commit()
    await strike(timedelta(0))
    assert await letters_to(session, firm.email) == []
    await edit(desk, at, closes_at=written(day(12, 12)))
    await strike()
    assert len(await letters_to(session, firm.email)) == 1


async def test_many_are_told_in_portions_each_once(session, desk, given, strike, monkeypatch):
    readers = [await given.enterprise() for _ in range(5)]
    at = await a_kept_call(session, desk, *readers, closes_at=day(9, 12))
    await edit(desk, at, closes_at=written(day(12, 12)))
    portions = []
    from marketplace.funding import bookmarks

    whole = bookmarks.tell_changes

    async def in_twos(session, now, public_url):
        portions.append(now)
        return await whole(session, now, public_url, at_most=2)

    monkeypatch.setattr(bookmarks, "tell_changes", in_twos)
    await strike()
    assert len(portions) >= 4
    assert [len(await letters_to(session, reader.email)) for reader in readers] == [1] * 5


async def test_what_is_changed_while_it_is_told_waits_again(session, desk, firm, strike):
    """The first edit was told of: the next one gathers a quarter of an hour again, and so on."""
    first, between, last = day(9, 12), day(12, 12), day(15, 12)
    at = await a_kept_call(session, desk, firm, closes_at=first)
    await edit(desk, at, closes_at=written(between))
    with clock.ahead(timedelta(minutes=20)):
        # No worker looked in the meantime.
        await edit(desk, at, closes_at=written(last))
    await strike(timedelta(minutes=21))
    assert await letters_to(session, firm.email) == []
    await strike(timedelta(minutes=36))
    (letter,) = await letters_to(session, firm.email)
    assert f"{first:%Y-%m-%d} 12:00 → {last:%Y-%m-%d} 12:00" in letter.text


async def a_change_that_is_due(real):
    """On connections that really commit: an edit whose while is over, and who is to be told."""
    desk = await real.given.editor(kinds=(OrganisationKind.GOVERNMENT_DESK,))
    firm = await real.given.enterprise()
    at = await a_kept_call(real.given.session, desk, firm, closes_at=day(9, 12))
    await edit(desk, at, closes_at=written(day(12, 12)))
    return firm


async def two_workers(real, monkeypatch):
    """Two at once: whoever comes to write the letter waits until the other comes there too, or has ended."""
    meet, honest, there = asyncio.Event(), mail.post, []

    async def post(session, **letter):
        there.append(letter["to"])
        if len(there) == 2:
            meet.set()
        await meet.wait()
        return await honest(session, **letter)

    async def worker():
        await JOBS[TELL](Place(real.database, real.app.state.settings), {})
        meet.set()

    with monkeypatch.context() as patch, clock.ahead(FOLDED):
        patch.setattr(mail, "post", post)
        await asyncio.gather(worker(), worker())


async def test_of_two_workers_at_once_one_writes(real, monkeypatch):
    firm = await a_change_that_is_due(real)
    await two_workers(real, monkeypatch)
    assert len(await letters_to(real.given.session, firm.email)) == 1


async def test_without_the_lock_both_write(real, monkeypatch):
    """The naive twin: what keeps the second worker away is the lock."""
    firm = await a_change_that_is_due(real)
    with monkeypatch.context() as patch:
        patch.setattr(Select, "with_for_update", lambda self, **_: self)
        await two_workers(real, monkeypatch)
    assert len(await letters_to(real.given.session, firm.email)) == 2


async def test_a_worker_that_is_killed_after_the_letter_leaves_none_and_the_next_writes_it(real, monkeypatch):
    firm = await a_change_that_is_due(real)
    session, honest, place = real.given.session, mail.post, Place(real.database, real.app.state.settings)

    async def post_and_die(session, **letter):
        await honest(session, **letter)
        await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    with clock.ahead(FOLDED):
        with monkeypatch.context() as patch:
            patch.setattr(mail, "post", post_and_die)
            with pytest.raises(DBAPIError):
                await JOBS[TELL](place, {})
        assert await letters_to(session, firm.email) == []
        for _ in range(2):
            await JOBS[TELL](place, {})
    assert len(await letters_to(session, firm.email)) == 1
    kept = await session.scalars(select(FundingBookmark).where(FundingBookmark.person_id == firm.id))
    assert kept.one().known["closes_at"].startswith(f"{day(12):%Y-%m-%d}")
