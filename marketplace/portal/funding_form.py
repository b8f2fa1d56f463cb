"""A funding call as a form: what was typed becomes a body, a body becomes what the form shows."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from marketplace.funding import eligibility, sheets
from marketplace.funding.names import FUNDING_KINDS, RULES
from marketplace.kernel import clock
from marketplace.kernel.language import told
from marketplace.portal import coding, forms, say, trying
from marketplace.portal.forms import Wrong
from marketplace.portal.labs import local_moment
from marketplace.portal.sent import Typed
from schemas.funding import Eligibility, FundingBody, FundingKind, FundingView

TEXTS: Final = ("title_en", "summary", "description", "how_to_apply", "apply_url")
AMOUNTS: Final = ("amount_low", "amount_high", "total_amount")
# A time that is left blank: the beginning of the day on which it opens, the end of the day on which it closes.
TIMES: Final = {"opens_at": "00:00", "closes_at": "24:00"}
CODED: Final = {"industries": "industries", "disciplines": "disciplines"}
RULES_CODED: Final = {
    "applicant_regions": "regions", "project_regions": "regions", "industries": "industries",
    "disciplines": "disciplines",
}  # fmt: skip
RULES_NUMBERS: Final = ("trl_from", "trl_to", "own_share")
RULES_TICKED: Final = ("verified", "joint", "not_publicly_funded")
CONTACT: Final = ("name", "phone", "email")
LABELS: Final = {
    "organisation_id": "发布单位 · offered by",
    "kind": "类型 · kind",
    "title": "名称 · title",
    "title_en": "英文名称 · title in English",
    "summary": "简介：支持什么 · summary: what is supported",
    "description": "详细说明 · description",
    "keywords": "支持方向的关键词 · keywords of what is supported",
    "industries": "支持的行业 · industries that are supported",
    "disciplines": "支持的学科 · disciplines that are supported",
    "amount_low": "每个项目最少 · least for one project",
    "amount_high": "每个项目最多 · most for one project",
    "total_amount": "总额 · altogether",
    "opens_at": "开始受理（不填即发布时） · opens (empty: once published)",
    "closes_at": "截止（不填即常年受理） · closes (empty: open all year round)",
    "how_to_apply": "怎样申报 · how to apply",
    "apply_url": "申报网址 · where to apply",
    "documents": "申报材料，每行一份 · documents that are needed, one a line",
    "contact": "联系人（登录后可见） · contact (shown to people who are signed in)",
    "eligibility": "申报条件 · who may apply",
    **{f"eligibility.{name}": RULES[name] for name in RULES_CODED},
    "eligibility.applicant_kinds": RULES["applicant_kinds"],
    "eligibility.trl_from": "技术就绪度不低于（级） · readiness (TRL) from",
    "eligibility.trl_to": "技术就绪度不高于（级） · readiness (TRL) up to",
    "eligibility.own_share": "自筹比例不低于（%） · own contribution (%) at least",
    "eligibility.verified": "申报单位须通过平台认证 · the applicant has to be verified here",
    "eligibility.joint": "须与高校或科研院所联合申报 · together with a university or institute",
    "eligibility.not_publicly_funded": "不支持已获财政资助的成果 · results of public funding are excluded",
    "eligibility.conditions": "其他条件，每行一条，由申报方自行核对 · other conditions, one a line, that applicants check themselves",
}
_COMMAS: Final = re.compile(r"[,，、;；\n]")
_NO_TIME: Final = (
    "请填写日期，例如 2027-03-02；时间可不填。 · Give a day, such as 2027-03-02; the time may be left blank."
)


def _lines(typed: Typed, name: str) -> list[str]:
    return [line.strip() for line in trying.said(typed, name).splitlines() if line.strip()]


def _codes(typed: Typed, name: str, table: str, wrong: Wrong) -> list[str]:
    found = []
    for text in typed.get(name, ()):
        if text.strip():
            read = coding.read(text, table)
            if read.code is None:
                wrong.setdefault(name, []).append(read.said)
            else:
                found.append(read.code)
    return found


def _moment(typed: Typed, name: str, wrong: Wrong) -> str | None:
    day, time = trying.said(typed, f"{name}.day"), trying.said(typed, f"{name}.time")
    if not day and not time:
        return None
    found = local_moment(day, time or TIMES[name])
    if found is None:
        wrong.setdefault(name, []).append(told(_NO_TIME))
    return found


def body(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    """What was typed as a body on the wire, and what of it cannot be read."""
    wrong: Wrong = {}
    made: dict[str, Any] = {name: trying.said(typed, name) or None for name in TEXTS}
    made |= {"kind": trying.said(typed, "kind"), "title": trying.said(typed, "title")}
    made |= {name: forms.amount(text) if (text := trying.said(typed, name)) else None for name in AMOUNTS}
    made |= {name: _moment(typed, name, wrong) for name in TIMES}
    made["keywords"] = [word.strip() for word in _COMMAS.split(trying.said(typed, "keywords")) if word.strip()]
    made |= {name: _codes(typed, name, table, wrong) for name, table in CODED.items()}
    made["documents"] = _lines(typed, "documents")
    contact = {part: trying.said(typed, f"contact.{part}") or None for part in CONTACT}
    made["contact"] = contact if any(contact.values()) else None
    rules: dict[str, Any] = {"applicant_kinds": list(typed.get("eligibility.applicant_kinds", ()))}
    for name, table in RULES_CODED.items():
        rules[name] = _codes(typed, f"eligibility.{name}", table, wrong)
    rules |= {name: trying.number(typed, f"eligibility.{name}") for name in RULES_NUMBERS}
    rules |= {name: trying.said(typed, f"eligibility.{name}") == "1" for name in RULES_TICKED}
    rules["conditions"] = _lines(typed, "eligibility.conditions")
    return made | {"eligibility": rules}, wrong


def read(shape: type[BaseModel], typed: Typed, **more: Any) -> tuple[Any, Wrong]:
    """The message that was typed, or what is wrong with it, by field of the form."""
    made, wrong = body(typed)
    return forms.message_of(shape, made | more, wrong, LABELS)


def _text(value: object) -> str:
    return "" if value is None else str(value).removesuffix(".00")


def _parts(name: str, at: datetime | None) -> Typed:
    """A moment as day and time; the time that a blank one means is left blank."""
    if at is None:
        return {f"{name}.day": [""], f"{name}.time": [""]}
    local = at.astimezone(clock.BEIJING)
    if f"{local:%H:%M}" == "00:00":
        local -= timedelta(days=TIMES[name] == "24:00")
        return {f"{name}.day": [f"{local:%Y-%m-%d}"], f"{name}.time": [""]}
    return {f"{name}.day": [f"{local:%Y-%m-%d}"], f"{name}.time": [f"{local:%H:%M}"]}


def shown(one: FundingView | FundingBody) -> Typed:
    """A call as its form shows it."""
    typed: Typed = {name: [_text(getattr(one, name))] for name in ("kind", "title", *TEXTS, *AMOUNTS)}
    for name in TIMES:
        typed |= _parts(name, getattr(one, name))
    typed["keywords"] = ["、".join(one.keywords)]
    typed |= {name: [say.written_code(code, table) for code in getattr(one, name)] for name, table in CODED.items()}
    typed["documents"] = ["\n".join(one.documents)]
    typed |= {f"contact.{part}": [_text(getattr(one.contact, part, None))] for part in CONTACT}
    rules = one.eligibility
    typed["eligibility.applicant_kinds"] = [kind.value for kind in rules.applicant_kinds]
    for name, table in RULES_CODED.items():
        typed[f"eligibility.{name}"] = [say.written_code(code, table) for code in getattr(rules, name)]
    typed |= {f"eligibility.{name}": [_text(getattr(rules, name))] for name in RULES_NUMBERS}
    typed |= {f"eligibility.{name}": ["1"] if getattr(rules, name) else [] for name in RULES_TICKED}
    typed["eligibility.conditions"] = ["\n".join(rules.conditions)]
    return typed


def was(name: str, value: Any) -> str:
    """What a field said before a change, as its page would have said it."""
    if value in (None, [], {}):
        return say.t("未填写 · nothing")
    if name in _WAS:
        return _WAS[name](value)
    if name in CODED:
        value = [say.code_name(code, CODED[name]) for code in value]
    return say.t("、 · , ").join(value) if isinstance(value, list) else str(value)


def _rules(value: Any) -> str:
    rules = eligibility.rules_told(Eligibility.model_validate(value))
    return say.t("； · ; ").join(f"{what}{say.t('： · : ')}{asked}" for what, asked in rules)


_WAS: Final[dict[str, Callable[[Any], str]]] = {
    "kind": lambda value: say.t(FUNDING_KINDS[value]),
    "eligibility": _rules,
    "opens_at": lambda value: say.moment(datetime.fromisoformat(value)),
    "closes_at": lambda value: sheets.deadline(datetime.fromisoformat(value)),
    **{name: lambda value: say.yuan(Decimal(value)) for name in AMOUNTS},
}


def fresh(kind: FundingKind) -> Typed:
    """The form of a new one."""
    return shown(FundingBody.model_construct(title="", kind=kind))
