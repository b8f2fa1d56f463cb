"""Letters about records: what a review decided, who asks for a confidential part, who was let in. Each is told once."""

import json

import pytest
from sqlalchemy import func, select, text, update

from marketplace.identity.models import Person
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from marketplace.listings import notices
from marketplace.wiring import JOBS
from schemas.identity import Role
from tests.given.confidential import NDA, SECRET
from tests.given.letters import letters_to
from tests.given.people import Given


@pytest.fixture
def posted(settings, database, session):
    """The jobs that the facts woke, in their order, each of them twice: at least once is what a queue promises."""

    async def run() -> int:
        before = await session.scalar(select(func.count()).select_from(Letter))
        waiting = (await session.execute(text("select entrypoint, payload from pgqueuer order by id"))).all()
        for name, payload in waiting:
            if name.startswith("listings.tell"):
                for _ in range(2):
                    await JOBS[name](Place(database, settings), json.loads(payload))
        await session.execute(text("delete from pgqueuer"))
        await session.commit()
        return await session.scalar(select(func.count()).select_from(Letter)) - before

    return run


@pytest.fixture
async def english(given, owner, session):
    """The owner's administrator, who reads English."""
    somebody = await given.person(Role.ORGANISATION_ADMIN, owner.organisation)
    await session.execute(update(Person).where(Person.id == somebody.id).values(locale="en"))
    await session.commit()
    return somebody


async def test_owners_are_told_what_a_review_decided_and_why(kind, reviewing, session, posted):
    given = Given(session, reviewing)
    owner, admin = await given.university(), await given.admin()
    made = await kind.draft(owner, title="甲 · 乙 {note} %s")
    await owner.post(kind.at(made, "publication"))
    assert await posted() == 0
    for approve, note in ((False, "请补充指标 · {title}"), (True, None)):
        version = (await owner.get(kind.at(made))).json()["version"]
        wish = {"approve": approve, "note": note}
        out = await admin.post(kind.at(made, "review"), wish, headers={"If-Match": f'"{version}"'})
        assert out.status_code == 200
        assert await posted() == 1
        await owner.post(kind.at(made, "publication"))
    back, through = await letters_to(session, owner.email)
    assert back.subject == "审核退回：甲 · 乙 {note} %s"
    page = f"http://127.0.0.1:8000/{kind.plural}/{made['id']}"
    assert back.text == f"审核退回\n甲 · 乙 {{note}} %s\n意见：请补充指标 · {{title}}\n请修改后再次提交。\n{page}"
    assert through.text == f"审核通过，已发布\n甲 · 乙 {{note}} %s\n{page}"
    assert await letters_to(session, admin.email) == []


async def test_what_its_owner_publishes_without_review_is_no_news_to_them(kind, owner, posted):
    await kind.published(owner)
    assert await posted() == 0


async def test_owners_are_told_who_asks_and_the_asker_what_they_answer(kind, owner, english, stranger, session, posted):
    made = await kind.with_secret(owner, SECRET, NDA, title="公开的题目")
    asked = await stranger.post(kind.at(made, "admission-requests"), {"message": "附言：绝密"})
    assert await posted() == 2
    [to_owner], [to_english] = await letters_to(session, owner.email), await letters_to(session, english.email)
    assert to_owner.subject == "有人申请查看保密内容：公开的题目"
    assert to_english.subject == "Somebody asks to read a confidential part：公开的题目"
    assert stranger.email in to_owner.text
    assert f"/desk/{kind.plural}/{made['id']}/readers" in to_owner.text
    assert (await owner.get(f"/desk/{kind.plural}/{made['id']}/readers")).status_code == 200
    decided = await owner.post(
        kind.at(made, "readers", asked.json()["id"], "decision"), {"admit": False, "note": "内部意见"}
    )
    assert decided.status_code == 200, decided.text
    assert await posted() == 1
    admitted = await owner.post(kind.at(made, "readers"), {"email": stranger.email})
    assert admitted.json()["state"] == "admitted"
    assert await posted() == 1
    refused, let_in = await letters_to(session, stranger.email)
    assert refused.subject == "查看保密内容的申请未获准"
    assert let_in.text == (
        "您已获准查看保密内容\n公开的题目\n请用此邮箱登录后查看；还没有账号的，先用此邮箱注册。\n"
        f"http://127.0.0.1:8000/{kind.plural}/{made['id']}"
    )
    every = "".join(f"{letter.subject}{letter.text}" for letter in await session.scalars(select(Letter)))
    for secret in ("绝密", "内部意见", *SECRET.split("\n"), *NDA.split("\n")):
        assert secret.strip() not in every


async def test_somebody_without_an_account_is_told_in_both_languages(kind, owner, session, posted):
    made = await kind.with_secret(owner)
    await owner.post(kind.at(made, "readers"), {"email": "nobody@test.example"})
    assert await posted() == 1
    [letter] = await letters_to(session, "nobody@test.example")
    assert letter.subject == "您已获准查看保密内容 · You were admitted to a confidential part"
    assert "先用此邮箱注册" in letter.text
    assert "register with this address" in letter.text


async def test_a_record_that_is_not_public_is_not_named(kind, owner, stranger, session, posted):
    made = await kind.draft(owner, title="尚未公开的题目")
    await owner.post(kind.at(made, "readers"), {"email": stranger.email})
    await posted()
    [letter] = await letters_to(session, stranger.email)
    assert "尚未公开的题目" not in letter.subject + letter.text
    assert "公开后可以查看" in letter.text


async def test_one_address_is_not_flooded_and_a_shut_account_not_written_to(
    kind, owner, given, stranger, session, posted
):
    made = [await kind.published(owner) for _ in range(notices.ANSWERS + 2)]
    for one in made:
        await owner.post(kind.at(one, "readers"), {"email": stranger.email})
    # Each job ran twice, and counted twice.
    assert await posted() == notices.ANSWERS // 2
    shut = await given.person(suspended=True)
    await owner.post(kind.at(made[0], "readers"), {"email": shut.email})
    assert await posted() == 0
