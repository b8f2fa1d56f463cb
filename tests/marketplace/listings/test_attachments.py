"""Files: which are taken, under which names, how often, how large; and how they are handed out."""

import asyncio
import hashlib
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy import func, select

from marketplace.app import create_app
from marketplace.kernel.facts import Recorded
from marketplace.kernel.idempotency import Remembered
from marketplace.listings import attachments
from marketplace.listings.models import Attachment
from schemas.identity import Role
from tests.given.files import attach
from tests.given.kinds import ACHIEVEMENT, KINDS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ZIP = b"PK\x03\x04" + bytes(20)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20)
OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.fixture
async def made(kind, owner):
    return await kind.published(owner)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("报告.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("图.PNG", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.docx", ZIP, f"{OFFICE}.wordprocessingml.document"),
        ("a.xlsx", ZIP, f"{OFFICE}.spreadsheetml.sheet"),
        ("a.pptx", ZIP, f"{OFFICE}.presentationml.presentation"),
        ("a.doc", OLE, "application/msword"),
        ("a.xls", OLE, "application/vnd.ms-excel"),
        ("a.ppt", OLE, "application/vnd.ms-powerpoint"),
        ("a.zip", ZIP, "application/zip"),
        ("说明.txt", "中文".encode(), "text/plain; charset=utf-8"),
        ("旧表.csv", "名称,数值".encode("gb18030"), "text/csv; charset=gb18030"),
        ("two.dots.tar.txt", b"x", "text/plain; charset=utf-8"),
    ],
)
async def test_a_file_of_a_known_type_comes_back_byte_by_byte(name, content, media_type, kind, owner, made, client):
    added = await attach(kind, owner, made, name, content)
    assert added.status_code == 201, added.text
    told = added.json()
    digest = hashlib.sha256(content).hexdigest()
    assert (told["name"], told["media_type"], told["size"], told["sha256"]) == (name, media_type, len(content), digest)
    assert (await client.get(kind.at(made))).json()["attachments"] == [told]
    read = await client.get(kind.at(made, "attachments", told["id"]))
    assert read.content == content
    assert read.headers["Content-Type"] == media_type


async def test_what_is_handed_out_cannot_run_in_a_page(kind, owner, made, client):
    name = '名字 \'x";filename="evil.html.txt'
    added = await attach(kind, owner, made, name, b"<script>alert(1)</script>")
    read = await client.get(kind.at(made, "attachments", added.json()["id"]))
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert read.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert read.headers["Cache-Control"] == "no-store"
    disposition = read.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert disposition.isascii()
    assert not set(disposition.partition("''")[2]) & set("\"'; \r\n")
    assert unquote(disposition.partition("''")[2]) == added.json()["name"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.html", b"<html>", "file_type"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "file_type"),
        ("a.exe", b"MZ", "file_type"),
        ("a.xhtml", b"<html/>", "file_type"),
        ("a.js", b"x", "file_type"),
        ("a.pdf.html", b"%PDF-", "file_type"),
        ("a", b"%PDF-", "file_type"),
        (".pdf", b"%PDF-", "file_type"),
        ("pdf", b"%PDF-", "file_type"),
        ("a.pdf ", b"", "file_empty"),
        ("a.txt", b"", "file_empty"),
        ("a.pdf", b"<html><script>", "file_content"),
        ("a.png", b"<svg onload='x()'/>", "file_content"),
        ("a.jpg", PNG, "file_content"),
        ("a.docx", OLE, "file_content"),
        ("a.doc", ZIP, "file_content"),
        ("a.zip", b"PK", "file_content"),
        ("a.txt", b"a\0b", "file_content"),
        ("a.txt", "中文".encode("utf-16"), "file_content"),
        ("a.csv", b"\xff\xff\xff", "file_content"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_refused(name, content, code, kind, owner, made, session):
    refused = await attach(kind, owner, made, name, content)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/file-refused")
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/file", code)
    assert await session.scalar(select(func.count()).select_from(Attachment)) == 0


# --- how many, how large -----------------------------------------------------------------------------------------


async def test_a_file_has_a_greatest_size(kind, settings, database, session, given):
    from tests.given.people import Given

    app = create_app(settings.model_copy(update={"attachment_limit": 4096}), database)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        owner = await Given(session, client).university()
        made = await kind.draft(owner)
        assert (await attach(kind, owner, made, "a.pdf", b"%PDF-" + bytes(4091))).status_code == 201
        for size in (4092, 70_000, 3_000_000):
            refused = await attach(kind, owner, made, "b.pdf", b"%PDF-" + bytes(size))
            assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")
            assert "4096" in refused.text or "69632" in refused.text


async def test_a_file_may_be_larger_than_another_body(kind, owner, made):
    assert (await attach(kind, owner, made, "a.pdf", b"%PDF-" + bytes(5_000_000))).status_code == 201
    refused = await owner.patch(kind.at(made), {"title": "x" * 3_000_000}, version=made["version"])
    assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")


async def test_each_part_holds_twenty_files(kind, owner, made):
    for part in ("public", "confidential"):
        for number in range(attachments.MOST):
            assert (await attach(kind, owner, made, f"{number}.txt", part=part)).status_code == 201
        refused = await attach(kind, owner, made, "one too many.txt", part=part)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-files")
        again = await attach(kind, owner, made, "0.txt", part=part)
        assert again.status_code == 201
        assert (await owner.delete(kind.at(made, "attachments", again.json()["id"]))).status_code == 204
        assert (await attach(kind, owner, made, "one too many.txt", part=part)).status_code == 201


async def test_the_same_file_twice_is_kept_once(kind, owner, made, session):
    first = await attach(kind, owner, made, "a.txt")
    assert (await attach(kind, owner, made, "a.txt")).json() == first.json()
    other_name = await attach(kind, owner, made, "b.txt")
    other_text = await attach(kind, owner, made, "a.txt", b"other")
    other_part = await attach(kind, owner, made, "a.txt", part="confidential")
    assert len({each.json()["id"] for each in (first, other_name, other_text, other_part)}) == 4
    assert (
        await session.scalar(select(func.count()).select_from(Recorded).where(Recorded.name == "AttachmentAdded")) == 4
    )
    assert [file["name"] for file in (await owner.get(kind.at(made))).json()["attachments"]] == [
        "a.txt",
        "b.txt",
        "a.txt",
    ]


async def test_the_same_file_sent_at_once_is_kept_once_and_twenty_stay_twenty(live):
    owner = await live.given.university()
    made = await ACHIEVEMENT.draft(owner)
    same = await asyncio.gather(*(attach(ACHIEVEMENT, owner, made, "a.txt") for _ in range(5)))
    assert len({answer.json()["id"] for answer in same}) == 1
    many = await asyncio.gather(*(attach(ACHIEVEMENT, owner, made, f"{n}.txt") for n in range(24)))
    assert sorted(answer.status_code for answer in many) == [201] * 19 + [409] * 5


# --- who ---------------------------------------------------------------------------------------------------------


async def test_only_the_owners_editors_attach_and_remove(kind, owner, made, stranger, client, given):
    added = (await attach(kind, owner, made, "a.txt")).json()
    file = kind.at(made, "attachments", added["id"])
    assert (
        await client.post(kind.at(made, "attachments", "public"), files={"file": ("a.txt", b"x")})
    ).status_code == 401
    assert (await client.delete(file)).status_code == 401
    for who in (
        stranger,
        await given.person(Role.VIEWER, owner.organisation),
        await given.admin(),
        await given.person(Role.AUDITOR),
    ):
        assert (await attach(kind, who, made, "b.txt")).json()["type"] == "/problems/not-your-record"
        assert (await who.delete(file)).json()["type"] == "/problems/not-your-record"
    assert (await client.get(file)).content == b"text"


async def test_a_file_is_found_only_under_its_own_record(kind, owner, made, client):
    added = (await attach(kind, owner, made, "a.txt")).json()
    other = await kind.published(owner)
    [foreign] = [one for one in KINDS if one is not kind]
    for wrong in (kind.at(other, "attachments", added["id"]), foreign.at(made, "attachments", added["id"])):
        assert (await client.get(wrong)).status_code == 404
        assert (await owner.delete(wrong)).status_code == 404
    assert (await client.get(kind.at(made, "attachments", made["id"]))).status_code == 404


async def test_files_of_a_draft_are_its_organisations(kind, owner, stranger, client, given):
    made = await kind.draft(owner)
    file = kind.at(made, "attachments", (await attach(kind, owner, made, "a.txt")).json()["id"])
    viewer = await given.person(Role.VIEWER, owner.organisation)
    assert [(await who.get(file)).status_code for who in (client, stranger, viewer)] == [404, 404, 200]


async def test_a_removed_file_is_gone_and_removed_once(kind, owner, made, client):
    file = kind.at(made, "attachments", (await attach(kind, owner, made, "a.txt")).json()["id"])
    assert (await owner.delete(file)).status_code == 204
    assert (await owner.delete(file)).status_code == 404
    assert (await client.get(file)).status_code == 404
    assert (await client.get(kind.at(made))).json()["attachments"] == []


# --- once --------------------------------------------------------------------------------------------------------


async def test_an_upload_is_repeated_under_its_key_with_one_effect(kind, owner, made, session):
    """A client library makes up a new boundary for each try of the same form."""
    key = {"Idempotency-Key": "upload-1"}
    first = await attach(kind, owner, made, "a.txt", **key)
    again = await attach(kind, owner, made, "a.txt", **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await attach(kind, owner, made, "b.txt", **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    assert await session.scalar(select(func.count()).select_from(Attachment)) == 1


async def test_a_confidential_uploads_key_keeps_nothing_of_it_and_still_has_one_effect(kind, owner, made, session):
    key = {"Idempotency-Key": "upload-2"}
    first = await attach(kind, owner, made, "canary-name.txt", b"canary", "confidential", **key)
    again = await attach(kind, owner, made, "canary-name.txt", b"canary", "confidential", **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["Cache-Control"] == "no-store"
    assert again.json() == first.json()
    other = await attach(kind, owner, made, "b.txt", b"x", "confidential", **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    [kept] = (await session.scalars(select(Remembered))).all()
    assert (bytes(kept.body), kept.headers) == (b"", {})
    assert await session.scalar(select(func.count()).select_from(Attachment)) == 1
