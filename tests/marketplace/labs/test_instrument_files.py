"""Photos and documents of an instrument: looked at before they are kept, shown in order, and never lost."""

import io
from xml.etree.ElementTree import fromstring

import pytest
from PIL import Image
from sqlalchemy import func, select

from marketplace.labs import instrument_files
from marketplace.labs.file_models import InstrumentFile
from tests.given.files import a_photo
from tests.given.labs import an_instrument, day

URL = "/api/v1/instruments"


@pytest.fixture
async def made(manager, session):
    return await an_instrument(session, manager.organisation)


async def bring(who, made, name="正面.png", content=None, purpose="photo", **form):
    content = a_photo() if content is None else content
    form = form if purpose == "document" else {"alt": "正面"} | form
    url = f"{URL}/{made.id}/files/{purpose}"
    return await who.client.post(url, files={"file": (name, content)}, data=form, headers=who.headers)


async def test_photos_are_kept_in_order_described_moved_and_taken_off(manager, client, made, session):
    turned = a_photo(
        600, 400, form="JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    )
    sent = [("正面.png", a_photo()), ("侧面.jpg", turned), ("铭牌.png", a_photo(color="red"))]
    ids = [(await bring(manager, made, name, content, alt=name)).json()["id"] for name, content in sent]
    again = await bring(manager, made, *sent[0])
    assert (again.status_code, again.json()["id"]) == (201, ids[0])
    assert (await bring(manager, made, "证书.pdf", b"%PDF-1.7\n", "document")).status_code == 201
    url = f"{URL}/{made.id}"

    async def photos():
        return [(one["id"], one["place"]) for one in (await client.get(url)).json()["photos"]]

    assert await photos() == list(zip(ids, (1, 2, 3), strict=True))
    whole = await client.get(f"{url}/files/{ids[1]}")
    assert (whole.content, whole.headers["content-type"]) == (turned, "image/jpeg")
    assert "sandbox" in whole.headers["content-security-policy"]
    small = await client.get(f"{url}/files/{ids[1]}/preview")
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (240, 360), "turned upright, and at most 480 by 360"
    same = await client.get(f"{url}/files/{ids[1]}/preview", headers={"If-None-Match": small.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")

    moved = await manager.patch(f"{url}/files/{ids[2]}", {"place": 1, "alt": "铭牌，2026 年"}, version=1)
    assert (moved.json()["place"], moved.json()["alt"]) == (1, "铭牌，2026 年")
    assert await photos() == [(ids[2], 1), (ids[0], 2), (ids[1], 3)]
    assert (await manager.patch(f"{url}/files/{ids[2]}", {"place": 20}, version=2)).json()["place"] == 3
    assert (await manager.patch(f"{url}/files/{ids[2]}", {"place": 1}, version=2)).status_code == 412
    [listed] = (await client.get(URL)).json()["items"]
    assert listed["photo"] == {"id": ids[0], "alt": "正面.png"}
    assert (await manager.delete(f"{url}/files/{ids[0]}")).status_code == 204
    assert await photos() == [(ids[1], 1), (ids[2], 2)]
    assert (await client.get(f"{url}/files/{ids[0]}")).status_code == 404
    assert (await manager.delete(f"{url}/files/{ids[0]}")).status_code == 404
    kept = select(func.count()).select_from(InstrumentFile).where(InstrumentFile.instrument_id == made.id)
    assert await session.scalar(kept) == 4, "what was taken off is kept all the same"
    document = (await client.get(url)).json()["documents"][0]
    read = await client.get(f"{url}/files/{document['id']}")
    assert read.headers["content-disposition"].startswith("attachment")
    assert (await client.get(f"{url}/files/{document['id']}/preview")).status_code == 404


def _huge() -> bytes:
    """A small PNG that says it is 12,000 by 12,000: its header alone is changed."""
    content = bytearray(a_photo())
    content[16:24] = (12_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        pytest.param("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "photo_broken", id="broken"),
        pytest.param("a.png", a_photo()[:60], "photo_broken", id="cut off"),
        pytest.param("a.png", _huge(), "photo_too_large", id="a bomb"),
        pytest.param("a.png", a_photo(form="JPEG"), "file_content", id="another type"),
        pytest.param("a.pdf", b"%PDF-1.7\n", "photo_type", id="no photo"),
        pytest.param("a.svg", b"<svg onload='x'/>", "file_type", id="a program"),
        pytest.param("a.png", b"", "file_empty", id="empty"),
    ],
)
async def test_what_is_no_photo_is_refused(manager, made, name, content, code):
    answer = await bring(manager, made, name, content)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


async def test_a_photo_says_what_it_shows_and_there_are_not_too_many(manager, made, monkeypatch, engineer):
    url = f"{URL}/{made.id}/files/photo"
    silent = await manager.client.post(url, files={"file": ("a.png", a_photo())}, headers=manager.headers)
    assert silent.json()["errors"][0]["code"] == "alt_missing"
    assert (await bring(engineer, made)).status_code == 403
    monkeypatch.setattr(instrument_files, "MOST_FILES", 1)
    assert (await bring(manager, made)).status_code == 201
    full = await bring(manager, made, content=a_photo(color="red"))
    assert (full.status_code, full.json()["type"]) == (409, "/problems/too-many-instrument-files")


async def test_the_core_metadata_is_told_under_the_standards_names(manager, client, session):
    made = await an_instrument(
        session,
        manager.organisation,
        keywords=["电镜"],
        position={"longitude": 125.3, "latitude": 43.8, "datum": "wgs84"},
    )
    told = (await client.get(f"{URL}/{made.id}/core-metadata")).json()
    assert list(told) == ["标识符", "资源名称", "描述", "关键词", "生成日期", "注册日期", "扩展"]
    assert told["标识符"].endswith(f"/instruments/{made.id}")
    assert told["关键词"] == ["电镜"]
    all_of_it = (await client.get("/api/v1/instrument-core-metadata")).json()["items"]
    assert all_of_it == [told]
    later = {"updated_since": day(1).isoformat()}
    assert (await client.get("/api/v1/instrument-core-metadata", params=later)).json()["items"] == []
    assert (told["扩展"]["经度"], told["扩展"]["坐标系"]) == ("125.3", "WGS-84")
    # The same as XML, by the address or by what is accepted; what was taken out is told to whoever asks for it.
    name = "{urn:duijie:core-metadata:1}"
    for query, accept in (("?format=xml", "application/json"), ("", "text/xml, */*")):
        answer = await client.get(f"{URL}/{made.id}/core-metadata{query}", headers={"Accept": accept})
        assert answer.headers["content-type"].startswith("application/xml")
        one = fromstring(answer.text)
        assert one.findtext(f"{name}标识符") == told["标识符"]
        assert one.findtext(f"{name}扩展/{name}坐标系") == "WGS-84"
    await an_instrument(session, manager.organisation, name="留下的")
    assert (await manager.post(f"{URL}/{made.id}/retirement")).status_code == 200
    left = (await client.get("/api/v1/instrument-core-metadata")).json()["items"]
    assert [one["资源名称"] for one in left] == ["留下的"]
    found = await client.get("/api/v1/instrument-core-metadata?deleted=true&format=xml&limit=1")
    gone = fromstring(found.text)
    assert [(one.get("status"), one.findtext(f"{name}标识符")) for one in gone] == [("deleted", told["标识符"])]
    following = {"deleted": "true", "format": "xml", "limit": "1", "cursor": gone.get("next_cursor")}
    rest = fromstring((await client.get("/api/v1/instrument-core-metadata", params=following)).text)
    assert [(one.get("status"), one.findtext(f"{name}资源名称")) for one in rest] == [(None, "留下的")]
    before = {"updated_until": day(-1).isoformat(), "deleted": "true"}
    assert (await client.get("/api/v1/instrument-core-metadata", params=before)).json()["items"] == []
