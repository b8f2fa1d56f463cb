"""The sample data shows the room: prices, free hours and vouchers that a visitor can try at once."""

from sqlalchemy import select, text

from marketplace import demo
from marketplace.identity import tokens
from marketplace.identity.models import Person
from marketplace.labs.models import Instrument
from schemas.identity import Scope, TokenKind
from tests.given.labs import slot, weekday
from tests.given.money import faults


async def test_the_sample_firm_is_told_what_the_electron_microscope_costs(session, database, settings, client):
    assert await demo.load(settings, database)
    found = await session.scalar(select(Instrument).where(Instrument.name == "场发射扫描电子显微镜"))
    person = await session.scalar(select(Person).where(Person.email == "enterprise@duijie.example"))
    text, _ = await tokens.issue(
        session, person.id, TokenKind.SESSION, name="test", scope=Scope.WRITE, lasts=tokens.SESSION_LASTS
    )
    await session.commit()
    headers = {"Authorization": f"Bearer {text}"}
    [voucher] = (await client.get("/api/v1/vouchers", headers=headers)).json()["items"]
    asked = {"organisation_id": voucher["organisation"]["id"]} | slot(weekday(2, 9), 2)
    quote = (await client.post(f"/api/v1/instruments/{found.id}/quotes", json=asked, headers=headers)).json()
    assert (quote["customer_class"], quote["gross"]) == ("province_firm", "520.00")
    assert float(quote["free_amount"]) + float(quote["voucher_amount"]) + float(quote["payer_amount"]) == 520
    assert float(quote["voucher_amount"]) + float(quote["free_amount"]) > 0
    assert await faults(session) == []


async def test_every_page_of_money_and_bookings_has_something_to_show(session, database, settings, client):
    assert await demo.load(settings, database)
    told = {name: await session.scalar(text(query)) for name, query in SHOWN.items()}
    assert {name for name, count in told.items() if not count} == set()
    assert await faults(session) == []


SHOWN = {
    "charges": "select count(*) from charge",
    "a claim that was paid and is owed back": "select count(*) from claim_correction where amount > 0",
    "a claim that waits": "select count(*) from redemption where state = 'asked'",
    "a charge that is questioned": "select count(*) from dispute where state = 'open'",
    "a booking that holds": "select count(*) from booking where state = 'confirmed'",
    "a request that waits": "select count(*) from booking where state = 'requested'",
    "somebody who waits": "select count(*) from waiting where state = 'waiting'",
}
