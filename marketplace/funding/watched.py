"""What somebody who keeps an eye on a call knows of it, what of that has changed, and the words for it.

No database is needed. What is known is kept with each bookmark: a later look compares it with what the call says then, so
several edits are one piece of news, and an edit that was undone is none.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from marketplace.funding import calls, eligibility, shapes, sheets
from marketplace.funding.models import FundingCall
from marketplace.funding.names import RULES
from marketplace.kernel import clock
from marketplace.kernel.language import reading, told
from schemas.funding import FundingPhase, FundingState
from schemas.funding_rankings import FundingRule
from schemas.identity import Verification

# What says more is told to have changed, and read on the page.
SHORT: Final = 200
Known = dict[str, Any]
LIVE: Final = frozenset({FundingPhase.OPENING_SOON, FundingPhase.OPEN})
_LONG: Final = "sha256"


class Turn(StrEnum):
    """What became of a call as a whole: 不再提供、提前截止、开始受理、重新开放."""

    GONE = "gone"
    CLOSED = "closed"
    OPENED = "opened"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class News:
    """What somebody is told, if anything, and what they know from then on."""

    known: Known
    turn: Turn | None = None
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.turn is not None or bool(self.changed)


def standing(call: FundingCall, now: datetime) -> FundingPhase:
    """What everybody can do with it. Its own people may see more; they are told no more than others."""
    if call.organisation.verification is not Verification.VERIFIED:
        return FundingPhase.HIDDEN
    return shapes.phase(call, now)


def snapshot(call: FundingCall, now: datetime) -> Known:
    """What is to be known of a call: where it stands, its name, and what applicants go by. Long texts are kept by their
    digest, which is enough to see that they changed."""
    said: dict[str, Any] = {
        "opens_at": _moment(call.opens_at),
        "closes_at": _moment(call.closes_at),
        "amount": [_number(call.amount_low), _number(call.amount_high)],
        "total_amount": _number(call.total_amount),
        "how_to_apply": call.how_to_apply,
        "apply_url": call.apply_url,
        "documents": list(call.documents),
    }
    rules: dict[str, list[str]] = {}
    for one in eligibility.decided(calls.rules_of(call), eligibility.Applicant()):
        rules.setdefault(one.rule.value, []).extend(one.asked)
    # The order of codes means nothing.
    said |= {rule: asked if rule in _IN_ORDER else sorted(asked) for rule, asked in rules.items()}
    names = {"standing": standing(call, now).value, "title": call.title, "title_en": call.title_en}
    return names | {name: _short(value) for name, value in said.items()}


_IN_ORDER: Final = frozenset({FundingRule.CONDITION, FundingRule.TRL})


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _number(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _short(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= SHORT else {_LONG: hashlib.sha256(text.encode()).hexdigest()}


_WATCHED: Final = (
    "opens_at", "closes_at", "amount", "total_amount", *(rule.value for rule in FundingRule), "how_to_apply", "apply_url",
    "documents",
)  # fmt: skip


def news(known: Known | None, call: FundingCall, now: datetime) -> News:
    """What has changed for somebody who knows this much; nothing for whoever was never asked what they know."""
    today = snapshot(call, now)
    if known is None:
        return News(today)
    was, stands = known["standing"], today["standing"]
    lived = was in LIVE
    if stands in LIVE:
        opened = was == FundingPhase.OPENING_SOON and stands == FundingPhase.OPEN
        turn = Turn.AGAIN if not lived else Turn.OPENED if opened else None
        return News(today, turn, _differing(known, today))
    # Of what is closed or hidden nothing more is told; once it is back, what it said when it was open is compared.
    then = known | {"standing": stands}
    if not lived:
        return News(then)
    if stands == FundingPhase.HIDDEN:
        return News(then, Turn.GONE)
    if call.state is FundingState.CLOSED and (call.closes_at is None or call.closes_at > now):
        return News(then, Turn.CLOSED)
    # Over at its deadline is no news, unless it was another deadline.
    changed = ("closes_at",) if known["closes_at"] != today["closes_at"] else ()
    return News(then | {"closes_at": today["closes_at"]}, None, changed)


def _differing(known: Known, today: Known) -> tuple[str, ...]:
    return tuple(name for name in _WATCHED if known.get(name) != today.get(name))


def title(known: Known) -> str:
    """What it is called, in the reader's language."""
    name: str = (reading.get() == "en" and known["title_en"]) or known["title"]
    return name


_SUBJECTS: Final = {
    Turn.GONE: "您收藏的资金不再提供：{title} · No longer offered: {title}",
    Turn.CLOSED: "您收藏的资金提前截止：{title} · Closed early: {title}",
    Turn.OPENED: "开始受理：{title} · Now open: {title}",
    Turn.AGAIN: "重新开放：{title} · Offered again: {title}",
}
_OTHER_DEADLINE: Final = "截止时间有变：{title} · Another deadline: {title}"
_CHANGED: Final = "您收藏的资金有修改：{title} · Changed: {title}"
_OPENINGS: Final = {
    Turn.GONE: (
        "您收藏的资金不再提供，页面不再公开；重新开放时会再告诉您。"
        " · A call that you keep an eye on is no longer offered, and its page is not public any more. You are told if it is"
        " offered again."
    ),
    Turn.CLOSED: (
        "您收藏的资金已提前截止，不再受理申报。"
        " · A call that you keep an eye on was closed early: it takes no more applications."
    ),
    Turn.OPENED: "您收藏的资金开始受理申报。 · A call that you keep an eye on now takes applications.",
    Turn.AGAIN: "您收藏的资金重新开放。 · A call that you keep an eye on is offered again.",
}
_EDITED: Final = "您收藏的资金有修改： · A call that you keep an eye on was changed:"
_SINCE: Final = "并有以下修改： · Besides, this was changed:"
_FROM_THEN: Final = "{at}（北京时间）开始受理。 · It takes applications from {at} (Beijing time)."
_STOP: Final = (
    "不想再收到修改通知，或取消收藏：{stop} · To stop letters about changes, or to keep an eye on it no longer: {stop}"
)
_LINE: Final = "- {what}：{was} → {now} · - {what}: {was} → {now}"
_LONG_LINE: Final = "- {what}：已修改，请看网页 · - {what}: changed; please read it on the page"
_NAMES: Final = {
    "opens_at": "开始受理（北京时间） · Opens (Beijing time)",
    "closes_at": "截止（北京时间） · Closes (Beijing time)",
    "amount": "每个项目 · For one project",
    "total_amount": "总额 · Altogether",
    "how_to_apply": "怎样申报 · How to apply",
    "apply_url": "申报网址 · Where to apply",
    "documents": "申报材料 · Documents that are needed",
}
_RULE: Final = "申报条件“{rule}” · Who may apply, “{rule}”"
_NOTHING: Final = "未写明 · not said"
_NO_RULE: Final = "无要求 · no rule"


def subject(one: News) -> str:
    if one.turn is not None:
        return told(_SUBJECTS[one.turn]).format(title=title(one.known))
    return told(_OTHER_DEADLINE if one.changed == ("closes_at",) else _CHANGED).format(title=title(one.known))


def text(one: News, known: Known, giver: str, link: str) -> str:
    """The letter: what became of it, what was changed of what it said before, where to read it, how to stop.

    Of a call that is no longer offered it names what its reader knew it by, and nothing else.
    """
    lines = [told(_EDITED if one.turn is None else _OPENINGS[one.turn]), "", title(one.known)]
    if one.turn is not Turn.GONE:
        lines += [giver, ""]
        if one.turn is Turn.AGAIN and one.known["standing"] == FundingPhase.OPENING_SOON:
            lines += [told(_FROM_THEN).format(at=_opens(one.known["opens_at"])), ""]
        if one.turn is not None and one.changed:
            lines.append(told(_SINCE))
        if one.changed:
            lines += [*_lines(one, known), ""]
        lines.append(link)
    return "\n".join([*lines, "", told(_STOP).format(stop=f"{link}/bookmark")])


def _lines(one: News, known: Known) -> Iterator[str]:
    for name in one.changed:
        what = told(_NAMES[name]) if name in _NAMES else told(_RULE).format(rule=told(RULES[name]))
        was, is_now = known.get(name), one.known.get(name)
        if any(isinstance(value, dict) for value in (was, is_now)):
            yield told(_LONG_LINE).format(what=what)
        else:
            yield told(_LINE).format(what=what, was=_in_words(name, was), now=_in_words(name, is_now))


def _in_words(name: str, value: Any) -> str:
    if name in _WORDS:
        return _WORDS[name](value)
    if name in RULES:
        return eligibility.asked_alone(FundingRule(name), value) if value else told(_NO_RULE)
    said = told("、 · , ").join(value) if isinstance(value, list) else value
    # One line of the letter, however it was written.
    return " ".join(said.split()) if said else told(_NOTHING)


_AT_ONCE: Final = "发布起 · once published"
_YUAN: Final = "{amount} 元 · CNY {amount}"
_FROM: Final = "至少 {low} 元 · CNY {low} or more"
_UP_TO: Final = "至多 {high} 元 · up to CNY {high}"
_BETWEEN: Final = "{low}–{high} 元 · CNY {low}–{high}"


def _opens(at: str | None) -> str:
    if at is None:
        return told(_AT_ONCE)
    return f"{datetime.fromisoformat(at).astimezone(clock.BEIJING):%Y-%m-%d %H:%M}"


def _closes(at: str | None) -> str:
    return sheets.deadline(None if at is None else datetime.fromisoformat(at))


def _plain(amount: str) -> str:
    return f"{Decimal(amount):,.2f}".removesuffix(".00")


def _yuan(amount: str | None) -> str:
    return told(_NOTHING) if amount is None else told(_YUAN).format(amount=_plain(amount))


def _span(bounds: tuple[str | None, str | None]) -> str:
    low, high = bounds
    if low is None and high is None:
        return told(_NOTHING)
    if high is None:
        return told(_FROM).format(low=_plain(str(low)))
    if low is None:
        return told(_UP_TO).format(high=_plain(high))
    if low == high:
        return _yuan(low)
    return told(_BETWEEN).format(low=_plain(low), high=_plain(high))


_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "opens_at": _opens,
    "closes_at": _closes,
    "amount": _span,
    "total_amount": _yuan,
}
