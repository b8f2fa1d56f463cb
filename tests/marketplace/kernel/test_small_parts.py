"""ETags, the clock, limits, locks: small promises, each alone."""

from datetime import timedelta
from threading import Thread

import pytest
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.identity import tokens
from marketplace.kernel import clock, etag, locks, rate
from marketplace.kernel.language import told
from marketplace.kernel.refusals import StaleVersion, TooMany, problems, refusing
from marketplace.kernel.strict_json import StrictRequest
from marketplace.kernel.validation import as_refusal, pointer, told_of
from marketplace.settings import Settings
from schemas.identity import TokenKind


@pytest.mark.parametrize(
    "header",
    [
        '"2"',
        "1",
        '"1" "2"',
        '"1", "2"',
        "*",
        '"01"',
        '"-1"',
        '"1e3"',
        '""',
        "",
        '"x"',
        '"999999999999"',
        "'1'",
        '"\u0661"',
    ],
)
async def test_a_version_that_is_not_the_current_one_is_stale_however_it_is_written(header, given):
    anna = await given.person()
    headers = {"If-Match": header.encode()}
    answer = await anna.client.patch("/api/v1/me", json={"name": "安娜"}, headers=anna.headers | headers)
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/stale-version")


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', '  "1"  '])
async def test_the_current_version_may_come_back_weakened_by_a_proxy(header, given):
    anna = await given.person()
    answer = await anna.client.patch("/api/v1/me", json={"name": "安娜"}, headers=anna.headers | {"If-Match": header})
    assert answer.status_code == 200


async def test_a_change_without_a_version_is_asked_for_one(given):
    anna = await given.person()
    answer = await anna.client.patch("/api/v1/me", json={"name": "安娜"}, headers=anna.headers)
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/version-missing")


def test_a_version_that_was_changed_meanwhile_is_stale():
    etag.check(3, 3)
    with pytest.raises(StaleVersion):
        etag.check(2, 3)


def test_the_clock_can_be_set_ahead_and_comes_back():
    before = clock.now()
    with clock.ahead(timedelta(days=1)), clock.ahead(timedelta(hours=1)):
        assert clock.now() - before >= timedelta(days=1, hours=1)
    assert clock.now() - before < timedelta(hours=1)
    assert clock.now().utcoffset() == timedelta(0)


def test_a_day_begins_at_midnight_in_china():
    today = clock.now().astimezone(clock.BEIJING)
    assert clock.today() == today.date()
    until_midnight = timedelta(hours=24) - timedelta(hours=today.hour, minutes=today.minute, seconds=today.second)
    with clock.ahead(until_midnight):
        assert clock.today() == today.date() + timedelta(days=1)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@hypothesis_settings(max_examples=60, deadline=None)
@for_all(
    count=some.integers(1, 20),
    seconds=some.floats(0.5, 3600),
    steps=some.lists(some.floats(0, 100), min_size=1, max_size=80),
)
def test_no_window_lets_through_more_than_twice_its_count_nor_less_than_its_share(count, seconds, steps):
    hand = Hand()
    limit = rate.Limit("x", count, seconds, monotonic=hand)
    passed = []
    for step in steps:
        hand.now += step
        try:
            limit.spend("k")
        except TooMany as refusal:
            wait = int(refusal.headers["Retry-After"])
            assert wait >= 1
            hand.now += wait
            limit.spend("k")  # who waits as long as told is let in
        passed.append(hand.now)
    for start in passed:
        within = [moment for moment in passed if start <= moment < start + seconds]
        # A full burst and what drips in meanwhile.
        assert len(within) <= 2 * count


@hypothesis_settings(max_examples=40, deadline=None)
@for_all(count=some.integers(1, 1000), seconds=some.floats(0.001, 86400))
def test_a_burst_of_the_whole_allowance_goes_through_and_one_more_does_not(count, seconds):
    limit = rate.Limit("x", count, seconds, monotonic=Hand())
    for _ in range(count):
        limit.spend("k")
    with pytest.raises(TooMany):
        limit.spend("k")
    limit.spend("another")


def test_refused_calls_cost_nothing():
    hand = Hand()
    limit = rate.Limit("x", 1, 60, monotonic=hand)
    limit.spend("k")
    for _ in range(100):
        with pytest.raises(TooMany):
            limit.spend("k")
    hand.now += 60
    limit.spend("k")


@pytest.mark.parametrize("idle", [True, False], ids=["who were here long ago", "who are all still here"])
def test_a_flood_of_addresses_does_not_fill_the_memory(idle, monkeypatch):
    monkeypatch.setattr(rate, "MOST_KEYS", 100)
    hand = Hand()
    limit = rate.Limit("x", 10, 60, monotonic=hand)
    for number in range(1000):
        hand.now += 60 if idle else 0
        limit.spend(str(number))
    assert len(limit._free_at) <= 100


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "?"),
        ("", "?"),
        (None, "?"),
        ("192.0.2.1, 10.0.0.1", "?"),
    ],
)
def test_an_address_is_counted_by_what_its_owner_pays_for(address, counted):
    assert rate.place(address) == counted


@for_all(some.lists(some.text(), min_size=1))
def test_a_lock_has_one_number_that_postgresql_can_hold(name):
    assert locks.number(*name) == locks.number(*name)
    assert -(2**63) <= locks.number(*name) < 2**63


def test_two_locks_have_two_numbers():
    assert locks.number("a", "b") != locks.number("b", "a")
    assert locks.number("try", "e:a") != locks.number("idempotency", "e:a")


def test_a_message_with_one_half_only_is_told_whole():
    assert told("只有一半", "en") == "只有一半"
    assert told("中 · English", "en") == "English"
    assert told("中 · English", "zh") == "中"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (("body",), ""),
        ((), ""),
        (("body", "team", 0, "name"), "/team/0/name"),
        (("body", "a/b", "~"), "/a~1b/~0"),
        (("query", "limit"), "limit"),
        (("query", "region", 3), "region"),
        (("path",), "path"),
        (("body", "x" * 500), "/" + "x" * 100),
    ],
)
def test_a_pointer_leads_to_the_field(where, expected):
    assert pointer(where) == expected


@pytest.mark.parametrize(
    ("error", "told_in_english"),
    [
        (
            {"type": "greater_than_equal", "msg": "Input should be at least 1", "ctx": {"ge": 1}},
            "Input should be at least 1",
        ),
        ({"type": "uuid_parsing", "msg": "found `x` at 1"}, "Input should be a valid UUID"),
        ({"type": "value_error", "msg": "Value error, 中 · English"}, "English"),
        ({"type": "never_heard_of", "msg": "Odd"}, "Odd"),
        ({"type": "string_too_long", "msg": "Too long", "ctx": {}}, "Too long"),
    ],
)
def test_a_finding_is_told_in_both_languages_or_at_least_in_one(error, told_in_english):
    assert told(told_of({"loc": ("body", "x"), **error}).detail, "en") == told_in_english


def test_refusals_of_one_status_are_described_together():
    described = problems(StaleVersion, TooMany, TooMany)
    assert set(described) == {412, 429}
    assert described[429]["description"].count("/") >= 1


def test_a_signing_key_that_was_not_written_to_its_end_signs_nothing(tmp_path):
    """Two processes start at once, or one is killed between making the file and writing it."""
    (tmp_path / "secret").touch(mode=0o600)
    settings = Settings(home=tmp_path, secret=None)
    assert len(settings.signing_key()) >= 48
    assert settings.signing_key() == Settings(home=tmp_path, secret=None).signing_key()
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_processes_that_start_at_once_sign_with_one_key(tmp_path):
    keys = []
    many = [Thread(target=lambda: keys.append(Settings(home=tmp_path, secret=None).signing_key())) for _ in range(16)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 48


@pytest.mark.parametrize("given", ["https://duijie.example/", "  https://duijie.example  ", "https://duijie.example//"])
def test_links_begin_with_the_public_address_and_one_stroke(given):
    assert Settings(public_url=given).public_url == "https://duijie.example"


@pytest.mark.parametrize(
    "given", ["duijie.example", "ftp://duijie.example", "https://", "https://duijie.example/?a=1", ""]
)
def test_a_public_address_that_no_link_can_begin_with_is_refused(given):
    with pytest.raises(ValidationError, match=r"https://duijie\.example\.edu\.cn"):
        Settings(public_url=given)


def test_an_installation_in_development_makes_a_signing_key_and_keeps_it(tmp_path):
    settings = Settings(home=tmp_path / "new", secret=None)
    key = settings.signing_key()
    assert len(key) >= 32
    assert settings.signing_key() == key
    assert (tmp_path / "new" / "secret").stat().st_mode & 0o777 == 0o600


class TwoFields(BaseModel):
    name: str
    age: int


def test_what_is_found_wrong_inside_a_verb_is_told_as_the_edge_tells_it():
    with pytest.raises(ValidationError) as found:
        TwoFields.model_validate({"age": "old"})
    refusal = as_refusal(found.value, within=("body", "person"))
    assert [error.pointer for error in refusal.errors] == ["/person/name", "/person/age"]
    assert "old" not in str(refusal.errors)


async def test_a_promise_of_the_database_that_no_refusal_stands_for_is_not_explained_away(session):
    insert = text("insert into idempotency_key values (gen_random_uuid(), null, '', 200, '{}', '')")
    with pytest.raises(IntegrityError), refusing(letter_pkey=StaleVersion):
        await session.execute(insert)


async def test_json_is_read_once_however_often_it_is_asked_for():
    request = StrictRequest({"type": "http", "headers": []})
    request._body = b'{"a": 1.50}'
    assert await request.json() is await request.json()


async def test_ones_tokens_are_known_to_the_pages_too(given, session):
    somebody = await given.person()
    actor = tokens.actor_with([], person_id=somebody.id)
    assert [token.kind for token in await tokens.live(session, actor)] == [TokenKind.SESSION]


def test_links_begin_where_it_listens_unless_somebody_said_where(monkeypatch):
    monkeypatch.delenv("DUIJIE_PUBLIC_URL", raising=False)
    assert Settings().listening(8155).public_url == "http://127.0.0.1:8155"
    assert Settings().listening(0).public_url == Settings().public_url
    assert Settings(public_url="https://duijie.example").listening(8155).public_url == "https://duijie.example"
