"""Every score can be redone: the parts add up, and each part follows from counts that are shown."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.listings.models import Achievement
from marketplace.pairings import pairings, reading
from marketplace.pairings.shown import Shown
from matching import Query, Ranking, Reasons
from matching.asides import is_aside
from matching.segments.index import SharedIndex
from matching.text import count_all
from schemas.codes import TABLES
from schemas.identity import Verification
from schemas.listings import CooperationMode, ListingKind, Stage
from schemas.pairings import Pairing
from tests.given import listings
from tests.marketplace.pairings.conftest import added_up
from tests.matching.given import emphasis

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WORDS = "固态 电解质 薄膜 流延 人参 皂苷 提取 秸秆 还田 铝合金 焊接 疲劳 LoRa SiC/Al ≥60HRC 的 和 ， 。 \n"

titles = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=8).map("".join)
texts = st.none() | st.lists(st.sampled_from(WORDS.split(" ")), max_size=30).map("".join) | st.text(max_size=40)
money = st.none() | st.decimals(0, 10**9, places=2)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


def codes(table: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(list(TABLES[table].codes)), max_size=3)


COMMON: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids(),
    "title": titles,
    "description": texts,
    "keywords": st.lists(titles, max_size=3),
    "industries": codes("industries"),
    "disciplines": codes("disciplines"),
    "region": st.none() | st.sampled_from(list(TABLES["regions"].codes)),
    "cooperation_modes": st.lists(st.sampled_from(CooperationMode), max_size=3),
    "confirmed_at": st.none() | moments,
    "confirmed_until": st.none() | moments,
}
INDICATORS = st.fixed_dictionaries(
    {
        "name": titles,
        "operator": st.sampled_from([">=", "between"]),
        "value": st.just("1"),
        "upper": st.just("2"),
        "unit": st.none() | st.just("mS/cm"),
    }
)


def records(kind: ListingKind, **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Shown]:
    nothing = dict.fromkeys(Shown._fields)
    owner = {"organisation_name": "某大学", "organisation_verification": Verification.VERIFIED}

    def made(fields: dict[str, Any]) -> Shown:
        return Shown(**nothing | owner | fields | {"kind": kind, "organisation_id": fields["id"]})

    return st.fixed_dictionaries(COMMON | own).map(made)


ACHIEVEMENTS = records(
    ListingKind.ACHIEVEMENT,
    summary=texts,
    trl=st.none() | st.integers(1, 9),
    stage=st.none() | st.sampled_from(Stage),
    price_low=money,
    price_high=money,
)
PROBLEMS = records(
    ListingKind.PROBLEM,
    background=texts,
    tried=texts,
    indicators=st.lists(INDICATORS, max_size=2),
    budget_low=money,
    budget_high=money,
)


def ranked(among: list[Any], query: Query, k: int) -> tuple[Ranking, list[Reasons]]:
    index = SharedIndex()
    documents = {str(row.id): reading.document(row) for row in among}
    index.put_many(documents.items())
    snapshot, now = index.refresh(), NOW.timestamp()
    ranking = snapshot.rank(query, k=k, now=now)
    return ranking, [snapshot.explain(query, match.key, documents[match.key], now=now) for match in ranking.items]


def told(asked: Shown, among: list[Any]) -> list[dict[str, Any]]:
    """The items of a ranking as they go over the wire."""
    by_key = {str(listing.id): listing for listing in among}
    ranking, why = ranked(among, reading.query(asked), 50)
    return [
        Pairing.model_validate(pairings._pairing(by_key[match.key], reasons, verdicts=None, in_full=True)).model_dump(
            mode="json"
        )
        for match, reasons in zip(ranking.items, why, strict=True)
    ]


@given(
    st.one_of(
        st.tuples(PROBLEMS, st.lists(ACHIEVEMENTS, min_size=1, max_size=5, unique_by=lambda one: one.id)),
        st.tuples(ACHIEVEMENTS, st.lists(PROBLEMS, min_size=1, max_size=5, unique_by=lambda one: one.id)),
    )
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_parts_add_up_whatever_the_records_say(pair):
    asked, among = pair
    for item in told(asked, among):
        reasons = item["reasons"]
        assert abs(added_up(item) - item["score"]) <= 1e-6
        assert 0 < item["score"] <= 1.25 + 1e-9
        assert (
            abs(reasons["text"] - sum(t["contribution"] for t in reasons["terms"]) - reasons["other"]["contribution"])
            <= 1e-6
        )
        for term in reasons["terms"]:
            assert abs(sum(part["contribution"] for part in term["parts"]) - term["contribution"]) <= 1e-9
        for signal in reasons["signals"]:
            expected = reasons["text"] * signal["weight"] * (signal["value"] or 0)
            assert abs(expected - signal["contribution"]) <= 1e-9
            assert signal["known"] == (signal["value"] is not None)
        Pairing.model_validate(item)


MARKS = {"word": "", "pair": "~", "character": "^"}


def all_terms(text: str) -> list[str]:
    return list(Counter(count_all(text)).elements())


def redone(query: str, document: str, corpus: list[str]) -> tuple[dict[str, dict[str, float]], float, float]:
    """The score with plain dictionaries: each shared term with its numbers, and both lengths."""
    counts = [Counter(all_terms(text)) for text in corpus]
    df = Counter(term for count in counts for term in count)
    idf = {term: math.log((1 + len(corpus)) / (1 + df[term])) + 1 for term in df}

    cf = Counter(term for text in corpus for term in all_terms(text))
    focus = {term: ((cf[term] + 5) / (df[term] + 5)) ** 0.3 for term in df}
    brevity = 150 / (150 + len(set(all_terms(query))))
    aside = {term: brevity if term.startswith("^") or is_aside(term) else 1.0 for term in df}

    def raw(text: str) -> dict[str, float]:
        return {term: (1 + math.log(1 + math.log(tf))) * idf[term] for term, tf in Counter(all_terms(text)).items()}

    tfq, tfd = Counter(all_terms(query)), Counter(all_terms(document))
    asked = {
        term: (1 + math.log(tf)) * idf[term] * focus[term] * emphasis(term) * aside[term]
        for term, tf in tfq.items()
        if term in df
    }
    query_norm = math.hypot(*asked.values())
    pivot = 0.8 * brevity * fmean(math.hypot(*raw(text).values()) for text in corpus)
    document_norm = math.hypot(*raw(document).values()) + pivot
    wq = {term: weight / query_norm for term, weight in asked.items()}
    wd = {term: weight / document_norm for term, weight in raw(document).items()}
    shared = wq.keys() & wd.keys()
    parts = {
        term: {
            "tf_query": tfq[term],
            "tf_document": tfd[term],
            "df": df[term],
            "cf": cf[term],
            "idf": idf[term],
            "focus": focus[term],
            "emphasis": emphasis(term),
            "aside": aside[term],
            "weight_query": wq[term],
            "weight_document": wd[term],
            "contribution": wq[term] * wd[term],
        }
        for term in shared
        if not all(one.startswith("^") for one in shared)
    }
    return parts, query_norm, document_norm


async def test_one_pairing_is_redone_by_hand(given, session, client, engine):
    university, enterprise = await given.university(), await given.enterprise()
    texts_of = [
        ("固态电解质薄膜的流延制备", "含LLZO的固态电解质薄膜致密，界面阻抗低。固态电解质已验证。"),
        ("人参皂苷的低温提取", "低温提取人参皂苷，收率提高。"),
        ("铝合金焊接的疲劳寿命", "焊接接头的疲劳裂纹检测。"),
    ]
    found = await listings.achievements(
        session,
        university.organisation,
        *[{"title": title, "description": body, "keywords": ["薄膜"], "trl": 5} for title, body in texts_of],
    )
    fields = {
        "title": "降低LLZO固态电池界面阻抗",
        "description": "需要固态电解质薄膜。",
        "cooperation_modes": ["transfer"],
    }
    (need,) = await listings.problems(session, enterprise.organisation, fields | {"budget_high": Decimal(100)})
    await engine.load()
    answer = (await client.get(f"/api/v1/problems/{need.id}/pairings/{found[0].id}")).json()
    reasons = answer["reasons"]

    corpus = [f"{title}。{body}\n薄膜" for title, body in texts_of]
    parts, query_norm, document_norm = redone("降低LLZO固态电池界面阻抗。需要固态电解质薄膜。", corpus[0], corpus)
    assert reasons["documents"] == 3
    assert math.isclose(reasons["query_norm"], query_norm, rel_tol=1e-12)
    assert math.isclose(reasons["document_norm"], document_norm, rel_tol=1e-12)
    listed = {MARKS[part["kind"]] + part["term"]: part for term in reasons["terms"] for part in term["parts"]}
    assert listed.keys() <= parts.keys()
    assert len(parts) - len(listed) == reasons["other"]["terms"]
    for term, part in listed.items():
        for name, value in parts[term].items():
            assert math.isclose(part[name], value, rel_tol=1e-12), (term, name)
    text = sum(part["contribution"] for part in parts.values())
    assert math.isclose(reasons["text"], text, abs_tol=1e-9)

    signals = {signal["name"]: signal for signal in reasons["signals"]}
    # The firm wants to buy (7), the achievement is at 5: a quarter less for each level. Confirmed just now.
    assert signals["trl"]["value"] == 0.5
    assert math.isclose(signals["freshness"]["value"], 1, abs_tol=1e-3)
    assert [name for name, signal in signals.items() if not signal["known"]] == ["field", "region", "budget"]
    by_hand = text * (1 + 0.05 * 0.5 + 0.02 * signals["freshness"]["value"])
    assert abs(answer["score"] - by_hand) <= 1e-6


async def test_a_pairing_alone_has_the_score_that_it_has_in_the_ranking(given, session, client, engine):
    university, enterprise = await given.university(), await given.enterprise()
    found = await listings.achievements(session, university.organisation, {"confirmed_at": None}, {"title": "电解质"})
    (need,) = await listings.problems(session, enterprise.organisation, {})
    await engine.load()
    url = f"/api/v1/problems/{need.id}/pairings"
    ranked = {item["id"]: item for item in (await client.get(url)).json()["items"]}
    for listing in found:
        alone = (await client.get(f"{url}/{listing.id}")).json()
        together = ranked[str(listing.id)]
        assert math.isclose(alone["score"], together["score"], abs_tol=1e-6)
        assert alone["reasons"]["sentence"] == together["reasons"]["sentence"]
        assert [t["term"] for t in alone["reasons"]["terms"]] == [t["term"] for t in together["reasons"]["terms"]]


def test_what_is_read_of_a_record_is_public_and_nothing_else():
    """The confidential part lives in another table; contact and team are public to the signed in, and never matched."""
    known = {"ACHIEVEMENT": {"summary", "trl", "stage", "price_low", "price_high"}}
    for kind in ListingKind:
        named = {column.key for column in reading.columns(kind)}
        assert not named & {"contact", "team", "words", "state_note", "confidential_part", "source", "external_id"}
        assert named >= known.get(kind.name, {"background", "indicators", "tried", "budget_low", "budget_high"})


def test_a_record_that_was_confirmed_long_ago_is_less_fresh():
    def one(days: int) -> SimpleNamespace:
        return SimpleNamespace(
            id=days, kind=ListingKind.PROBLEM, title="固态电解质", background=None, description=None, indicators=[],
            tried=None, keywords=[], industries=[], disciplines=[], region=None, cooperation_modes=[],
            budget_low=None, budget_high=None, confirmed_at=NOW - timedelta(days=days), confirmed_until=None,
        )  # fmt: skip

    asked = Achievement(kind=ListingKind.ACHIEVEMENT, title="固态电解质", keywords=[], industries=[], disciplines=[],
                        cooperation_modes=[])  # fmt: skip
    ranking, why = ranked([one(0), one(90), one(180), one(400)], reading.query(asked), 9)
    fresh = {reasons.key: reasons.signals[-1].value for reasons in why}
    assert fresh == {"0": 1.0, "90": 0.5, "180": 0.0, "400": 0.0}
    assert [match.key for match in ranking.items] == ["0", "90", "180", "400"]
