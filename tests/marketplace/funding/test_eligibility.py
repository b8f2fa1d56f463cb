"""Whether a call's rules are met: held against a plain re-statement, and told in words."""

import csv
from importlib.resources import files

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as some

from marketplace.funding import eligibility
from marketplace.funding.eligibility import Applicant
from marketplace.kernel.language import SEPARATOR, reading
from schemas.funding import Eligibility
from schemas.funding_rankings import FundingRule, FundingStanding, RuleVerdict


def _parents(table):
    text = (files("schemas.standards") / f"{table}.csv").read_text(encoding="utf-8")
    return {row["code"]: row["parent"] or None for row in csv.DictReader(text.splitlines())}


PARENTS = {table: _parents(table) for table in ("regions", "industries", "disciplines")}


def _chain(table, code):
    """A code and all above it, read from the standard's own file."""
    found = []
    while code:
        found.append(code)
        code = PARENTS[table][code]
    return found


def plain(table, asked, found):
    """The rule said once more: met by any code that is asked for or stands below one; open, where a code stands above."""
    if not found:
        return RuleVerdict.UNKNOWN
    if any(set(_chain(table, one)) & set(asked) for one in found):
        return RuleVerdict.MET
    above = {over for one in asked for over in _chain(table, one)}
    return RuleVerdict.UNKNOWN if above & set(found) else RuleVerdict.NOT_MET


def _related(table):
    """Codes of which many are kin: a random one alone hardly ever is."""
    code = some.sampled_from(sorted(PARENTS[table]))
    return some.one_of(code, code.flatmap(lambda one: some.sampled_from(_chain(table, one))))


@some.composite
def _sides(draw):
    table = draw(some.sampled_from(sorted(PARENTS)))
    asked = draw(some.lists(_related(table), min_size=1, max_size=3, unique=True))
    kin = some.sampled_from(asked).flatmap(lambda one: some.sampled_from(_chain(table, one)))
    below = sorted(code for code in PARENTS[table] if PARENTS[table][code] in asked) or asked
    found = draw(some.lists(some.one_of(_related(table), kin, some.sampled_from(below)), max_size=3, unique=True))
    return table, asked, found


seen: set[RuleVerdict] = set()


@for_all(_sides())
def test_codes_are_covered_as_the_plain_rule_says(sides):
    table, asked, found = sides
    expected = plain(table, asked, found)
    assert eligibility.covered(table, asked, found) is expected
    seen.add(expected)


def test_the_property_met_every_verdict():
    assert seen == set(RuleVerdict)


A_FIRM = Applicant(
    kinds=["enterprise"], region="220104", project_region="220000", industries=["3612"], disciplines=[], trl=6,
    verified=True, publicly_funded=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "who", "rule", "verdict"),
    [
        ({"applicant_kinds": ["enterprise", "lab"]}, {}, FundingRule.APPLICANT_KINDS, RuleVerdict.MET),
        ({"applicant_kinds": ["university"]}, {}, FundingRule.APPLICANT_KINDS, RuleVerdict.NOT_MET),
        ({"applicant_kinds": ["university"]}, {"kinds": []}, FundingRule.APPLICANT_KINDS, RuleVerdict.UNKNOWN),
        ({"applicant_regions": ["220000"]}, {}, FundingRule.APPLICANT_REGIONS, RuleVerdict.MET),
        ({"applicant_regions": ["620000"]}, {}, FundingRule.APPLICANT_REGIONS, RuleVerdict.NOT_MET),
        ({"project_regions": ["220100"]}, {}, FundingRule.PROJECT_REGIONS, RuleVerdict.UNKNOWN),
        ({"industries": ["C"]}, {}, FundingRule.INDUSTRIES, RuleVerdict.MET),
        ({"disciplines": ["430"]}, {}, FundingRule.DISCIPLINES, RuleVerdict.UNKNOWN),
        ({"trl_from": 6}, {}, FundingRule.TRL, RuleVerdict.MET),
        ({"trl_from": 7}, {}, FundingRule.TRL, RuleVerdict.NOT_MET),
        ({"trl_to": 6}, {}, FundingRule.TRL, RuleVerdict.MET),
        ({"trl_from": 4, "trl_to": 5}, {}, FundingRule.TRL, RuleVerdict.NOT_MET),
        ({"trl_from": 4}, {"trl": None}, FundingRule.TRL, RuleVerdict.UNKNOWN),
        ({"verified": True}, {}, FundingRule.VERIFIED, RuleVerdict.MET),
        ({"verified": True}, {"verified": False}, FundingRule.VERIFIED, RuleVerdict.NOT_MET),
        ({"verified": True}, {"verified": None}, FundingRule.VERIFIED, RuleVerdict.UNKNOWN),
        ({"joint": True}, {}, FundingRule.JOINT, RuleVerdict.UNKNOWN),
        ({"joint": True}, {"kinds": ["institute", "lab"]}, FundingRule.JOINT, RuleVerdict.MET),
        ({"not_publicly_funded": True}, {}, FundingRule.NOT_PUBLICLY_FUNDED, RuleVerdict.MET),
        (
            {"not_publicly_funded": True},
            {"publicly_funded": True},
            FundingRule.NOT_PUBLICLY_FUNDED,
            RuleVerdict.NOT_MET,
        ),
        (
            {"not_publicly_funded": True},
            {"publicly_funded": None},
            FundingRule.NOT_PUBLICLY_FUNDED,
            RuleVerdict.UNKNOWN,
        ),
        ({"own_share": 50}, {}, FundingRule.OWN_SHARE, RuleVerdict.UNKNOWN),
        ({"conditions": ["无不良记录 · {x}"]}, {}, FundingRule.CONDITION, RuleVerdict.UNKNOWN),
    ],
)
def test_each_rule_is_decided_and_told_in_both_languages(rules, who, rule, verdict):
    known = {name: getattr(A_FIRM, name) for name in Applicant.__slots__} | who
    (one,) = eligibility.decided(Eligibility.model_validate(rules), Applicant(**known))
    assert (one.rule, one.verdict) == (rule, verdict)
    told = {}
    for language in ("zh", "en"):
        mark = reading.set(language)
        told[language] = eligibility.explained(one).because
        reading.reset(mark)
        assert rule is FundingRule.CONDITION or (SEPARATOR not in told[language] and "{" not in told[language])
    assert told["zh"] != told["en"]
    if rule is FundingRule.CONDITION:
        assert "无不良记录 · {x}" in told["zh"], "the giver's own words, whatever is in them"


def test_the_reason_names_both_sides():
    rules = Eligibility.model_validate({"applicant_regions": ["620000"], "trl_from": 4, "trl_to": 8})
    place, level = map(eligibility.explained, eligibility.decided(rules, A_FIRM))
    assert (place.asked, place.found) == (["620000"], ["220104"])
    assert place.because == "要求：甘肃省。实际：吉林省长春市朝阳区。"
    assert (level.asked, level.found) == ([">=4", "<=8"], ["6"])
    assert level.because == "要求：不低于 4 级、不高于 8 级。实际：6 级。"


def test_one_word_for_all_rules():
    def standing(**rules):
        return eligibility.standing(eligibility.decided(Eligibility.model_validate(rules), A_FIRM))

    assert standing() is FundingStanding.ELIGIBLE
    assert standing(verified=True, industries=["C"]) is FundingStanding.ELIGIBLE
    assert standing(verified=True, own_share=50) is FundingStanding.TO_CHECK
    assert standing(own_share=50, applicant_regions=["620000"]) is FundingStanding.NOT_ELIGIBLE
