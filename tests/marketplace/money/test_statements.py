"""Every sum of a statement from its rows, in three forms; and nothing that somebody typed is run as a formula."""

import base64
import io
import re
import zlib
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook

from marketplace.kernel.clock import BEIJING, now
from tests.given.labs import an_instrument
from tests.given.money import a_tariff, a_voucher, charge_of, publish, used

SUMS = ("gross", "free_amount", "voucher_amount", "payer_amount", "payable")
MONTH = now().astimezone(BEIJING).strftime("%Y-%m")


def of(who) -> str:
    return f"/api/v1/statements/{who.organisation.id}/{MONTH}"


@pytest.fixture
async def charged(session, manager, engineer, programme, instrument):
    """Two uses on two instruments, one of them with a name and a reason that would be formulas; a voucher bears half."""
    await a_voucher(programme, engineer, "70.00", settlement="firm_redeems")
    other = await an_instrument(session, manager.organisation, name="=cmd|' /C calc'!A0 试验机")
    await publish(manager, other, a_tariff())
    organisation = str(engineer.organisation.id)
    await used(manager, instrument, 90, organisation_id=organisation)
    usage = await used(manager, other, 60, organisation_id=organisation)
    charge = await charge_of(engineer, usage)
    body = {"comes_to": "80.00", "reason": "+1-1 少收二十元"}
    assert (await manager.post(f"/api/v1/charges/{charge['id']}/adjustments", body)).status_code == 201
    return charge


async def test_every_sum_of_a_statement_is_the_sum_of_its_rows(engineer, manager, charged):
    told = (await engineer.get(of(engineer))).json()
    rows = (await engineer.get(told["rows"])).json()["items"]
    assert told["entries"] == len(rows) == 3
    for name in SUMS:
        assert Decimal(told[name]) == sum(Decimal(row[name]) for row in rows)
        assert Decimal(told[name]) == sum(Decimal(lab[name]) for lab in told["labs"])
    assert (told["gross"], told["voucher_amount"], told["payer_amount"], told["payable"]) == (
        "230.00", "70.00", "160.00", "230.00",
    )  # fmt: skip
    [listed] = (await engineer.get("/api/v1/statements")).json()["items"]
    assert {name: listed[name] for name in SUMS} == {name: told[name] for name in SUMS}
    assert (await manager.get(of(engineer))).json()["gross"] == "230.00"


async def test_a_stranger_to_both_sees_no_statement_and_a_month_is_written_like_one(engineer, stranger, charged):
    for ending in ("", ".xlsx", ".pdf", "/entries"):
        assert (await stranger.get(of(engineer) + ending)).status_code == 404
    assert (await engineer.get(of(engineer)[:-2] + "13")).status_code == 422


async def test_the_workbook_says_the_same_and_runs_nothing(engineer, charged):
    answer = await engineer.get(f"{of(engineer)}.xlsx")
    assert answer.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    summary = book.get_sheet_by_name("汇总").to_python()
    assert summary[-1][1:] == [230, 0, 70, 160, 230]
    rows = book.get_sheet_by_name("明细").to_python()[2:]
    assert sum(row[7] for row in rows) == 230
    texts = [cell for row in rows for cell in row if isinstance(cell, str)]
    assert "'=cmd|' /C calc'!A0 试验机" in texts
    assert "'+1-1 少收二十元" in texts
    assert not [cell for cell in texts if cell.startswith(("=", "+", "-", "@"))]


async def test_the_paper_carries_the_sums_and_the_chinese_names(engineer, charged):
    answer = await engineer.get(f"{of(engineer)}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert b"/STSong-Light" in answer.content
    text = written_in(answer.content)
    for part in (f"{engineer.organisation.name} {MONTH} 对账单", "230.00", "160.00", "=cmd|' /C calc'!A0", "合计"):
        assert part in text, part


def written_in(pdf: bytes) -> str:
    """What a reader of this PDF sees, in the order in which it is written: its font's codes are UTF-16."""
    text = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        page = zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))
        for shown in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page, re.DOTALL):
            plain = re.sub(rb"\\([0-7]{3}|.)", _character, shown, flags=re.DOTALL)
            text.append(plain.decode("utf-16-be"))
    return "".join(text)


def _character(escaped: re.Match[bytes]) -> bytes:
    code = escaped[1]
    return bytes([int(code, 8)]) if len(code) == 3 else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(code, code)
