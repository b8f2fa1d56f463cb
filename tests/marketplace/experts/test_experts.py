"""A profile from its first line to its last, over HTTP: shown with consent alone, gone when that is taken back."""

import csv
import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from marketplace.experts import jobs
from marketplace.experts.models import Expert
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from schemas.identity import OrganisationKind, Verification
from tests.given.experts import ENOUGH, EVERY_FIELD_OF_AN_EXPERT, EVIDENCE, URL, drafted, published

CONSENT = {"evidence": EVIDENCE}


async def ids(who, **query) -> list[str]:
    answer = await who.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_what_is_written_is_read_back(given, owner, client):
    achievement = await given.achievement(owner)
    wish = EVERY_FIELD_OF_AN_EXPERT | {"achievement_ids": [achievement["id"]]}
    made = await drafted(owner, **wish)
    read = await owner.get(f"{URL}/{made['id']}")
    assert {name: read.json()[name] for name in wish} == wish
    assert read.headers["etag"] == '"1"'
    assert read.json()["state"] == "draft"
    plain = await drafted(owner)
    told = (await owner.get(f"{URL}/{plain['id']}")).json()
    assert [told[name] for name in ("keywords", "services", "achievement_ids", "homepage", "talks")] == [
        [], [], [], None, None
    ]  # fmt: skip


async def test_a_draft_is_its_organisations_alone(owner, stranger, client):
    made = await drafted(owner)
    at = f"{URL}/{made['id']}"
    assert [(await who.get(at)).status_code for who in (owner, stranger, client)] == [200, 404, 404]
    assert await ids(owner, mine="true") == [made["id"]]
    assert await ids(stranger, state="draft") == []
    for step in ("publication", "withdrawal", "confirmation"):
        assert (await stranger.post(f"{at}/{step}")).status_code == 404
    assert (await stranger.delete(at)).status_code == 404


async def test_what_one_person_agreed_to_never_shows_another(owner, client):
    made = await published(owner)
    at = f"{URL}/{made['id']}"
    refused = await owner.patch(at, {"name": "虚构乙", "focus": "别的"}, version=made["version"])
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/agreed-by-name")
    shown = (await client.get(at)).json()
    assert (shown["name"], shown["focus"]) == (made["name"], made["focus"]), "all of it or nothing"
    same = await owner.patch(at, {"name": made["name"], "focus": "固态电解质薄膜"}, version=made["version"])
    assert same.status_code == 200, same.text
    assert (await owner.delete(f"{at}/consent")).status_code == 200
    version = (await owner.get(at)).json()["version"]
    renamed = (await owner.patch(at, {"name": "虚构乙"}, version=version)).json()
    assert (renamed["name"], renamed["state"], renamed["consent"]) == ("虚构乙", "withdrawn", None)
    assert (await owner.post(f"{at}/publication")).json()["type"] == "/problems/no-consent"


async def test_nobody_is_published_without_their_consent(owner, client, session):
    made = await drafted(owner)
    at = f"{URL}/{made['id']}"
    refused = await owner.post(f"{at}/publication")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-consent")
    given = await owner.post(f"{at}/consent", CONSENT)
    assert given.json()["consent"]["evidence"] == EVIDENCE
    assert given.json()["consent"]["recorded_by"] == str(owner.id)
    assert (await owner.post(f"{at}/publication")).json()["state"] == "published"
    seen = (await client.get(at)).json()
    assert (seen["consented"], seen["consent"]) == (True, None), "how it was given is the owner's to see"
    # Whatever a program does, the table keeps the promise.
    with pytest.raises(IntegrityError, match="expert_shown_with_consent_check"):
        async with session.begin_nested():
            await session.execute(update(Expert).values(consented_at=None, consented_by=None, consent_evidence=None))


async def test_saying_it_again_changes_nothing(owner):
    made = await published(owner)
    at = f"{URL}/{made['id']}"
    for step, body in (("consent", CONSENT), ("publication", None)):
        assert (await owner.post(f"{at}/{step}", body)).json()["version"] == made["version"]
    gone = (await owner.post(f"{at}/withdrawal")).json()
    assert gone["state"] == "withdrawn"
    assert (await owner.post(f"{at}/withdrawal")).json()["version"] == gone["version"]
    assert (await owner.post(f"{at}/confirmation")).status_code == 409
    again = (await owner.post(f"{at}/publication")).json()
    assert (again["state"], again["published_at"]) == ("published", made["published_at"])


async def test_a_step_sent_twice_under_one_key_is_one_step(owner):
    made = await drafted(owner)
    key = {"Idempotency-Key": "consent-1"}
    answers = [await owner.post(f"{URL}/{made['id']}/consent", CONSENT, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


async def test_an_unverified_organisation_writes_and_does_not_publish(given):
    owner = await given.editor(verification=Verification.UNVERIFIED)
    made = await drafted(owner)
    at = f"{URL}/{made['id']}"
    assert (await owner.post(f"{at}/consent", CONSENT)).status_code == 200
    refused = await owner.post(f"{at}/publication")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verified")


async def test_a_profile_without_a_description_is_not_published_nor_emptied_later(owner):
    made = await drafted(owner, description=None)
    at = f"{URL}/{made['id']}"
    await owner.post(f"{at}/consent", CONSENT)
    refused = await owner.post(f"{at}/publication")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/description")
    whole = await published(owner)
    emptied = await owner.patch(f"{URL}/{whole['id']}", {"description": None}, version=whole["version"])
    assert (emptied.status_code, emptied.json()["errors"][0]["code"]) == (422, "missing")
    assert (await owner.get(f"{URL}/{whole['id']}")).json()["description"] == ENOUGH["description"]


async def test_an_edit_holds_for_the_version_that_was_read(owner):
    made = await published(owner)
    at, version = f"{URL}/{made['id']}", made["version"]
    changed = await owner.patch(at, {"focus": "人参皂苷提取"}, version=version)
    assert (changed.json()["focus"], changed.json()["version"]) == ("人参皂苷提取", version + 1)
    assert (await owner.patch(at, {"focus": "另一个"}, version=version)).status_code == 412
    same = await owner.patch(at, {"focus": "人参皂苷提取"}, version=version + 1)
    assert same.json()["version"] == version + 1
    unversioned = await owner.client.patch(at, json={"focus": "x"}, headers=owner.headers)
    assert unversioned.status_code == 428


async def test_consent_taken_back_leaves_no_trace(given, owner, stranger, client, app, session):
    """In no list, no ranking, no export, no fact; and at once, before the ranking has heard of it."""
    name = "虚构不见"
    made = await published(owner, name=name, homepage="https://www.example.edu.cn/nobody")
    at = f"{URL}/{made['id']}"
    await app.state.engine.load()
    ask = {"text": ENOUGH["description"]}

    async def found() -> str:
        answers = [
            await client.get(URL),
            await client.get(URL, params={"q": name}),
            await client.get(f"{URL}.csv"),
            await client.post("/api/v1/expert-matches", json=ask),
            await client.get(at),
        ]
        return "".join(answer.text for answer in answers)

    assert (await found()).count(name) == 5
    ended = await owner.delete(f"{at}/consent")
    assert (ended.status_code, ended.json()["state"], ended.json()["consent"]) == (200, "withdrawn", None)
    assert name not in await found()
    assert made["id"] not in str((await client.post("/api/v1/expert-matches", json=ask)).json()["items"])
    assert (await owner.post(f"{at}/publication")).status_code == 409
    assert (await owner.delete(f"{at}/consent")).json()["version"] == ended.json()["version"]
    bodies = await session.scalars(select(Recorded.body).where(Recorded.subject == made["id"]))
    assert name not in str(bodies.all())
    assert (await stranger.delete(f"{at}/consent")).status_code == 404


async def test_the_platform_takes_consent_back_for_whoever_turns_to_it(given, owner, client):
    made = await published(owner)
    admin = await given.admin()
    assert (await admin.delete(f"{URL}/{made['id']}/consent")).json()["state"] == "withdrawn"
    assert (await client.get(f"{URL}/{made['id']}")).status_code == 404
    assert (await admin.delete(f"{URL}/{made['id']}")).status_code == 403, "what it says stays its organisation's"


async def test_an_erased_profile_is_nowhere_in_the_database_and_nowhere_on_the_disk(owner, client, app, session):
    name = "虚构抹去"
    key = {"Idempotency-Key": "made-once"}
    body = ENOUGH | {"name": name, "organisation_id": str(owner.organisation.id)}
    made = (await owner.post(URL, body, headers=key)).json()
    at = f"{URL}/{made['id']}"
    for step, told in (("consent", CONSENT), ("publication", None)):
        answer = await owner.post(f"{at}/{step}", told, headers={"Idempotency-Key": f"step-{step}"})
        assert answer.status_code == 200
    await app.state.engine.load()
    assert made["id"] in app.state.engine.snapshot("expert")

    async def holding() -> set[str]:
        tables = (await session.scalars(text("select tablename from pg_tables where schemaname = 'public'"))).all()
        like = {"plain": f"%{name}%", "bytes": f"%{name.encode().hex()}%"}
        return {
            table
            for table in tables
            if await session.scalar(
                text(f'select exists (select from "{table}" t where t::text like :plain or t::text like :bytes)'), like
            )
        }

    assert await holding() == {"expert", "idempotency_key"}
    gone = await owner.delete(at)
    assert (gone.status_code, gone.content) == (204, b"")
    assert await holding() == set()
    assert (await owner.get(at)).status_code == 404
    assert (await owner.delete(at)).status_code == 404
    files = [one for one in app.state.settings.home.rglob("*") if one.is_file()]
    assert files
    assert [one for one in files if name.encode() in one.read_bytes()] == []
    facts = await session.execute(
        select(Recorded.name, Recorded.by).where(Recorded.subject == made["id"]).order_by(Recorded.id)
    )
    assert [(fact, by) for fact, by in facts][-1] == ("ExpertErased", owner.id)


async def test_filters_take_in_what_stands_below_a_code(owner, stranger, client):
    here = await published(
        owner, region="220104", industries=["3612"], disciplines=["43020"], services=["residency", "training"],
        keywords=["激光熔覆"], academic_title="教授", name="虚构乙",
    )  # fmt: skip
    other = await published(stranger, region="440103", industries=["0111"], disciplines=["210"], services=["testing"])
    for wish in (
        {"region": "220000"},
        {"industry": "C"},
        {"discipline": "430"},
        {"service": "residency"},
        {"q": "激光 虚构乙"},
        {"q": "教授"},
        {"organisation": str(owner.organisation.id)},
        {"region": ["220000", "110000"]},
    ):
        assert await ids(client, **wish) == [here["id"]], wish
    assert await ids(client, service=["residency", "testing"]) == [other["id"], here["id"]]
    assert await ids(client, q="没有这样的人") == []
    assert (await client.get(URL, params={"service": "nothing"})).status_code == 422


async def test_a_list_is_walked_page_by_page(owner, client):
    made = [(await published(owner, name=f"虚构{number}"))["id"] for number in range(5)]
    seen, cursor = [], None
    while True:
        page = (await client.get(URL, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_only_open_achievements_of_the_same_organisation_speak_for_an_expert(given, owner, stranger, client):
    open_one = await given.achievement(owner, title="公开的成果")
    draft = await given.achievement(owner, published=False, title="草稿成果")
    theirs = await given.achievement(await given.university())
    problem = await given.problem(owner)
    made = await published(owner, achievement_ids=[draft["id"], open_one["id"]])
    at = f"{URL}/{made['id']}"
    for seen, all_of_them in (
        (await owner.get(at), True),
        (await stranger.get(at), False),
        (await client.get(at), False),
    ):
        told = seen.json()
        assert [one["title"] for one in told["achievements"]] == ["公开的成果"]
        assert told["achievement_ids"] == ([draft["id"], open_one["id"]] if all_of_them else [open_one["id"]])
    for wrong in (theirs["id"], problem["id"], "018f0000-0000-7000-8000-000000000001"):
        refused = await owner.patch(at, {"achievement_ids": [open_one["id"], wrong]}, version=made["version"])
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
            ("/achievement_ids/1", "not_theirs")
        ]
    told = await owner.patch(at, {"achievement_ids": []}, version=made["version"])
    assert told.json()["achievements"] == []


async def test_whom_to_ask_is_told_to_people_who_are_signed_in(owner, stranger, client):
    made = await published(owner, contact={"name": "技术转移办公室", "phone": "0431-88880000", "email": None})
    at = f"{URL}/{made['id']}"
    assert (await stranger.get(at)).json()["contact"]["phone"] == "0431-88880000"
    assert (await client.get(at)).json()["contact"] is None


@pytest.mark.parametrize("field", ["name", "description", "focus", "unit"])
async def test_a_citizens_number_is_refused_wherever_it_is_written(owner, field):
    # Made up, with the right check digit; one digit further it is a number like any other.
    number = "110101190001011009"
    assert (
        number[-1]
        == "10X98765432"[
            sum(int(a) * b for a, b in zip(number, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=False))
            % 11
        ]
    )
    body = ENOUGH | {"organisation_id": str(owner.organisation.id)}
    refused = await owner.post(URL, body | {field: f"张某，{number}。"})
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(f"/{field}", "id_number")]
    assert number not in refused.text
    assert (await owner.post(URL, body | {field: f"编号 {number[:-1]}0"})).status_code == 201


async def test_exports_hold_what_the_list_shows(owner, client):
    await published(
        owner, name="=虚构()", services=["consulting"], talks=2, disciplines=["43020"], keywords=["甲", "乙"],
        region="220104", contact={"name": "办公室", "phone": "0431-1", "email": None},
    )  # fmt: skip
    await drafted(owner, name="草稿某")
    book = CalamineWorkbook.from_filelike(io.BytesIO((await client.get(f"{URL}.xlsx")).content))
    rows = book.get_sheet_by_index(0).to_python()
    assert len(rows) == 3, "a title, the headings, and the one that is shown"
    shown = dict(zip(rows[1], rows[2], strict=True))
    assert (shown["name"], shown["ways of service"], shown["talks at once"]) == (
        "'=虚构()", "technical consulting", "2"
    )  # fmt: skip
    assert shown["keywords"] == "甲、乙"
    table = list(csv.reader(io.StringIO((await client.get(f"{URL}.csv")).content.decode("utf-8-sig"))))
    assert rows[1:] == table
    assert "0431-1" not in str(rows), "whom to ask is for people who are signed in"


async def test_what_was_not_confirmed_in_time_leaves_and_comes_back_confirmed(
    owner, client, session, database, settings
):
    made = await published(owner)
    at, place = f"{URL}/{made['id']}", Place(database, settings)
    await jobs.expire(place, {})
    assert (await client.get(at)).status_code == 200
    await session.execute(update(Expert).values(confirmed_until=clock.now()))
    await session.commit()
    await jobs.expire(place, {})
    assert (await client.get(at)).status_code == 404
    assert (await owner.get(at)).json()["state"] == "expired"
    back = (await owner.post(f"{at}/confirmation")).json()
    assert (back["state"], back["confirmed_until"] > made["confirmed_until"]) == ("published", True)
    assert (await client.get(at)).status_code == 200
    still = (await owner.post(f"{at}/confirmation")).json()
    assert still["confirmed_until"] > back["confirmed_until"]


async def test_owners_are_reminded_once_and_the_letter_names_nobody(owner, session, database, settings):
    made = await published(owner, name="虚构提醒", focus="热锻模具表面强化")
    place = Place(database, settings)
    with clock.ahead(timedelta(days=170)):
        for _ in range(2):
            await jobs.remind(place, {})
    letters = (await session.scalars(select(Letter).where(Letter.to == owner.email))).all()
    assert len(letters) == 1
    assert f"/experts/{made['id']}" in letters[0].text
    assert "热锻模具表面强化" in letters[0].text
    assert "虚构提醒" not in letters[0].text


async def test_a_firm_may_keep_experts_too(given, client):
    owner = await given.editor(kinds=(OrganisationKind.ENTERPRISE,))
    made = await published(owner)
    assert await ids(client) == [made["id"]]
