"""Search by words of any length: the answers of a plain comparison, found by an index."""

import random
from uuid import UUID

import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from sqlalchemy import func, insert, select, text, update

from marketplace.docking.models import Event
from marketplace.identity.models import Organisation
from marketplace.kernel import searching
from marketplace.labs.models import Instrument
from marketplace.listings import derived
from marketplace.listings.models import Listing, Problem
from tests.given.docking import an_event
from tests.given.labs import an_instrument
from tests.given.listings import a_listing

# Few letters, so that words are found; wildcards, quotes, letters beyond the basic plane, parts of letters.
LETTERS = "电池膜aAiİ5%_\\'\"\n 𠮷é\u0301\u200d👩ﬁ{}"
TEXTS = ["".join(random.Random(n).choices(LETTERS, k=n % 23)) for n in range(400)] + [
    "",
    "电",
    "aa",
    "aaa",
    "电池" * 900,
]


@pytest.fixture
async def texts(given, session) -> dict[UUID, str]:
    at = await given.organisation()
    made = [a_listing(Problem, at) for _ in TEXTS]
    session.add_all(made)
    await session.flush()
    for listing, words in zip(made, TEXTS, strict=True):
        await session.execute(update(Listing).where(Listing.id == listing.id).values(words=words))
    await session.commit()
    return {listing.id: words for listing, words in zip(made, TEXTS, strict=True)}


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@for_all(word=some.text(alphabet=LETTERS, min_size=1, max_size=4))
async def test_what_is_found_is_what_holds_the_word(texts, session, word):
    wanted = {one for one, words in texts.items() if word in words}
    for forced in ("on", "off"):
        # With the index and without it.
        await session.execute(text(f"set local enable_seqscan = {forced}"))
        found = await session.scalars(select(Listing.id).where(searching.holds(Listing.words, word)))
        assert set(found) == wanted


@pytest.fixture
async def names(session) -> list[str]:
    names = [name for name in TEXTS if 0 < len(name) < 100]
    now = func.now()
    rows = [
        {"uscc": f"{n:018d}", "name": name, "kinds": ["institute"], "region": "220100", "created_at": now}
        for n, name in enumerate(names)
    ]
    for row in rows:
        await session.execute(insert(Organisation).values(row))
    await session.commit()
    return names


@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@for_all(phrase=some.text(alphabet=LETTERS, min_size=1, max_size=5))
async def test_names_are_found_as_a_plain_comparison_finds_them(names, session, phrase):
    plain = await session.scalars(select(Organisation.id).where(Organisation.name.icontains(phrase, autoescape=True)))
    found = await session.scalars(select(Organisation.id).where(searching.holds_in_any_case(Organisation.name, phrase)))
    assert sorted(found) == sorted(plain)


@pytest.mark.parametrize(
    ("index", "statement"),
    [
        ("listing_grams_idx", select(Listing.id).where(searching.holds(Listing.words, "电池"))),
        ("listing_grams_idx", select(Listing.id).where(searching.holds(Listing.words, "膜"))),
        ("listing_grams_idx", select(Listing.id).where(searching.holds(Listing.words, "电池膜"))),
        ("instrument_grams_idx", select(Instrument.id).where(searching.holds(Instrument.words, "电池"))),
        ("event_grams_idx", select(Event.id).where(searching.holds(Event.words, "电池"))),
        ("organisation_grams_idx", select(Organisation.id).where(searching.holds_in_any_case(Organisation.name, "研"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_words_of_every_length_are_looked_up_in_an_index(session, index, statement):
    await session.execute(text("set local enable_seqscan = off"))
    await session.execute(text("set local enable_indexscan = off"))
    told = str(statement.compile(compile_kwargs={"literal_binds": True}, dialect=session.bind.dialect))
    plan = "\n".join((await session.scalars(text("explain " + told.replace(":", "\\:")))).all())
    assert index in plan, plan
    assert "Index Cond" in plan


async def test_the_lists_find_words_of_one_letter_and_of_two(given, session, client):
    at = await given.organisation(name="吉林某研究所")
    session.add(a_listing(Problem, at, title="钠离子电池", description="循环寿命。"))
    await an_instrument(session, at, name="电池测试台")
    await an_event(session, at, title="电池对接会")
    await session.commit()
    for path in ("problems", "instruments", "events"):
        for q, many in (("电池", 1), ("池", 1), ("电 池", 1), ("池电", 0), ("膜", 0)):
            items = (await client.get(f"/api/v1/{path}", params={"q": q})).json()["items"]
            assert len(items) == many, (path, q)
    for q, many in (("研究", 1), ("研", 1), ("究研", 0), ("某研究所", 1)):
        assert len((await client.get("/api/v1/organisations", params={"q": q})).json()["items"]) == many
    assert derived.folded("Ａ") == "a"
