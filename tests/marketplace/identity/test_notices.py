"""Letters about a verification: each decision is told once, with its reason, to those who administer the organisation."""

import json
from uuid import UUID

from sqlalchemy import text, update

from marketplace.identity.models import Organisation, Person
from marketplace.kernel.jobs import Place
from marketplace.wiring import JOBS
from schemas.identity import Role
from tests.given.letters import letters_to
from tests.given.people import a_uscc

URL = "/api/v1/organisations"


async def told(app, database, session, somebody):
    """The letters that decisions caused, their jobs run twice each: at least once is what a queue promises."""
    waiting = await session.execute(
        text("select payload from pgqueuer where entrypoint = 'identity.tell_verification' order by id")
    )
    for payload in waiting.scalars().all():
        for _ in range(2):
            await JOBS["identity.tell_verification"](Place(database, app.state.settings), json.loads(payload))
    return await letters_to(session, somebody.email)


async def test_administrators_are_told_each_decision_once_with_its_reason(app, database, session, given):
    anna, admin = await given.person(), await given.admin()
    wish = {"uscc": a_uscc(), "name": "吉林某研究所 · {name}", "kinds": ["institute"], "region": "220100"}
    ours = (await anna.post(URL, wish)).json()
    english = await given.person(Role.ORGANISATION_ADMIN, await session.get_one(Organisation, UUID(ours["id"])))
    editor = await given.person(Role.EDITOR, english.organisation)
    await session.execute(update(Person).where(Person.id == english.id).values(locale="en"))
    await session.commit()
    await anna.post(f"{URL}/{ours['id']}/verification", {"evidence": "机密的材料"})
    for decision in ("refuse", "verify", "suspend", "reinstate"):
        body = {"decision": decision, "reason": "理由 · {name} %s"}
        done = await admin.post(f"{URL}/{ours['id']}/verification/decisions", body)
        if decision == "refuse":
            await anna.post(f"{URL}/{ours['id']}/verification", {"evidence": "机密的材料"})
        assert done.status_code == 200, done.text
    letters = await told(app, database, session, anna)
    subjects = ["认证申请被退回", "单位已通过认证", "单位的认证已暂停", "单位的认证已恢复"]
    assert [letter.subject for letter in letters] == [f"{subject}：{ours['name']}" for subject in subjects]
    assert all("理由：理由 · {name} %s\n" in letter.text for letter in letters)
    assert all(letter.text.endswith(f"/organisations/{ours['id']}") for letter in letters)
    assert not any("机密的材料" in letter.text for letter in letters)
    in_english = [letter.text for letter in await told(app, database, session, english)]
    assert len(in_english) == 4
    assert all("Reason: 理由 · {name} %s\n" in said for said in in_english)
    assert await told(app, database, session, editor) == []
