"""The log of an instrument: read in both encodings, entered whole or not at all, and entered once."""

import pytest

from tests.given.labs import an_instrument, day, wish

HEAD = "开始时间,结束时间,准备（分钟）,运行（分钟）,样品数,服务单位,预约编号,备注"


@pytest.fixture
async def instrument(manager, session):
    return await an_instrument(session, manager.organisation)


async def handed_in(who, instrument, text: str, encoding: str = "utf-8"):
    url = f"/api/v1/instruments/{instrument.id}/usage-log"
    return await who.post(url, files={"file": ("日志.csv", text.encode(encoding), "text/csv")})


async def entered(who) -> list[dict]:
    return (await who.get("/api/v1/usages", params={"kept": "true"})).json()["items"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_log_becomes_usage_records(instrument, manager, engineer, encoding):
    booking = (await engineer.post("/api/v1/bookings", wish(instrument, engineer, day(7, 9)))).json()["id"]
    rows = [
        HEAD,
        f"2027/3/1 9:00,2027-03-01T10:30:00+08:00,10,80,3,{engineer.organisation.name},,断口",
        "",
        f"2027-03-02 09:00,2027-03-02 10:00,,,,,{booking},",
        "2027-03-03 09:00:00,2027-03-03 09:45:00,,,,,,校准",
    ]
    answer = await handed_in(manager, instrument, "\r\n".join(rows), encoding)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"rows": 3, "entered": 3, "known": 0}
    own, booked, served = await entered(manager)
    assert {one["source"] for one in (own, booked, served)} == {"log"}
    assert (served["starts_at"], served["effective_minutes"], served["samples"], served["note"]) == (
        "2027-03-01T01:00:00Z", 90, 3, "断口",
    )  # fmt: skip
    assert served["customer_class"] == "province_firm"
    assert (booked["booking_id"], booked["run_minutes"]) == (booking, 60)
    assert booked["organisation"]["id"] == str(engineer.organisation.id)
    assert (own["customer_class"], own["run_minutes"]) == ("internal", 45)
    again = await handed_in(
        manager, instrument, "\n".join([*rows, "2027-03-04 09:00,2027-03-04 10:00,,,,,,"]), encoding
    )
    assert again.json() == {"rows": 4, "entered": 1, "known": 3}


async def test_one_wrong_row_and_nothing_is_entered_with_every_reason_by_row(instrument, manager):
    rows = [
        HEAD,
        "2027-03-01 09:00,2027-03-01 10:00,,,,,,好的一行",
        "2027-03-01 12:00,2027-03-01 11:00,,,,,,倒着的",
        "昨天,2027-03-01 10:00,,,,,,",
        "2027-03-02 09:00,2027-03-02 10:00,,-5,很多,,,",
        "2027-03-02 09:00,2027-03-02 10:00,,,,没有这样的单位,,",
        "2027-03-02 09:00,2027-03-02 10:00,,,,,00000000-0000-0000-0000-000000000000,",
        "2027-02-30 09:00,2027-03-02 10:00,,,,,,",
    ]
    answer = await handed_in(manager, instrument, "\n".join(rows))
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/log-refused"
    told = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert [pointer for pointer, _ in told] == [
        "/3/ends_at", "/4/starts_at", "/5/run_minutes", "/5/samples", "/6/organisation", "/7/booking_id", "/8/starts_at",
    ]  # fmt: skip
    assert dict(told)["/3/ends_at"] == "period_order"
    assert await entered(manager) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"a,b\n1,2\n", "no_header"),
        ("开始时间,结束时间\n".encode(), "file_empty"),
        ("开始时间,开始时间,结束时间\n".encode(), "column_twice"),
        (b"\xff\xfe\x00", "file_encoding"),
        ('开始时间,结束时间\n"2027'.encode(), "csv_broken"),
        ("开始时间,结束时间\n".encode() + b"2027-03-01 09:00,2027-03-01 10:00\n" * 2001, "too_many_rows"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_a_file_that_is_no_log_is_refused_clearly(instrument, manager, content, code):
    url = f"/api/v1/instruments/{instrument.id}/usage-log"
    answer = await manager.post(url, files={"file": ("log.csv", content, "text/csv")})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


async def test_a_log_is_for_keepers(instrument, engineer):
    assert (await handed_in(engineer, instrument, HEAD)).status_code == 403
