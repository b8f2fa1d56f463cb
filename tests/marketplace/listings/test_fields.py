"""Every field comes back exactly as it was sent, is cleared by null, and stays as it was when it is not sent."""

import pytest

from schemas.achievements import AchievementBody
from schemas.problems import ProblemBody
from tests.given.kinds import EVERY_FIELD_OF_A_PROBLEM, EVERY_FIELD_OF_AN_ACHIEVEMENT, KINDS, NOTHING

FIELDS = [
    pytest.param(kind, name, id=f"{kind.name} {name}") for kind in KINDS for name in kind.every_field if name != "title"
]


def test_the_builders_write_every_field_there_is():
    assert set(EVERY_FIELD_OF_AN_ACHIEVEMENT) == set(AchievementBody.model_fields)
    assert set(EVERY_FIELD_OF_A_PROBLEM) == set(ProblemBody.model_fields)


async def test_every_field_comes_back_exactly_on_create_and_on_read(kind, owner):
    made = await kind.draft(owner, **kind.every_field)
    read = (await owner.get(kind.at(made))).json()
    assert {name: made[name] for name in kind.every_field} == kind.every_field
    assert read == made


async def test_a_record_of_its_title_alone_has_nothing_else(kind, owner):
    made = (await kind.post(owner, title="只有标题")).json()
    assert {name: made[name] for name in kind.every_field if name != "title"} == {
        name: NOTHING.get(name) for name in kind.every_field if name != "title"
    }
    assert (made["state"], made["version"], made["attachments"], made["confidential_part"]) == ("draft", 1, [], False)
    assert made["organisation"]["id"] == str(owner.organisation.id)
    assert [made[name] for name in ("published_at", "confirmed_at", "confirmed_until", "state_note")] == [None] * 4


async def test_the_answer_to_creating_says_where_it_is_and_which_version(kind, owner):
    made = await kind.post(owner, title="一")
    assert made.headers["Location"] == kind.at(made.json())
    assert made.headers["ETag"] == '"1"'
    assert (await owner.get(made.headers["Location"])).headers["ETag"] == '"1"'


@pytest.mark.parametrize(("kind", "name"), FIELDS)
async def test_a_patch_writes_the_one_field_it_was_sent_and_touches_no_other(kind, name, owner):
    made = await kind.draft(owner, **kind.enough)
    changed = await owner.patch(kind.at(made), {name: kind.every_field[name]}, version=1)
    assert changed.status_code == 200, changed.text
    moving = {"version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == made | {name: kind.every_field[name]} | moving
    assert (await owner.get(kind.at(made))).json() == changed.json()
    assert changed.headers["ETag"] == '"2"'


@pytest.mark.parametrize(("kind", "name"), FIELDS)
async def test_null_or_an_empty_list_clears_a_field_and_touches_no_other(kind, name, owner):
    made = await kind.draft(owner, **kind.every_field)
    changed = await owner.patch(kind.at(made), {name: NOTHING.get(name)}, version=1)
    assert changed.status_code == 200, changed.text
    moving = {"version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == made | {name: NOTHING.get(name)} | moving
    assert (await owner.get(kind.at(made))).json() == changed.json()


async def test_a_title_can_be_changed_and_not_cleared(kind, owner):
    made = await kind.draft(owner)
    refused = await owner.patch(kind.at(made), {"title": None}, version=1)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/title")
    assert (await owner.patch(kind.at(made), {"title": "新题"}, version=1)).json()["title"] == "新题"


async def test_a_patch_of_nothing_new_changes_nothing(kind, owner):
    made = await kind.draft(owner, **kind.every_field)
    for nothing in ({}, kind.every_field, {"keywords": kind.every_field["keywords"]}):
        same = await owner.patch(kind.at(made), nothing, version=1)
        assert (same.status_code, same.json()) == (200, made)


async def test_repeated_codes_and_keywords_are_kept_once_in_their_first_place(kind, owner):
    made = await kind.draft(owner, keywords=["乙", "甲", "乙"], cooperation_modes=["equity", "equity", "transfer"])
    assert (made["keywords"], made["cooperation_modes"]) == (["乙", "甲"], ["equity", "transfer"])


async def test_white_space_around_text_is_dropped_and_line_ends_are_one(kind, owner):
    made = await kind.draft(owner, title="　 题目 ", description=" 一\r\n二\r三 ")
    assert (made["title"], made["description"]) == ("题目", "一\n二\n三")


@pytest.mark.parametrize(
    "name", ["id", "state", "version", "organisation", "published_at", "listed_at", "facets", "words", "confidential"]
)
async def test_what_is_not_the_owners_to_write_is_refused_by_name(kind, name, owner):
    refused = await kind.post(owner, title="一", **{name: "x"})
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(f"/{name}", "extra_forbidden")]


@pytest.mark.parametrize("name", ["organisation_id", "source", "external_id"])
async def test_whose_it_is_and_where_it_came_from_cannot_be_patched(kind, name, owner):
    made = await kind.draft(owner)
    refused = await owner.patch(kind.at(made), {name: str(owner.organisation.id)}, version=1)
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(f"/{name}", "extra_forbidden")]


async def test_source_and_external_id_go_together(kind, owner):
    made = await kind.draft(owner, source="省科技成果库", external_id="A-1")
    assert (made["source"], made["external_id"]) == ("省科技成果库", "A-1")
    for half in ({"source": "省科技成果库"}, {"external_id": "A-2"}):
        refused = await kind.post(owner, title="一", **half)
        assert refused.json()["errors"][0]["code"] == "source_pair"


async def test_one_source_names_a_record_once_in_its_organisation(kind, owner, stranger):
    first = await kind.draft(owner, source="库", external_id="1")
    again = await kind.post(owner, title="另一题", source="库", external_id="1")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-imported")
    assert (await kind.post(stranger, title="别家的", source="库", external_id="1")).status_code == 201
    assert (await owner.get(kind.at(first))).json() == first


async def test_whom_to_ask_is_for_people_who_are_signed_in(kind, owner, stranger, client):
    made = await kind.published(owner, **kind.every_field)
    assert (await stranger.get(kind.at(made))).json()["contact"] == kind.every_field["contact"]
    public = await client.get(kind.at(made))
    assert public.json() == made | {"contact": None}
    for hidden in kind.every_field["contact"].values():
        assert hidden not in public.text
