"""A hundred strings are hidden in confidential parts; then everything is asked for by everybody, and none comes back."""

import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text, update

from marketplace.app import create_app
from marketplace.kernel import clock, log
from marketplace.kernel.jobs import Place
from marketplace.listings import confidential, jobs
from marketplace.listings.models import Listing
from marketplace.settings import LogFormat
from schemas.identity import Role
from tests.given.kinds import KINDS
from tests.given.people import Given

# Letters that no id and no digest holds, so that a hit is a leak.
CANARIES = [f"金丝雀{number:03d}Zqx" for number in range(100)]
# Where confidential words may stand: their own two tables. (`sha256` of a file tells nobody its content.)
HOME = {"confidential", "attachment"}
EVERY_TEXT = """
select table_name, column_name, data_type from information_schema.columns
where table_schema = 'public' and data_type in ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')
"""


def found_in(words: str) -> list[str]:
    """The canaries in some text, however it was written."""
    if "\\u" in words:
        words += words.encode().decode("unicode_escape", "ignore")
    return [part for part in ("金丝雀", "Zqx", *map(quote, "金丝雀")) if part in words]


class Hidden:
    """Drafts and published records whose confidential parts hold every canary, with people in every relation to them."""

    def __init__(self) -> None:
        self.ids: list[tuple[str, str]] = []
        # Files and requests of each record.
        self.parts: dict[str, list[str]] = {}
        self.organisation = ""
        self.left = iter(CANARIES)

    def some(self, count: int) -> str:
        return "，".join(next(self.left) for _ in range(count))


@pytest.fixture
async def hidden(given, owner, stranger) -> Hidden:
    made = Hidden()
    made.organisation = str(owner.organisation.id)
    for kind in KINDS:
        for published in (True, False):
            record = await (kind.published if published else kind.draft)(owner, title="电池", region="220104")
            parts = made.parts.setdefault(record["id"], [])
            for version in ("0", "1"):
                put = await owner.put(
                    kind.at(record, "confidential"),
                    {"text": made.some(5), "nda": made.some(4)},
                    headers={"If-Match": f'"{version}"', "Idempotency-Key": made_key(record, version)},
                )
                assert put.status_code == 200
            for _ in range(3):
                added = await owner.client.post(
                    kind.at(record, "attachments", "confidential"),
                    files={"file": (f"{made.some(1)}.txt", made.some(1).encode())},
                    headers=owner.headers | {"Idempotency-Key": f"file-{record['id']}-{len(parts)}"},
                )
                assert added.status_code == 201
                parts.append(added.json()["id"])
            assert (await owner.delete(kind.at(record, "attachments", parts[-1]))).status_code == 204
            made.ids.append((kind.plural, record["id"]))
            if published:
                asked = await stranger.post(kind.at(record, "admission-requests"), {"message": "请"})
                admitted = await owner.post(kind.at(record, "readers"), {"email": "reader@test.example"})
                parts += [asked.json()["id"], admitted.json()["id"]]
    assert next(made.left, None) == "金丝雀096Zqx"
    return made


def made_key(record, version) -> str:
    return f"secret-{record['id']}-{version}"


@pytest.fixture
async def everybody(given, owner, stranger, client):
    return {
        "anonymous": (client, {}),
        "stranger with a request": (client, stranger.headers),
        "person without a role": (client, (await given.person()).headers),
        "viewer of the same organisation": (client, (await given.person(Role.VIEWER, owner.organisation)).headers),
        "lab manager of the same organisation": (
            client,
            (await given.person(Role.LAB_MANAGER, owner.organisation)).headers,
        ),
        "platform administrator": (client, (await given.admin()).headers),
        "auditor": (client, (await given.person(Role.AUDITOR)).headers),
    }


def every_get(app, hidden: Hidden) -> list[str]:
    """The address of every GET route of the application, filled in with every record, file and request there is."""
    found: set[str] = set()

    def routes(router, prefix=""):
        for route in router.routes:
            inner = getattr(route, "original_router", None)
            if isinstance(route, APIRoute):
                if "GET" in route.methods:
                    found.add(prefix + route.path)
            elif inner is not None:
                routes(inner, prefix + (getattr(route.include_context, "prefix", "") or ""))
            elif "GET" in (getattr(route, "methods", None) or ()):
                found.add(prefix + route.path)

    routes(app)
    found |= {path for path, methods in app.openapi()["paths"].items() if "get" in methods}
    return list(dict.fromkeys(filled for path in sorted(found) for filled in filled_in(path, hidden)))


def filled_in(path: str, hidden: Hidden) -> Iterator[str]:
    for plural, record in hidden.ids if "listing_id" in path else hidden.ids[:1]:
        if "listing_id" in path and f"/{plural}/" not in path and "{plural}" not in path:
            continue
        names = {"listing_id": record, "plural": plural, "organisation_id": hidden.organisation}
        named = re.sub(r"\{(\w+)[^}]*\}", lambda name, names=names: names.get(name[1], name[0]), path)
        for other in hidden.parts[record] if named.endswith(("attachment_id}", "admission_id}")) else [record]:
            yield re.sub(r"\{[^}]*\}", other, named)


async def test_no_route_shows_anybody_a_canary(app, hidden, everybody):
    addresses = every_get(app, hidden)
    for plural, record in hidden.ids:
        assert f"/api/v1/{plural}/{record}/confidential" in addresses
    await app.state.engine.load()
    answered = 0
    for who, (client, headers) in everybody.items():
        for address in addresses:
            answer = await client.get(address, headers=headers)
            answered += answer.status_code == 200
            assert not found_in(answer.text), (who, address)
            assert not found_in(repr(answer.headers.multi_items())), (who, address)
            assert answer.status_code < 500 or answer.status_code == 503, (who, address, answer.text)
    assert answered > 100


async def test_lists_and_search_know_no_canary(hidden, everybody):
    for who, (client, headers) in everybody.items():
        for kind in KINDS:
            for params in ({}, {"mine": "true"}, {"state": "draft"}, {"q": "电池"}, {"region": "220000"}):
                page = await client.get(kind.url, params=params, headers=headers)
                assert page.status_code == 200
                assert not found_in(page.text), who
            for canary in (CANARIES[0], CANARIES[50], "金丝雀", "Zqx"):
                page = await client.get(kind.url, params={"q": canary}, headers=headers)
                assert page.json() == {"items": [], "next_cursor": None}, who


async def test_not_even_the_owner_finds_a_record_by_its_secret(hidden, owner):
    for kind in KINDS:
        for params in ({"q": "金丝雀"}, {"q": "金丝雀", "mine": "true"}):
            assert (await owner.get(kind.url, params=params)).json()["items"] == []
        assert len((await owner.get(kind.url, params={"q": "电池", "mine": "true"})).json()["items"]) == 2


async def test_the_owners_public_views_and_history_hold_no_canary(hidden, owner):
    for plural, record in hidden.ids:
        for path in ("", "/revisions", "/readers", "/completeness"):
            answer = await owner.get(f"/api/v1/{plural}/{record}{path}")
            assert answer.status_code == 200
            assert not found_in(answer.text)


async def test_the_owner_and_only_the_confidential_routes_show_them(hidden, owner):
    """The test can see: where a canary belongs, it is found."""
    for plural, record in hidden.ids:
        shown = await owner.get(f"/api/v1/{plural}/{record}/confidential")
        assert len([canary for canary in CANARIES if canary in shown.text]) == 11
    plural, record = hidden.ids[0]
    assert "金丝雀" in (await owner.get(f"/api/v1/{plural}/{record}/attachments/{hidden.parts[record][0]}")).text


async def test_no_table_but_their_own_holds_a_canary(hidden, everybody, owner, stranger, session, settings, database):
    """Facts, letters, jobs, idempotency keys, revisions, search text: every column of every table."""
    for client, headers in everybody.values():
        for plural, record in hidden.ids:
            await client.get(f"/api/v1/{plural}/{record}/confidential", headers=headers)
    for plural, record in hidden.ids:
        await owner.get(f"/api/v1/{plural}/{record}/confidential")
    await session.execute(update(Listing).values(confirmed_until=clock.now() + jobs.REMIND_BEFORE / 2))
    await session.commit()
    await jobs.remind(Place(database, settings), {})
    await session.execute(update(Listing).values(confirmed_until=clock.now()))
    await session.commit()
    await jobs.expire(Place(database, settings), {})
    columns = (await session.execute(text(EVERY_TEXT))).all()
    assert {"fact", "letter", "idempotency_key", "pgqueuer", "listing_revision", "listing"} <= {c[0] for c in columns}
    holding = set()
    for table, column, kind in columns:
        shown = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
        escaped = "金丝雀".encode().decode("latin-1").encode("unicode_escape").decode()
        octal = "".join(f"\\{byte:03o}" for byte in "金丝雀".encode())
        unicode = json.dumps("金丝雀").strip('"')
        hits = await session.scalar(
            text(f'select count(*) from "{table}" where {shown} like any(:patterns)'),
            {"patterns": [f"%{word}%".replace("\\", "\\\\") for word in ("金丝雀", "Zqx", escaped, octal, unicode)]},
        )
        if hits:
            holding.add(table)
    assert holding == HOME
    letters = await session.scalar(text("select count(*) from letter"))
    assert letters >= 1


async def test_errors_about_confidential_input_do_not_repeat_it(kind, owner, client):
    made = await kind.with_secret(owner)
    url, canary = kind.at(made, "confidential"), CANARIES[0]
    refusals = [
        await owner.put(url, {"text": canary + "\x00"}, headers={"If-Match": '"1"'}),
        await owner.put(url, {"text": [canary]}, headers={"If-Match": '"1"'}),
        await owner.put(url, {"text": canary, "nda": {"a": canary}}, headers={"If-Match": '"1"'}),
        await owner.put(url, {"text": canary}, headers={"If-Match": f'"{canary}"'.encode()}),
        await owner.put(url, {"text": canary}),
        await owner.put(url, {"text": canary}, headers={"If-Match": '"9"'}),
        await owner.put(url, {"text": canary * 3000}, headers={"If-Match": '"1"'}),
        await client.put(url, json={"text": canary}, headers={"If-Match": '"1"'}),
        await owner.post(kind.at(made, "confidential", "acceptances"), {"nda": canary}),
        await owner.client.post(
            kind.at(made, "attachments", "confidential"), files={"file": (f"{canary}.exe", b"x")}, headers=owner.headers
        ),
        await owner.client.post(
            kind.at(made, "attachments", "confidential"),
            files={"file": ("a.pdf", canary.encode())},
            headers=owner.headers,
        ),
    ]
    for refused in refusals:
        assert 400 <= refused.status_code < 500, refused.text
        assert not found_in(refused.text)
        assert not found_in(repr(refused.headers.multi_items()))


@pytest.mark.parametrize("form", list(LogFormat))
async def test_logs_hold_no_canary_even_when_writing_it_fails(
    form, settings, database, session, kind, capsys, monkeypatch
):
    before = logging.getLogger().handlers[:]
    app = create_app(settings, database)
    log.configure(form, "DEBUG")
    try:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            given = Given(session, client)
            owner, stranger = await given.university(), await given.enterprise()
            made = await kind.with_secret(owner, CANARIES[1], nda=CANARIES[2])
            url = kind.at(made, "confidential")
            for who in (owner, stranger):
                await who.get(url)
            await owner.client.post(
                kind.at(made, "attachments", "confidential"),
                files={"file": (f"{CANARIES[3]}.txt", CANARIES[4].encode())},
                headers=owner.headers,
            )
            await owner.put(url, {"text": CANARIES[5] + "\u202e"}, headers={"If-Match": '"1"'})

            async def breaks(session, listing, *, text):
                session.add(confidential.Confidential(listing_id=listing.id, version=2, text=text, nda=text))
                await session.flush()

            async def fails(session, listing, *, text):
                raise RuntimeError("the disk is full")

            for failing in (breaks, fails):
                with monkeypatch.context() as patch:
                    patch.setattr(confidential, "mark", failing)
                    failed = await owner.put(
                        url, {"text": CANARIES[6], "nda": CANARIES[7]}, headers={"If-Match": '"1"'}
                    )
                    assert failed.status_code in {409, 500}
                    assert not found_in(failed.text)
        logged = capsys.readouterr()
        assert "request" in logged.err
        assert "the disk is full" in logged.err
        assert not found_in(logged.err + logged.out)
    finally:
        logging.getLogger().handlers[:] = before
