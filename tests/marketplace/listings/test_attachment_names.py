"""The names of files: kept without their folders, refused where they could fool somebody."""

import pytest
from sqlalchemy import func, select

from marketplace.listings.models import Attachment
from tests.given.files import attach, attach_raw

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ZIP = b"PK\x03\x04" + bytes(20)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20)
OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.fixture
async def made(kind, owner):
    return await kind.published(owner)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("/absolute/a.txt", "a.txt"),
        ("..\\\\..\\\\a.txt", "a.txt"),
        ("C:\\\\Users\\\\某\\\\报告.txt", "报告.txt"),
        ("a/../../b.txt", "b.txt"),
        ("  有空格 的.txt  ", "有空格 的.txt"),
        ("全角　空格.txt", "全角　空格.txt"),
        ("名" * 196 + ".txt", "名" * 196 + ".txt"),
        ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
        ("...txt", "...txt"),
        ("<b>{{x}}</b>.txt", "b>.txt"),
        ("𠮷é\u0301👩\u200d🔬.txt", "𠮷é\u0301👩\u200d🔬.txt"),
    ],
)
async def test_a_name_is_kept_without_its_folders(given_name, kept, kind, owner, made):
    added = await attach_raw(kind, owner, made, given_name.encode())
    assert (added.status_code, added.json().get("name")) == (201, kept), added.text


@pytest.mark.parametrize(
    "name",
    [
        b"a\0b.txt",
        b"a\x01.txt",
        "名".encode() * 197 + b".txt",
        "a\u202etxt.exe.txt".encode(),
        "\u200b".encode() * 3,
        b"..",
        b".",
        b"/",
        b"\\\\",
        b" ",
        b"e" + "\u0301".encode() * 10_000 + b".txt",
        b"x" * 100_000 + b".txt",
        b"a\r\nSet-Cookie: x=1.txt",
    ],
    ids=lambda name: repr(name[:24]),
)
async def test_a_name_that_could_fool_somebody_is_refused(name, kind, owner, made, session):
    refused = await attach_raw(kind, owner, made, name)
    assert 400 <= refused.status_code < 500, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert await session.scalar(select(func.count()).select_from(Attachment)) == 0


@pytest.mark.parametrize("form", [{"other": ("a.txt", b"x")}, {}], ids=["another field", "no file"])
async def test_a_form_without_the_file_is_refused_by_name(form, kind, owner, made):
    refused = await owner.client.post(
        kind.at(made, "attachments", "public"), files=form or None, data={"file": "text"}, headers=owner.headers
    )
    assert refused.status_code in {415, 422}
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_no_form_is_refused(kind, owner, made):
    url = kind.at(made, "attachments", "public")
    json_body = await owner.post(url, {"file": "x"})
    broken = await owner.client.post(
        url, content=b"--x\r\nnonsense", headers=owner.headers | {"Content-Type": "multipart/form-data; boundary=x"}
    )
    for refused in (json_body, broken):
        assert 400 <= refused.status_code < 500
        assert refused.headers["content-type"] == "application/problem+json"


async def test_there_are_two_parts_and_no_third(kind, owner, made):
    refused = await attach(kind, owner, made, "a.txt", part="secret")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "part")
