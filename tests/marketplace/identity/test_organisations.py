"""Organisations: entered by a person, verified by the platform."""

import json

import pytest
from sqlalchemy import select

from marketplace.identity.models import Organisation
from marketplace.kernel.facts import Recorded
from schemas.identity import OrganisationKind, Role, Verification
from schemas.uscc import make_organisation_check
from tests.given.labs import an_instrument
from tests.given.letters import code_for
from tests.given.people import a_uscc

URL = "/api/v1/organisations"


def wish(**more) -> dict:
    return {"uscc": a_uscc(), "name": "吉林某研究所", "kinds": ["institute"], "region": "220100"} | more


@pytest.fixture
async def anna(given):
    return await given.person()


@pytest.fixture
async def admin(given):
    return await given.admin()


@pytest.fixture
async def ours(anna):
    """An organisation that Anna entered."""
    return (await anna.post(URL, wish())).json()


async def decide(admin, organisation: dict, decision: str, **more):
    body = {"decision": decision, "reason": "依据营业执照"}
    return await admin.post(f"{URL}/{organisation['id']}/verification/decisions", body, **more)


async def test_whoever_enters_an_organisation_administers_it(anna):
    made = await anna.post(URL, wish(name_en="Institute", introduction="研究材料。"))
    assert made.status_code == 201
    assert made.headers["Location"] == f"{URL}/{made.json()['id']}"
    assert made.headers["ETag"] == '"1"'
    assert made.json()["verification"] == "unverified"
    (membership,) = (await anna.get("/api/v1/me")).json()["memberships"]
    assert (membership["role"], membership["organisation"]["id"]) == ("organisation_admin", made.json()["id"])


async def test_an_organisation_is_entered_once(anna, given):
    body = wish()
    assert (await anna.post(URL, body)).status_code == 201
    for somebody in (anna, await given.person()):
        refused = await somebody.post(URL, body | {"name": "另一个名字"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/organisation-known")


async def test_whose_code_somebody_else_entered_gets_it_back_through_the_platform(
    anna, ours, admin, given, client, session
):
    owner = await given.person()
    refused = await owner.post(URL, wish(uscc=ours["uscc"]))
    assert "the platform" in refused.json()["title"]
    url = f"{URL}/{ours['id']}"
    for role in ("editor", "viewer"):
        wrong = await admin.post(f"{url}/invitations", {"email": owner.email, "role": role})
        assert (wrong.status_code, wrong.json()["type"]) == (403, "/problems/not-yours")
    made = await admin.post(f"{url}/invitations", {"email": owner.email, "role": "organisation_admin"})
    assert made.status_code == 201
    assert [one["email"] for one in (await admin.get(f"{url}/invitations")).json()["items"]] == [owner.email]
    joined = await owner.post("/api/v1/me/memberships", {"token": await code_for(session, owner.email)})
    assert (joined.status_code, joined.json()["role"]) == (201, "organisation_admin")
    (squatter,) = [
        one for one in (await owner.get(f"{url}/members")).json()["items"] if one["person_id"] == str(anna.id)
    ]
    gone = await owner.delete(f"{url}/members/{squatter['id']}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    assert (await anna.get(url)).status_code == 404


async def test_the_platform_takes_its_invitation_back_and_an_auditor_invites_nobody(ours, admin, given):
    url = f"{URL}/{ours['id']}/invitations"
    wanted = {"email": "owner@test.example", "role": "organisation_admin"}
    made = (await admin.post(url, wanted)).json()
    assert (await admin.delete(f"{url}/{made['id']}")).status_code == 204
    assert (await admin.get(url)).json()["items"] == []
    auditor = await given.person(Role.AUDITOR)
    for answer in (
        await auditor.post(url, wanted),
        await auditor.get(url),
        await auditor.delete(f"{url}/{made['id']}"),
    ):
        assert answer.status_code == 403


async def test_nobody_enters_one_without_signing_in(client):
    assert (await client.post(URL, json=wish())).status_code == 401


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"uscc": "123"}, "/uscc"),
        ({"uscc": "12220100000000001X"}, "/uscc"),
        ({"name": " "}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"kinds": []}, "/kinds"),
        ({"kinds": ["school"]}, "/kinds/0"),
        ({"kinds": ["lab"] * 10}, "/kinds"),
        ({"region": "999999"}, "/region"),
        ({"introduction": "x" * 2001}, "/introduction"),
        ({"verification": "verified"}, "/verification"),
        ({"<script>": 1}, "/<script>"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
async def test_what_an_organisation_cannot_be_is_refused_by_name(change, pointer, anna):
    refused = await anna.post(
        URL, content=json.dumps(wish(**change)).encode(), headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(("language", "said"), [("zh", "第 9–17 位"), ("en", "characters 9–17")])
async def test_a_right_but_unusual_code_is_taken_with_a_word_of_doubt(language, said, anna):
    unusual = next(code for code in iter(a_uscc, "") if code[16] != make_organisation_check(code[8:16]))
    made = await anna.post(URL, wish(uscc=unusual), headers={"Accept-Language": language})
    assert made.status_code == 201
    doubt = next(doubt for doubt in made.json()["warnings"] if doubt["code"] == "organisation_check")
    assert doubt["pointer"] == "/uscc"
    assert doubt["detail"].startswith(said)


async def test_an_organisation_is_public_once_it_is_verified(anna, ours, admin, given, client):
    url = f"{URL}/{ours['id']}"
    stranger = await given.person()
    for who, status in ((anna, 200), (admin, 200), (stranger, 404), (client, 404)):
        assert (await who.get(url)).status_code == status
    assert (await decide(admin, ours, "verify")).status_code == 200
    for who in (anna, admin, stranger, client):
        assert (await who.get(url)).json()["verification"] == "verified"


async def test_an_organisation_that_is_not_there_is_answered_like_anothers(ours, given):
    stranger = await given.person()
    absent = await stranger.get(f"{URL}/019aaaaa-0000-7000-8000-000000000000")
    hidden = await stranger.get(f"{URL}/{ours['id']}")
    assert absent.status_code == hidden.status_code == 404
    assert absent.json()["title"] == hidden.json()["title"]
    assert absent.json().keys() == hidden.json().keys()


async def test_the_directory_shows_the_verified_and_ones_own(anna, ours, given, client):
    known = await given.organisation()
    hidden = await given.organisation(verification=Verification.SUBMITTED)

    async def listed(who, **params):
        return {item["id"] for item in (await who.get(URL, params=params)).json()["items"]}

    assert await listed(client) == {str(known.id)}
    assert await listed(anna) == {str(known.id), ours["id"]}
    assert await listed(anna, mine=True) == {ours["id"]}
    assert await listed(client, mine=True) == set()
    assert await listed(await given.admin()) == {str(known.id), ours["id"], str(hidden.id)}


async def test_the_directory_can_be_narrowed(given, client):
    lab = await given.organisation(kinds=[OrganisationKind.LAB], name="长春100%分析中心", region="220100")
    firm = await given.organisation(kinds=[OrganisationKind.ENTERPRISE], name="兰州_石化", region="620100")

    async def listed(**params):
        answer = await client.get(URL, params=params)
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json()["items"]}

    assert await listed(kind="lab") == {str(lab.id)}
    assert await listed(region=["620100"]) == {str(firm.id)}
    assert await listed(region=["620100", "220100"]) == {str(lab.id), str(firm.id)}
    assert await listed(region=["620000"]) == {str(firm.id)}, "a code takes in what stands below it"
    assert await listed(verification="submitted") == set()
    assert await listed(q="石化") == {str(firm.id)}
    assert await listed(q="%") == {str(lab.id)}
    assert await listed(q="_") == {str(firm.id)}
    assert await listed(q="\\") == set()
    assert await listed(q="") == {str(lab.id), str(firm.id)}


async def test_an_organisation_says_of_itself_what_its_administrator_writes(anna, ours, session):
    changed = await anna.patch(
        f"{URL}/{ours['id']}", {"introduction": "新的介绍", "kinds": ["lab", "institute", "lab"]}, version=1
    )
    assert changed.status_code == 200
    assert (changed.json()["introduction"], changed.json()["kinds"]) == ("新的介绍", ["institute", "lab"])
    assert changed.headers["ETag"] == '"2"'
    fact = await session.scalar(select(Recorded.body).where(Recorded.name == "OrganisationEdited"))
    assert fact["before"] == {"introduction": None, "kinds": ["institute"]}
    assert fact["after"] == {"introduction": "新的介绍", "kinds": ["institute", "lab"]}


async def test_a_change_says_which_version_it_changes(anna, ours):
    url, body = f"{URL}/{ours['id']}", {"introduction": "新的介绍"}
    assert (await anna.client.patch(url, json=body, headers=anna.headers)).status_code == 428
    assert (await anna.patch(url, body, version=1)).status_code == 200
    assert (await anna.patch(url, body | {"name": "别名"}, version=1)).status_code == 412


async def test_a_change_that_changes_nothing_leaves_the_version(anna, ours, session):
    same = await anna.patch(f"{URL}/{ours['id']}", {"name": ours["name"], "kinds": ["institute"]}, version=1)
    assert (same.status_code, same.headers["ETag"]) == (200, '"1"')
    assert await session.scalar(select(Recorded.id).where(Recorded.name == "OrganisationEdited")) is None


async def test_the_code_never_changes(anna, ours):
    refused = await anna.patch(f"{URL}/{ours['id']}", {"uscc": a_uscc()}, version=1)
    assert refused.status_code == 422


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.PLATFORM_ADMIN, Role.AUDITOR}])
async def test_only_an_administrator_changes_an_organisation(role, given):
    organisation = await given.organisation()
    member = await given.person(role, organisation)
    answer = await member.patch(f"{URL}/{organisation.id}", {"introduction": "新"}, version=1)
    assert answer.status_code == (200 if role is Role.ORGANISATION_ADMIN else 403)


# Each state, and where each decision leads from there; what is not written here is refused.
STEPS = {
    ("unverified", "verify"): "verified",
    ("unverified", "suspend"): "suspended",
    ("submitted", "verify"): "verified",
    ("submitted", "refuse"): "unverified",
    ("submitted", "suspend"): "suspended",
    ("verified", "suspend"): "suspended",
    ("suspended", "reinstate"): "unverified",
}


@pytest.mark.parametrize("state", Verification)
@pytest.mark.parametrize("decision", ["verify", "refuse", "suspend", "reinstate"])
async def test_a_decision_leads_where_it_should_or_nowhere(state, decision, given, admin):
    organisation = {"id": (await given.organisation(verification=state)).id}
    answer = await decide(admin, organisation, decision)
    target = STEPS.get((state.value, decision))
    if target is None:
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-step")
    else:
        assert answer.json()["verification"] == target
        assert answer.json()["reason"] == "依据营业执照"
        assert answer.json()["decided_by"] == str(admin.id)
        assert target != "verified" or answer.json()["verified_at"] is not None


@pytest.mark.parametrize("state", Verification)
async def test_verification_is_asked_for_while_it_is_open(state, given):
    organisation = await given.organisation(verification=state)
    owner = await given.person(Role.ORGANISATION_ADMIN, organisation)
    answer = await owner.post(f"{URL}/{organisation.id}/verification", {"evidence": "营业执照扫描件编号 7"})
    assert answer.status_code == (200 if state in {"unverified", "submitted"} else 409)


async def test_evidence_and_decision_are_for_members_and_the_platform(anna, ours, admin, given, client):
    await anna.post(f"{URL}/{ours['id']}/verification", {"evidence": "营业执照"})
    await decide(admin, ours, "verify")
    url = f"{URL}/{ours['id']}/verification"
    for somebody in (anna, admin, await given.person(Role.AUDITOR)):
        assert (await somebody.get(url)).json()["evidence"] == "营业执照"
    assert (await (await given.person()).get(url)).status_code == 403
    assert (await client.get(url)).status_code == 401


@pytest.mark.parametrize("role", [Role.ORGANISATION_ADMIN, Role.AUDITOR, None])
async def test_only_a_platform_administrator_verifies(role, given):
    organisation = await given.organisation()
    somebody = await given.person(role, organisation if role is Role.ORGANISATION_ADMIN else None)
    refused = await decide(somebody, {"id": organisation.id}, "suspend")
    assert refused.status_code == 403


async def test_a_new_name_asks_for_a_new_verification(anna, ours, admin):
    await decide(admin, ours, "verify")
    renamed = await anna.patch(f"{URL}/{ours['id']}", {"name": "清华大学"}, version=2)
    assert (renamed.json()["verification"], renamed.json()["verified_at"]) == ("submitted", None)


@pytest.mark.parametrize(
    "change", [{"kinds": ["university"]}, {"kinds": ["institute", "enterprise"]}, {"region": "110101"}]
)
async def test_what_prices_and_doors_go_by_asks_for_a_new_verification(change, anna, ours, admin):
    await decide(admin, ours, "verify")
    changed = await anna.patch(f"{URL}/{ours['id']}", change, version=2)
    assert (changed.json()["verification"], changed.json()["verified_at"]) == ("submitted", None)


async def test_another_street_of_the_same_province_does_not(anna, ours, admin):
    await decide(admin, ours, "verify")
    moved = await anna.patch(f"{URL}/{ours['id']}", {"region": "220104"}, version=2)
    assert (moved.json()["region"], moved.json()["verification"]) == ("220104", "verified")


async def test_nobody_moves_to_a_province_to_be_let_in_there(given, session):
    lab = await given.person(Role.LAB_MANAGER, await given.organisation(region="220100"))
    instrument = await an_instrument(session, lab.organisation, region="220104", audience="province")
    firm = await given.organisation(kinds=[OrganisationKind.ENTERPRISE], region="110101")
    boss = await given.person(Role.ORGANISATION_ADMIN, firm)
    url = f"/api/v1/instruments/{instrument.id}"
    assert (await boss.get(url)).status_code == 404
    assert (await boss.patch(f"{URL}/{firm.id}", {"region": "220100"}, version=1)).status_code == 200
    assert (await boss.get(url)).status_code == 404
    assert (await decide(await given.admin(), {"id": firm.id}, "verify")).status_code == 200
    assert (await boss.get(url)).status_code == 200


async def test_a_new_introduction_does_not(anna, ours, admin):
    await decide(admin, ours, "verify")
    edited = await anna.patch(f"{URL}/{ours['id']}", {"introduction": "新", "name": ours["name"]}, version=2)
    assert edited.json()["verification"] == "verified"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_no_detour_through_a_suspension_verifies_a_new_name(when, anna, ours, admin):
    await anna.post(f"{URL}/{ours['id']}/verification", {"evidence": "营业执照"})
    version = (await decide(admin, ours, "verify")).json()["version"]
    if when == "after":
        version = (await decide(admin, ours, "suspend")).json()["version"]
    renamed = await anna.patch(f"{URL}/{ours['id']}", {"name": "清华大学"}, version=version)
    assert renamed.status_code == 200
    if when == "before":
        await decide(admin, ours, "suspend")
    assert (await decide(admin, ours, "reinstate")).json()["verification"] == "submitted"


async def test_an_organisation_that_kept_its_name_is_reinstated_as_it_was(anna, ours, admin):
    await decide(admin, ours, "verify")
    await decide(admin, ours, "suspend")
    assert (await decide(admin, ours, "reinstate")).json()["verification"] == "verified"


async def test_the_platform_can_say_which_version_it_looked_at(anna, ours, admin):
    seen = (await admin.get(f"{URL}/{ours['id']}/verification")).headers["ETag"]
    await anna.patch(f"{URL}/{ours['id']}", {"name": "清华大学"}, version=1)
    stale = await decide(admin, ours, "verify", headers={"If-Match": seen})
    assert stale.status_code == 412
    assert (await decide(admin, ours, "verify", headers={"If-Match": '"2"'})).status_code == 200


async def test_every_step_is_on_record_with_who_took_it(anna, ours, admin, session):
    await anna.post(f"{URL}/{ours['id']}/verification", {"evidence": "营业执照"})
    await decide(admin, ours, "verify")
    rows = await session.execute(
        select(Recorded.name, Recorded.by).where(Recorded.subject == ours["id"]).order_by(Recorded.id)
    )
    assert [tuple(row) for row in rows] == [
        ("OrganisationRegistered", anna.id),
        ("VerificationRequested", anna.id),
        ("VerificationDecided", admin.id),
    ]
    assert await session.scalar(select(Organisation.decided_by)) == admin.id
