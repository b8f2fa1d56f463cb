"""What a problem needs: instruments ranked with reasons, for whom they are open, as they are now, with their first free time."""

from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from marketplace.kernel import clock
from matching import Query
from schemas.identity import OrganisationKind, Role
from tests.given.labs import an_instrument, day, wish
from tests.given.money import a_tariff, a_voucher, free_hours, publish
from tests.marketplace.pairings.conftest import added_up

FATIGUE = "铝合金焊缝疲劳裂纹，需要疲劳试验机"


@pytest.fixture
async def manager(given):
    return await given.person(Role.LAB_MANAGER, await given.organisation())


async def found(client, engine, who=None, text=FATIGUE, **more):
    await engine.load()
    headers = who.headers if who else {}
    answer = await client.post("/api/v1/matches", json={"text": text, "kind": "instrument"} | more, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(page) -> list[str]:
    return [item["title"] for item in page["items"]]


async def test_a_text_finds_the_instrument_with_reasons_that_add_up_and_its_first_free_time(
    client, engine, manager, session
):
    await an_instrument(session, manager.organisation, name="疲劳试验机", capabilities="焊缝疲劳裂纹扩展试验。")
    await an_instrument(session, manager.organisation, name="电子显微镜", capabilities="形貌观察，裂纹断口。")
    await an_instrument(session, manager.organisation, name="色谱仪", capabilities="成分分析。")
    page = await found(client, engine)
    assert names(page) == ["疲劳试验机", "电子显微镜"]
    assert page["fits"]
    for item in page["items"]:
        assert item["kind"] == "instrument"
        assert added_up(item) == pytest.approx(item["score"], abs=1e-6)
    free = page["items"][0]["first_free"]
    booked = await manager.post("/api/v1/bookings", wish(page["items"][0]["id"], manager, day()) | free)
    assert booked.status_code == 201, booked.text


async def test_one_finds_what_is_open_to_one_and_hears_of_nothing_else(client, engine, given, manager, session):
    for audience in ("everybody", "province", "own"):
        await an_instrument(session, manager.organisation, name=f"疲劳试验机 {audience}", audience=audience)
    near, far = await given.enterprise(), await given.editor(kinds=(OrganisationKind.ENTERPRISE,), region="440100")
    seen = {
        who: await found(client, engine, somebody)
        for who, somebody in (
            ("nobody", None),
            ("far", far),
            ("near", near),
            ("own", manager),
            ("all", await given.admin()),
        )
    }
    counts = {who: (len(page["items"]), page["considered"]) for who, page in seen.items()}
    assert counts == {"nobody": (1, 1), "far": (1, 1), "near": (2, 2), "own": (3, 3), "all": (3, 3)}


async def test_a_problem_finds_its_instruments_near_ones_first_and_page_by_page(
    client, engine, given, manager, session
):
    enterprise = await given.enterprise()
    problem = await given.problem(enterprise, title="焊缝疲劳裂纹", description=FATIGUE, region="440100")
    for region in ("220104", "440103", "110101"):
        await an_instrument(session, manager.organisation, name="疲劳试验机", region=region)
    await engine.load()
    url = f"/api/v1/problems/{problem['id']}/instruments"
    first = (await client.get(url, params={"limit": 2})).json()
    assert first["items"][0]["region"] == "440103"
    rest = (await client.get(url, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3
    only = (await client.get(url, params={"region": "110000"})).json()
    assert [item["region"] for item in only["items"]] == ["110101"]
    draft = await given.problem(enterprise, published=False, description=FATIGUE)
    url = f"/api/v1/problems/{draft['id']}/instruments"
    assert [(await who.get(url)).status_code for who in (enterprise, manager)] == [200, 404]


@pytest.mark.parametrize("narrowed", [{"trl_min": 3}, {"industry": ["C"]}, {"mode": ["licence"]}])
async def test_filters_of_listings_are_refused_for_instruments(client, engine, narrowed):
    body = {"text": "a", "kind": "instrument", "filters": narrowed}
    answer = await client.post("/api/v1/matches", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "filter_of_another_kind")


@contextmanager
def statements(session):
    """What is sent to the database meanwhile."""
    sent: list[str] = []
    engine = session.get_bind()

    def note(_connection, _cursor, statement, *_more):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_page_costs_as_many_statements_as_one_instrument(client, engine, manager, session):
    counts = []
    for more in (1, 12):
        for _ in range(more):
            await an_instrument(session, manager.organisation, name="疲劳试验机")
        await engine.load()
        with statements(session.sync_session) as sent:
            page = (await client.post("/api/v1/matches", json={"text": FATIGUE, "kind": "instrument"})).json()
        assert all(item["first_free"] for item in page["items"])
        counts.append((len(page["items"]), sum(one.lstrip().lower().startswith("select") for one in sent)))
    # The ranked ones as they are now; the calendars and the tariffs of all of them are prepared statements that
    # pass by here.
    assert counts == [(1, 1), (13, 1)]


async def test_each_instrument_tells_what_its_first_free_time_costs_the_caller(client, engine, given, manager, session):
    firm, programme = await given.enterprise(), await given.admin()
    cheap, dear, _, _ = [
        await an_instrument(session, manager.organisation, name="疲劳试验机", **more)
        for more in (
            {"model": "甲"},
            {"operation": "assisted", "model": "乙"},
            {"customers": ["internal"], "model": "丙"},
            {"model": "丁"},
        )
    ]
    for one in (cheap, dear):
        await publish(manager, one, a_tariff())
    year = clock.today().year
    for when in (year, year + 1):
        await free_hours(manager, cheap, when)  # an hour of the year for firms of the province
    await a_voucher(programme, firm, "60.00")

    async def told(who=None, **more):
        page = await found(client, engine, who, minutes=120, **more)
        assert all(
            datetime.fromisoformat(one["first_free"]["ends_at"])
            - datetime.fromisoformat(one["first_free"]["starts_at"])
            == timedelta(hours=2)
            for one in page["items"]
            if one["unpriced"] != "not_admitted"
        )
        assert all((one["price"] is None) == (one["unpriced"] is not None) for one in page["items"])
        prices = {one["model"]: one["price"] or (one["unpriced"], one["first_free"]) for one in page["items"]}
        return prices, page["priced_for"]

    prices, payer = await told()
    assert payer is None
    assert prices["甲"]["customer_class"] == "other"
    assert prices["甲"]["gross"] == prices["甲"]["payer_amount"] == "330.00", "two hours at 150, and 30 a run"
    prices, payer = await told(firm)
    assert payer["id"] == str(firm.organisation.id)
    # Two hours at 100, one of them free; of the other a voucher bears the half.
    assert [prices["甲"][name] for name in ("gross", "free_amount", "voucher_amount", "payer_amount")] == [
        "200.00", "100.00", "50.00", "50.00"
    ]  # fmt: skip
    # With its operator at 50 an hour: the half would be 150, and the voucher has 60.
    assert [prices["乙"][name] for name in ("gross", "voucher_amount", "payer_amount")] == ["300.00", "60.00", "240.00"]
    assert prices["丙"] == ("not_admitted", None), "no time and no price is offered to whom it is not open"
    assert prices["丁"][0] == "no_tariff", "that no price is published is no free offer"
    assert prices["丁"][1] is not None
    own, _ = await told(manager)
    assert (own["甲"]["customer_class"], own["甲"]["payer_amount"]) == ("internal", "40.00")
    # The same, line by line, as the quote of one of them says.
    page = await found(client, engine, firm, minutes=120)
    item = next(one for one in page["items"] if one["model"] == "甲")
    ask = {"organisation_id": str(firm.organisation.id)} | item["first_free"]
    quote = (await firm.post(f"/api/v1/instruments/{cheap.id}/quotes", ask)).json()
    assert {name: item["price"][name] for name in ("lines", "gross", "payable", "minutes")} == {
        name: quote[name] for name in ("lines", "gross", "payable", "minutes")
    }
    other = {"text": FATIGUE, "kind": "instrument", "organisation_id": str(manager.organisation.id)}
    assert (await firm.post("/api/v1/matches", other)).status_code == 403
    wrong = await client.post("/api/v1/matches", json={"text": "a", "minutes": 60})
    assert wrong.json()["errors"][0]["pointer"] == "/minutes"


async def test_prices_of_a_page_cost_as_many_statements_as_one(client, engine, given, manager, session):
    firm, programme = await given.enterprise(), await given.admin()
    await a_voucher(programme, firm)
    counts = []
    for more in (1, 6):
        for _ in range(more):
            one = await an_instrument(session, manager.organisation, name="疲劳试验机")
            await publish(manager, one, a_tariff())
            await free_hours(manager, one, clock.today().year)
        await engine.load()
        with statements(session.sync_session) as sent:
            page = (await firm.post("/api/v1/matches", {"text": FATIGUE, "kind": "instrument"})).json()
        assert all(item["price"]["gross"] for item in page["items"])
        counts.append((len(page["items"]), sum(one.lstrip().lower().startswith("select") for one in sent)))
    (few, first), (many, second) = counts
    assert (few, many) == (1, 7)
    # Beside the one of a visitor: who pays, from which province, the free hours and the balances; vouchers are a
    # prepared statement that passes by here.
    assert (first, second) == (5, 5)


async def test_publishing_editing_retiring_and_suspension_are_followed(standing, given_there):
    manager = await given_there.person(Role.LAB_MANAGER, await given_there.organisation())
    engine = standing.engine
    await engine.load()
    body = {"name": "疲劳试验机", "class_code": "02-01", "region": "220104", "location": "一号楼", "capabilities": "疲劳。",
            "organisation_id": str(manager.organisation.id)}  # fmt: skip
    made = (await manager.post("/api/v1/instruments", body)).json()
    url = f"/api/v1/instruments/{made['id']}"

    async def there() -> bool:
        await engine.catch_up()
        return made["id"] in engine.snapshot("instrument")

    assert not await there()
    published = (await manager.post(f"{url}/publication")).json()
    assert await there()
    assert (await manager.patch(url, {"name": "冲击试验机"}, version=published["version"])).status_code == 200
    await engine.catch_up()
    new = engine.snapshot("instrument").rank(Query("冲击"), now=clock.now().timestamp())
    assert [match.key for match in new.items] == [made["id"]]
    admin = await given_there.admin()
    decisions = f"/api/v1/organisations/{manager.organisation.id}/verification/decisions"
    for decision, ranked in (("suspend", False), ("reinstate", True)):
        assert (await admin.post(decisions, {"decision": decision, "reason": "核查"})).status_code == 200
        assert await there() == ranked
    assert (await manager.post(f"{url}/retirement")).status_code == 200
    assert not await there()
