"""Whether a call's rules are met by what is known of an applicant and a project. No database is needed.

Each rule is met, not met, or unknown: what a record does not say, or says too broadly, is for the applicant to check.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.funding.names import RULES
from marketplace.identity.names import ORGANISATION_KINDS
from marketplace.kernel.language import reading, told
from schemas import codes
from schemas.funding import Eligibility
from schemas.funding_rankings import FundingRule, FundingStanding, RuleCheck, RuleVerdict
from schemas.identity import OrganisationKind

_ACADEMIC: Final = frozenset({OrganisationKind.UNIVERSITY, OrganisationKind.INSTITUTE})


@dataclass(frozen=True, slots=True)
class Applicant:
    """What is known of who applies and with what; nothing or None where it is not known."""

    kinds: Collection[str] = ()
    region: str | None = None
    project_region: str | None = None
    industries: Sequence[str] = ()
    disciplines: Sequence[str] = ()
    trl: int | None = None
    verified: bool | None = None
    publicly_funded: bool | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One rule, decided, with the values of both sides."""

    rule: FundingRule
    verdict: RuleVerdict
    asked: tuple[str, ...]
    found: tuple[str, ...] = ()


def covered(table: str, asked: Collection[str], found: Collection[str]) -> RuleVerdict:
    """Whether any of the codes found is one of those asked for or stands below one. A code that stands above one may
    mean it or not."""
    if not found:
        return RuleVerdict.UNKNOWN
    known = codes.TABLES[table]
    if any(known.within(one, under) for one in found for under in asked):
        return RuleVerdict.MET
    if any(known.within(one, found_) for one in asked for found_ in found):
        return RuleVerdict.UNKNOWN
    return RuleVerdict.NOT_MET


def _said(value: bool | None, wanted: bool) -> RuleVerdict:
    if value is None:
        return RuleVerdict.UNKNOWN
    return RuleVerdict.MET if value is wanted else RuleVerdict.NOT_MET


def decided(rules: Eligibility, who: Applicant) -> list[Decided]:
    """Every rule of a call beside this applicant, in the order in which a form asks for them."""
    return list(_decided(rules, who))


def _decided(rules: Eligibility, who: Applicant) -> Iterator[Decided]:
    if rules.applicant_kinds:
        met = set(rules.applicant_kinds) & set(who.kinds)
        verdict = RuleVerdict.UNKNOWN if not who.kinds else RuleVerdict.MET if met else RuleVerdict.NOT_MET
        yield Decided(FundingRule.APPLICANT_KINDS, verdict, tuple(rules.applicant_kinds), tuple(who.kinds))
    for rule, asked, found in (
        (FundingRule.APPLICANT_REGIONS, rules.applicant_regions, (who.region,)),
        (FundingRule.PROJECT_REGIONS, rules.project_regions, (who.project_region,)),
        (FundingRule.INDUSTRIES, rules.industries, who.industries),
        (FundingRule.DISCIPLINES, rules.disciplines, who.disciplines),
    ):
        if asked:
            known = tuple(code for code in found if code is not None)
            yield Decided(rule, covered(_TABLES[rule], asked, known), tuple(asked), known)
    if rules.trl_from is not None or rules.trl_to is not None:
        low, high = rules.trl_from or 1, rules.trl_to or 9
        bounds = tuple(f"{sign}{bound}" for sign, bound in ((">=", rules.trl_from), ("<=", rules.trl_to)) if bound)
        verdict = (
            RuleVerdict.UNKNOWN
            if who.trl is None
            else RuleVerdict.MET
            if low <= who.trl <= high
            else RuleVerdict.NOT_MET
        )
        yield Decided(FundingRule.TRL, verdict, bounds, () if who.trl is None else (str(who.trl),))
    if rules.verified:
        yield Decided(FundingRule.VERIFIED, _said(who.verified, True), ("true",), _written(who.verified))
    if rules.joint:
        academic = tuple(sorted(_ACADEMIC & set(who.kinds)))
        yield Decided(
            FundingRule.JOINT, RuleVerdict.MET if academic else RuleVerdict.UNKNOWN, tuple(sorted(_ACADEMIC)), academic
        )
    if rules.not_publicly_funded:
        verdict = _said(who.publicly_funded, False)
        yield Decided(FundingRule.NOT_PUBLICLY_FUNDED, verdict, ("false",), _written(who.publicly_funded))
    if rules.own_share is not None:
        yield Decided(FundingRule.OWN_SHARE, RuleVerdict.UNKNOWN, (str(rules.own_share),))
    for condition in rules.conditions:
        yield Decided(FundingRule.CONDITION, RuleVerdict.UNKNOWN, (condition,))


_TABLES: Final = {
    FundingRule.APPLICANT_REGIONS: "regions",
    FundingRule.PROJECT_REGIONS: "regions",
    FundingRule.INDUSTRIES: "industries",
    FundingRule.DISCIPLINES: "disciplines",
}


def _written(value: bool | None) -> tuple[str, ...]:
    return () if value is None else ("true" if value else "false",)


def standing(rules: Collection[Decided]) -> FundingStanding:
    """In one word: no rule is broken and all are met, some have to be checked, or one is not met."""
    verdicts = {one.verdict for one in rules}
    if RuleVerdict.NOT_MET in verdicts:
        return FundingStanding.NOT_ELIGIBLE
    return FundingStanding.TO_CHECK if RuleVerdict.UNKNOWN in verdicts else FundingStanding.ELIGIBLE


def explained(one: Decided) -> RuleCheck:
    """A rule with the reason in the reader's language."""
    return RuleCheck(
        rule=one.rule, verdict=one.verdict, asked=list(one.asked), found=list(one.found), because=_because(one)
    )


_IN_ITS_OWN_WORDS: Final = {
    (FundingRule.VERIFIED, RuleVerdict.MET): "申报单位已通过平台认证。 · The applicant is verified here.",
    (
        FundingRule.VERIFIED,
        RuleVerdict.NOT_MET,
    ): "申报单位须先通过平台认证。 · The applicant has to be verified here first.",
    (FundingRule.VERIFIED, RuleVerdict.UNKNOWN): "申报单位须通过平台认证。 · The applicant has to be verified here.",
    (FundingRule.JOINT, RuleVerdict.MET): (
        "须有高校或科研院所参与，申报单位本身就是。"
        " · A university or institute has to take part, and the applicant is one."
    ),
    (FundingRule.JOINT, RuleVerdict.UNKNOWN): (
        "须与高校或科研院所联合申报，请先落实合作方。"
        " · Apply together with a university or institute; find your partner first."
    ),
    (FundingRule.NOT_PUBLICLY_FUNDED, RuleVerdict.MET): (
        "不支持已获财政资助的成果；此成果未获财政资助。 · Results of public funding are excluded; this one had none."
    ),
    (FundingRule.NOT_PUBLICLY_FUNDED, RuleVerdict.NOT_MET): (
        "不支持已获财政资助的成果；此成果已获财政资助。"
        " · Results of public funding are excluded; this one was funded so."
    ),
    (FundingRule.NOT_PUBLICLY_FUNDED, RuleVerdict.UNKNOWN): (
        "不支持已获财政资助的成果，请自行核对。 · Results of public funding are excluded; please check yourself."
    ),
    (FundingRule.OWN_SHARE, RuleVerdict.UNKNOWN): (
        "自筹资金不低于 {asked}%，请自行核对。 · Your own contribution is {asked}% at least; please check yourself."
    ),
    (FundingRule.CONDITION, RuleVerdict.UNKNOWN): "{asked}（请自行核对） · {asked} (please check yourself)",
}
_BOTH_SIDES: Final = "要求：{asked}。实际：{found}。 · Asked for: {asked}. Here: {found}."
_TOO_BROAD: Final = (
    "要求：{asked}。已知：{found}，范围较大，请核对是否在内。"
    " · Asked for: {asked}. Known: {found}, which is wider; please check whether it is inside."
)
_NOT_SAID: Final = (
    "要求：{asked}。这里没有写明，请自行核对。 · Asked for: {asked}. It is not said here; please check yourself."
)


def _because(one: Decided) -> str:
    text = _IN_ITS_OWN_WORDS.get((one.rule, one.verdict))
    if text is None:
        text = _BOTH_SIDES if one.verdict is not RuleVerdict.UNKNOWN else _TOO_BROAD if one.found else _NOT_SAID
    return told(text).format(asked=words(one.rule, one.asked), found=words(one.rule, one.found))


_LEVELS: Final = {">=": "不低于 {n} 级 · level {n} or above", "<=": "不高于 {n} 级 · level {n} or below"}


def words(rule: FundingRule, values: Sequence[str]) -> str:
    """Values of one side in the reader's language."""
    if rule is FundingRule.TRL:
        said = [told(_LEVELS.get(value[:2], "{n} 级 · level {n}")).format(n=value[-1]) for value in values]
    elif rule in _TABLES:
        said = [_named(_TABLES[rule], value) for value in values]
    elif rule is FundingRule.APPLICANT_KINDS:
        said = [told(ORGANISATION_KINDS[value]) for value in values]
    else:
        said = list(values)
    return told("、 · , ").join(said)


def _named(table: str, code: str) -> str:
    known = codes.TABLES[table]
    row = known.get(code)
    if row is None:
        return code
    if reading.get() == "en" and row.name_en:
        return row.name_en
    return known.path(code) if table == "regions" else row.name


def rules_told(rules: Eligibility) -> list[tuple[str, str]]:
    """The rules of a call in plain words, each under the name of what it is about, whoever applies."""
    return [(told(RULES[one.rule]), asked_alone(one.rule, one.asked)) for one in decided(rules, Applicant())]


_ASKED_ALONE: Final = {
    FundingRule.VERIFIED: "申报单位须通过平台认证 · the applicant has to be verified here",
    FundingRule.JOINT: "须与高校或科研院所联合申报 · together with a university or institute",
    FundingRule.NOT_PUBLICLY_FUNDED: "不支持已获财政资助的成果 · results of public funding are excluded",
    FundingRule.OWN_SHARE: "不低于 {asked}% · {asked}% at least",
}


def asked_alone(rule: FundingRule, asked: Sequence[str]) -> str:
    """What a rule asks for, whoever applies."""
    return told(_ASKED_ALONE.get(rule, "{asked}")).format(asked=words(rule, asked))
