"""The bytes of a list are what its documented schema promises, and cost the database the same at any size."""

import asyncio
from datetime import UTC, datetime, timedelta

import jsonschema_rs
import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import asyncpg

from marketplace.achievements import achievements
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.searching import holds
from marketplace.listings import records
from marketplace.listings.bodies import written
from marketplace.listings.models import Listing
from marketplace.problems import problems
from schemas.achievements import AchievementBody, AchievementCard
from schemas.base import Page
from schemas.identity import Verification
from schemas.listings import ListingCard
from schemas.problems import ProblemBody, ProblemCard
from tests.given.kinds import ODD, PROBLEM
from tests.given.listings import a_listing

CARD = {"achievement": AchievementCard, "problem": ProblemCard}
BODY = {"achievement": AchievementBody, "problem": ProblemBody}
FILTERED = {"region": "220000", "q": "碳纤维", "mode": "licence"}


@pytest.fixture
async def published(kind, owner, session):
    """Records with everything, with nothing, and with moments on the second."""
    await kind.published(owner, **kind.every_field)
    await kind.published(owner)
    exact = datetime(2026, 1, 1, tzinfo=UTC)
    session.add(
        a_listing(kind.cls, owner.organisation, title=ODD, published_at=exact, listed_at=exact, region="220104")
    )
    await session.commit()


@pytest.mark.parametrize("params", [{}, FILTERED], ids=["all", "filtered"])
async def test_a_page_is_valid_by_the_schema_that_openapi_gives_for_it(params, kind, published, client):
    document = (await client.get("/openapi.json")).json()
    schema = document["paths"][kind.url]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    page = await client.get(kind.url, params=params)
    validator = jsonschema_rs.validator_for(schema | {"components": document["components"]}, validate_formats=True)
    assert page.headers["content-type"] == "application/json"
    assert page.json()["items"]
    validator.validate(page.json())


@pytest.mark.parametrize("params", [{}, FILTERED], ids=["all", "filtered"])
async def test_a_page_equals_what_pydantic_makes_of_the_same_rows(params, kind, published, client, session):
    page = await client.get(kind.url, params=params)
    read = Page[CARD[kind.name]].model_validate_json(page.content)
    rows = await session.scalars(records.chosen(kind.cls).order_by(Listing.listed_at.desc(), Listing.id.desc()))
    made = {}
    for listing in rows:
        values = {name: getattr(listing, name) for name in ListingCard.model_fields} | written(listing, BODY[kind.name])
        made[listing.id] = CARD[kind.name].model_validate({name: values[name] for name in CARD[kind.name].model_fields})
    assert read.items == [made[item.id] for item in read.items]
    assert len(read.items) == (3 if not params else 1)
    for shown, item in zip(page.json()["items"], read.items, strict=True):
        assert set(shown) == set(CARD[kind.name].model_fields)
        again = item.model_dump(mode="json")
        moments = {name for name in shown if name.endswith(("_at", "_until"))}
        assert {name: shown[name] for name in shown if name not in moments} == {
            name: again[name] for name in again if name not in moments
        }


@pytest.mark.parametrize(
    ("who", "params", "most"),
    [
        ("nobody", {}, 1),
        ("nobody", FILTERED, 1),
        ("owner", {}, 2),
        ("owner", {"mine": True, "state": "published"}, 2),
    ],
    ids=["nobody", "nobody filtering", "signed in", "mine"],
)
async def test_a_list_asks_the_database_once_whatever_it_holds(
    who, params, most, kind, owner, client, session, statements
):
    asking = client if who == "nobody" else owner
    counts = []
    for _ in range(2):
        session.add_all(a_listing(kind.cls, owner.organisation, region="220104") for _ in range(8))
        await session.commit()
        with statements() as seen:
            assert (await asking.get(kind.url, params=params)).status_code == 200
        counts.append(len(seen))
    assert counts == [most, most]


async def test_reading_a_record_asks_for_the_record_and_its_files(kind, owner, client, statements):
    made = await kind.published(owner, **kind.every_field)
    for number in range(3):
        with statements() as seen:
            assert (await client.get(kind.at(made))).status_code == 200
        assert len(seen) == 2
        with statements() as seen:
            assert (await owner.get(kind.at(made))).status_code == 200
        assert len(seen) == 3
        file = {"file": (f"{number}.txt", b"text")}
        await owner.client.post(kind.at(made, "attachments", "public"), files=file, headers=owner.headers)


ROWS = 20_000
VERIFICATIONS = [Verification.VERIFIED] * 9 + [Verification.SUSPENDED]
FILL = """
insert into listing (id, kind, organisation_id, state, title, description, keywords, industries, disciplines,
    cooperation_modes, listed_at, published_at, confirmed_at, confirmed_until, confidential_part, facets, words,
    version, created_at, updated_at)
select gen_random_uuid(), case when n % 2 = 0 then 'achievement' else 'problem' end,
    (cast(:organisations as uuid[]))[1 + n % 50],
    case when n % 10 = 0 then 'draft' else 'published' end, '标题 ' || n, '说明', '{}', '{}', '{}', '{}',
    now() - n * interval '1 minute', now(), now(), now() + interval '90 days', false,
    array['r:220000', 'i:' || (n % 97)], (select string_agg(md5((n * k)::text), ' ') from generate_series(1, 4) k),
    1, now(), now()
from generate_series(1, :rows) n
"""


@pytest.fixture(scope="module")
async def market(clones):
    """Twenty thousand records, and the plans for reading them."""
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    from tests.given.people import Given

    url = await clones.make()
    engine = create_async_engine(url)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        given = Given(session, None)
        those = [await given.organisation(verification=VERIFICATIONS[number % 10]) for number in range(50)]
        await session.execute(text(FILL), {"organisations": [one.id for one in those], "rows": ROWS})
        await session.commit()
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as alone:
            await alone.execute(text("vacuum analyze"))
        yield session
    await engine.dispose()
    await clones.drop(url)


async def plan(session, sql: str, *values) -> str:
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    return "\n".join(row[0] for row in await raw.fetch(f"explain {sql}", *values))


@pytest.mark.parametrize("generic", [False, True], ids=["custom plan", "generic plan"])
@pytest.mark.parametrize("cards", [achievements.CARDS, problems.CARDS], ids=["achievements", "problems"])
async def test_the_public_list_is_read_from_its_index_at_twenty_thousand(cards, generic, market):
    await market.execute(text(f"set plan_cache_mode = {'force_generic_plan' if generic else 'force_custom_plan'}"))
    for prepared in (cards._first, cards._next):
        values = {"rows": 21, "at": clock.now() - timedelta(days=3), "id": "00000000-0000-0000-0000-000000000000"}
        found = await plan(market, prepared.sql, *prepared.arguments(values))
        assert "listing_open_idx" in found, found
        assert "Seq Scan on listing" not in found
        assert "Sort" not in found
    await market.execute(text("reset plan_cache_mode"))


async def test_a_rare_code_and_an_organisations_own_are_read_from_their_indexes(market):
    organisation = await market.scalar(select(Organisation.id))
    rare = await plan(market, "select id from listing where facets && array['i:absent'] and kind = 'achievement'")
    own = await plan(
        market,
        "select id from listing where organisation_id = $1 and kind = 'problem' order by listed_at desc, id desc limit 21",
        organisation,
    )
    held = str(
        holds(Listing.words, "c4ca4238a0b9").compile(dialect=asyncpg.dialect(), compile_kwargs={"literal_binds": True})
    )
    words = await plan(market, f"select id from listing where {held}")
    assert "listing_facets_idx" in rare
    assert "listing_owner_idx" in own
    assert "listing_grams_idx" in words


async def test_a_page_of_the_market_is_one_walk_along_the_index(market):
    """The rows that a page reads do not grow with the table."""
    cards = achievements.CARDS
    raw = (await (await market.connection()).get_raw_connection()).driver_connection
    sql = f"explain (analyze, costs off, timing off, format json) {cards._first.sql}"
    [row] = await raw.fetch(sql, *cards._first.arguments({"rows": 21}))

    def rows_of(node):
        yield node["Node Type"], node["Actual Rows"] * node["Actual Loops"]
        for child in node.get("Plans", ()):
            yield from rows_of(child)

    assert max(rows for _, rows in rows_of(row[0][0]["Plan"])) <= 21


async def test_amounts_of_a_list_are_written_as_in_the_record(owner, client):
    await PROBLEM.published(owner, budget={"low": "5"}, bounty="7.5")
    [item] = (await client.get(PROBLEM.url)).json()["items"]
    assert (item["budget"], item["bounty"]) == ({"low": "5.00", "high": None}, "7.50")


async def test_lists_of_many_readers_at_once_are_the_same(kind, live):
    owner = await live.given.university()
    for _ in range(3):
        await kind.published(owner)
    pages = await asyncio.gather(*(live.client.get(kind.url) for _ in range(20)))
    assert len({page.text for page in pages}) == 1
