"""Files of an event: for everybody, for those who come, for the desk; brought, listed, fetched, taken off."""

from schemas.events import EventState
from schemas.identity import Role
from tests.given.docking import EVENTS, an_event, registered

PDF = b"%PDF-1.7 invitation"


def url(event, *more: str) -> str:
    return "/".join((EVENTS, str(event.id), "documents", *more))


async def brought(who, event, audience, name="邀请函.pdf", content=PDF, **headers):
    return await who.client.post(
        url(event), files={"file": (name, content)}, data={"audience": audience}, headers=who.headers | headers
    )


async def names(who, event) -> list[str]:
    found = await who.get(url(event))
    assert found.status_code == 200, found.text
    return [one["name"] for one in found.json()["items"]]


async def test_a_document_is_for_its_audience_until_it_is_taken_off(organizer, firm, given, session, client):
    event = await an_event(session, organizer.organisation)
    made = {}
    for audience in ("everybody", "participants", "desk"):
        answer = await brought(organizer, event, audience, f"{audience}.pdf")
        assert answer.status_code == 201, answer.text
        made[audience] = answer.json()["id"]
    again = await brought(organizer, event, "desk", "desk.pdf")
    assert (again.status_code, again.json()["id"]) == (201, made["desk"]), "the same file is the same document"
    assert (await brought(firm, event, "everybody")).status_code == 403

    public = await client.get(url(event))
    assert [one["name"] for one in public.json()["items"]] == ["everybody.pdf"]
    assert await names(firm, event) == ["everybody.pdf"]
    await registered(firm, event)
    assert await names(firm, event) == ["participants.pdf", "everybody.pdf"], "latest first, once they come"
    assert await names(organizer, event) == ["desk.pdf", "participants.pdf", "everybody.pdf"]
    first = (await organizer.get(url(event), params={"limit": 2})).json()
    rest = (await organizer.get(url(event), params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["name"] for one in rest["items"]] == ["everybody.pdf"]

    got = await firm.get(url(event, made["participants"]))
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    for who, which in ((firm, "desk"), (await given.enterprise(), "participants")):
        absent = await who.get(url(event, made[which]))
        assert (absent.status_code, absent.json()["type"]) == (404, "/problems/not-found")
    assert (await client.get(url(event, made["participants"]))).status_code == 404

    assert (await firm.delete(url(event, made["everybody"]))).status_code == 403
    assert (await organizer.delete(url(event, made["everybody"]))).status_code == 204
    assert (await organizer.delete(url(event, made["everybody"]))).status_code == 404
    assert (await client.get(url(event, made["everybody"]))).status_code == 404
    assert await names(firm, event) == ["participants.pdf"]


async def test_what_is_no_document_is_refused_with_what_to_change(
    organizer, given, session, client, settings, monkeypatch
):
    event = await an_event(session, organizer.organisation, state=EventState.ENDED)
    for name, content, code in (
        ("page.html", b"<script>", "file_type"), ("邀请函.pdf", b"<html>", "file_content"), ("空.txt", b"", "file_empty"),
    ):  # fmt: skip
        refused = await brought(organizer, event, "everybody", name, content)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    assert (await brought(organizer, event, "nobody")).status_code == 422
    most = settings.attachment_limit
    huge = await brought(organizer, event, "everybody", "讲稿.txt", b"x" * (most + 1))
    assert (huge.status_code, huge.json()["type"]) == (413, "/problems/too-large")
    assert str(most) in huge.json()["detail"], "it says how much a file may hold"
    more = await brought(organizer, event, "everybody", "讲稿.txt", b"x" * (most + 100_000))
    assert more.status_code == 413, "refused while it comes in"
    monkeypatch.setattr("marketplace.docking.documents.MOST", 2)
    kept = [await brought(organizer, event, "everybody", f"{n}.txt", b"text") for n in range(3)]
    assert [one.status_code for one in kept] == [201, 201, 409], "an event that is over takes slides, so many"
    assert kept[2].json()["type"] == "/problems/too-many-documents"
    draft = await an_event(session, organizer.organisation, state=EventState.DRAFT)
    assert (await brought(organizer, draft, "everybody")).status_code == 201
    stranger = await given.person(Role.ORGANIZER, await given.organisation())
    assert (await client.get(url(draft))).status_code == 404
    assert (await brought(stranger, draft, "everybody")).status_code == 404
