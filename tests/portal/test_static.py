"""The portal's own files, and the documentation drawn from them."""

import gzip
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import marketplace.portal
from marketplace.portal import assets

HERE = Path(marketplace.portal.__file__).parent


@pytest.mark.parametrize("name", sorted(assets.assets()))
async def test_every_file_is_served_with_its_type_and_mark(client, name):
    address = assets.address(name)
    answer = await client.get(address, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.content == (HERE / "static" / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await client.get(
        address, headers={"Accept-Encoding": "identity", "If-None-Match": f'W/{answer.headers["etag"]}, "other"'}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_a_file_asked_for_without_its_mark_is_asked_for_again(client):
    for mark in ("", "?v=old"):
        answer = await client.get(f"/static/portal.css{mark}")
        assert answer.headers["cache-control"] == "public, no-cache"


async def test_files_travel_packed(client):
    async with client.stream("GET", "/static/portal.css", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == (HERE / "static" / "portal.css").read_bytes()
    assert (
        answer.headers["etag"]
        != (await client.get("/static/portal.css", headers={"Accept-Encoding": "x"})).headers["etag"]
    )


@pytest.mark.parametrize("name", ["nothing.css", "..%2Frouter.py", "portal.css%00", "%2e%2e/router.py"])
async def test_nothing_else_is_served(client, name):
    assert (await client.get(f"/static/{name}")).status_code in {400, 404}


async def test_a_browsers_icon_is_there(client):
    answer = await client.get("/favicon.ico")
    assert answer.headers["content-type"] == "image/svg+xml"


async def test_the_documentation_is_drawn_from_our_own_files(anybody, client):
    page = await anybody.page("/docs")
    assert {node.attrs["src"].partition("?")[0] for node in page.all("script")} == {
        "/static/htmx.min.js",
        "/static/portal.js",
        "/static/swagger-ui-bundle.js",
        "/static/docs.js",
    }
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.")
    assert (await client.get("/redoc")).status_code == 404


async def test_pages_stay_out_of_the_description_of_the_api(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert not [path for path in paths if path.startswith(("/static", "/desk", "/sign", "/organisations", "/problems"))]


def test_every_file_of_the_portal_is_packed_with_the_program():
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = [*project["tool"]["setuptools"]["package-data"]["*"], "*.py"]
    for file in HERE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert any(fnmatch(file.name, pattern) for pattern in patterns), file


def test_what_is_not_ours_has_its_licence_beside_it():
    names = {file.name for file in (HERE / "static").iterdir()}
    ours = {"docs.js", "door.js", "plan.js", "portal.js", "portal.css", "mark.svg"}
    licences = {name.removesuffix(".LICENSE.txt") for name in names if name.endswith(".LICENSE.txt")}
    assert {name for name in names - ours if not name.startswith(tuple(licences))} == set()
    assert "swagger-ui.NOTICE.txt" in names
    assert "github.com/paulmillr/qr" in (HERE / "static" / "qr-decode.min.js").read_text(encoding="utf-8")[:200]
    assert "htmx" in (HERE / "static" / "htmx.min.js").read_text(encoding="utf-8")[:200]
