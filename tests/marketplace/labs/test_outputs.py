"""What use led to is written down once, with a number that can be looked up, by those who may know."""

import pytest

from schemas.outputs import OutputKind, OutputNew, check_digit
from tests.given.labs import an_instrument
from tests.given.money import used

GOOD = [
    ("paper", "https://doi.org/10.1016/J.ACTAMAT.2020.01.001", "10.1016/j.actamat.2020.01.001"),
    ("paper", "doi: 10.1000/x(1)y", "10.1000/x(1)y"),
    ("patent", "ZL 2020 1 0123456.2", "ZL202010123456.2"),
    ("patent", "200310102344.5", "ZL200310102344.5"),
    ("patent", "cn112345678a", "CN112345678A"),
    ("patent", "WO2020/123456A1", "WO2020123456A1"),
    ("standard", "GB/T30523—2023", "GB/T 30523-2023"),
    ("standard", "T/CSAE 100-2019", "T/CSAE 100-2019"),
    ("standard", "DB22/T 123-2020", "DB22/T 123-2020"),
    ("standard", "ISO 6892-1:2019", "ISO 6892-1:2019"),
    ("project", "２０２４YFB3401200", "2024YFB3401200"),
]
BAD = [
    ("paper", "11.1000/x"), ("paper", "10.1/x"), ("paper", "10.1000/中"), ("paper", "一篇论文"),
    ("patent", "ZL202010123456.3"), ("patent", "CN12A"), ("patent", "2020101234562345"),
    ("standard", "GB/T 30523"), ("standard", "30523-2023"), ("standard", "某标准"),
    ("project", "国家重点"), ("project", "ABC"), ("project", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "kept"), GOOD)
def test_a_number_is_kept_as_its_office_writes_it(kind, written, kept):
    assert OutputNew(kind=OutputKind(kind), title="题", number=written, year=2020).number == kept


@pytest.mark.parametrize(("kind", "written"), BAD)
def test_a_number_that_cannot_be_is_refused_at_its_field(kind, written):
    with pytest.raises(ValueError, match=r"expected|check_digit"):
        OutputNew(kind=OutputKind(kind), title="题", number=written, year=2020)


def test_the_check_digit_of_a_patent_may_be_an_x():
    assert "X" in {check_digit(f"2020101234{number:02d}") for number in range(100)}


async def test_users_name_their_use_keepers_need_not_and_it_counts_once(manager, engineer, far_away, session):
    instrument = await an_instrument(session, manager.organisation)
    url = f"/api/v1/instruments/{instrument.id}/outputs"
    mine = await used(manager, instrument, 60, organisation_id=str(engineer.organisation.id))
    paper = {"kind": "paper", "title": "论文", "number": "10.1000/x1", "year": 2026}
    assert (await engineer.post(url, paper)).json()["type"] == "/problems/use-needed"
    assert (await far_away.post(url, paper | {"usage_id": mine["id"]})).json()["type"] == "/problems/use-needed"
    made = await engineer.post(url, paper | {"usage_id": mine["id"]})
    assert made.status_code == 201, made.text
    assert (made.json()["by_keeper"], made.json()["link"]) == (False, "https://doi.org/10.1000/x1")
    again = await manager.post(url, paper | {"number": "https://doi.org/10.1000/X1"})
    assert again.json()["type"] == "/problems/counted-already"
    assert (await manager.post(url, paper | {"number": "10.1000/x2", "year": 2100})).json()["errors"][0][
        "pointer"
    ] == "/year"
    foreign = await manager.post(url, paper | {"number": "10.1000/x2", "usage_id": made.json()["id"]})
    assert foreign.json()["errors"][0]["pointer"] == "/usage_id"
    # Everybody sees what it led to; of whose use, those whom it served and the keepers.
    [open_to_all] = (await far_away.get(url)).json()["items"]
    assert (open_to_all["title"], open_to_all["usage_id"]) == ("论文", None)
    assert (await engineer.get(url)).json()["items"][0]["usage_id"] == mine["id"]
    assert (await engineer.get(url, params={"year": "2025"})).json()["items"] == []
    one = f"/api/v1/outputs/{made.json()['id']}"
    assert (await far_away.delete(one)).json()["type"] == "/problems/not-your-output"
    assert (await engineer.delete(one)).status_code == 204
    assert (await engineer.delete(one)).status_code == 404
    assert (await manager.post(url, paper)).status_code == 201
