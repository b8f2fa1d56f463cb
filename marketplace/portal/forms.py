"""A record as a form: what was typed becomes a body, a body becomes what a form shows. Nothing typed is ever lost."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from marketplace.kernel import validation
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal, StaleVersion
from marketplace.portal import coding, say, words
from marketplace.portal.sent import Typed

# By field: how it is written in the form.
PLAIN: Final = frozenset(
    {
        "title",
        "summary",
        "background",
        "description",
        "tried",
        "solver_conditions",
        "trl",
        "stage",
        "ip_wish",
        "deadline",
        "registration_number",
        "bounty",
        "talks",
        "name",
        "academic_title",
        "position",
        "unit",
        "focus",
        "homepage",
    }
)
# What is never left out of a record: blank, it is told to be too short and not to be missing.
NEEDED: Final = ("title", "name", "focus")
WHOLE: Final = frozenset({"trl", "talks"})
CODED: Final = {"industry": "industries", "discipline": "disciplines", "region": "regions"}
CODED_MANY: Final = {"industries": "industries", "disciplines": "disciplines"}
TICKED: Final = frozenset({"cooperation_modes", "services", "achievement_ids"})
ROWS: Final = {
    "indicators": ("name", "operator", "value", "upper", "unit"),
    "intellectual_property": ("kind", "number", "status", "holder"),
    "team": ("name", "role"),
}
# Where an error tells in which row it is.
NUMBERED: Final = frozenset({*ROWS, "hours", "order_form"})
# What is always chosen, so that it alone makes no row.
_CHOSEN: Final = frozenset({"operator", "status"})
PARTS: Final = {"price": ("kind", "low", "high"), "budget": ("low", "high"), "contact": ("name", "phone", "email")}
AMOUNTS: Final = frozenset({"bounty", "budget.low", "budget.high", "price.low", "price.high"})

_COMMAS: Final = re.compile(r"[,，、;；\n]")
_BIG: Final = re.compile(r"([0-9]+(?:\.[0-9]{1,6})?)\s*(万|亿)元?")
_BIGGER: Final = {"万": 4, "亿": 8}

Wrong = dict[str, list[str]]


def first(typed: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(typed.get(name, ())), "")


def rows(typed: Mapping[str, Sequence[str]], name: str) -> Iterator[dict[str, str]]:
    """The rows of a table of fields that were written in; blank ones are left out."""
    columns = ROWS[name]
    for values in zip_longest(*(typed.get(f"{name}.{column}", ()) for column in columns), fillvalue=""):
        row = dict(zip(columns, values, strict=True))
        if any(row[column].strip() for column in columns if column not in _CHOSEN):
            yield row


def amount(text: str) -> str:
    """`80万` and `80 万元` as 800000; anything else as it was typed."""
    plain = text.strip().replace(",", "").replace("，", "")
    found = _BIG.fullmatch(plain)
    if found is None:
        return plain.removesuffix("元").strip()
    whole, _, fraction = found[1].partition(".")
    digits = _BIGGER[found[2]]
    moved = (whole + fraction.ljust(digits, "0")[:digits]).lstrip("0") or "0"
    rest = fraction[digits:]
    return f"{moved}.{rest}" if rest else moved


def body(shape: type[BaseModel], typed: Typed) -> tuple[dict[str, Any], Wrong]:
    """What was typed as the body of `shape`, and what of it cannot be read."""
    made: dict[str, Any] = {}
    wrong: Wrong = {}
    for name in shape.model_fields:
        if name in CODED:
            made[name] = _code(name, first(typed, name), CODED[name], wrong)
        elif name in CODED_MANY:
            read = [_code(name, text, CODED_MANY[name], wrong) for text in typed.get(name, ()) if text.strip()]
            made[name] = [code for code in read if code is not None]
        elif name in TICKED:
            made[name] = list(typed.get(name, ()))
        elif name in ROWS:
            made[name] = [{column: text.strip() or None for column, text in row.items()} for row in rows(typed, name)]
        elif name in PARTS:
            parts = {part: _plain(f"{name}.{part}", first(typed, f"{name}.{part}")) for part in PARTS[name]}
            made[name] = parts if any(part is not None for part in parts.values()) else None
        elif name == "keywords":
            made[name] = [word.strip() for word in _COMMAS.split(first(typed, name)) if word.strip()]
        elif name == "awards":
            made[name] = [line.strip() for line in first(typed, name).splitlines() if line.strip()]
        elif name == "publicly_funded":
            made[name] = {"yes": True, "no": False}.get(first(typed, name))
        elif name in PLAIN:
            made[name] = _plain(name, first(typed, name))
    made |= {name: first(typed, name).strip() for name in NEEDED if name in shape.model_fields}
    return made, wrong


def _plain(name: str, text: str) -> str | int | None:
    text = text.strip()
    if not text:
        return None
    if name in AMOUNTS:
        return amount(text)
    if name in WHOLE and re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    return text


def _code(name: str, text: str, table: str, wrong: Wrong) -> str | None:
    if not text.strip():
        return None
    read = coding.read(text, table)
    if read.code is None:
        wrong.setdefault(name, []).append(read.said)
    return read.code


def read(shape: type[BaseModel], typed: Typed, **more: Any) -> tuple[Any, Wrong]:
    """The message that was typed, or what is wrong with it, by field of the form."""
    made, wrong = body(shape, typed)
    return message_of(shape, made | more, wrong, words.PARTS)


def message_of(
    shape: type[BaseModel], made: Mapping[str, Any], wrong: Wrong, parts: Mapping[str, str]
) -> tuple[Any, Wrong]:
    """A body as its message; what is wrong joins what could not be read. `parts` names what a field is made of."""
    unread = set(wrong)
    try:
        message = shape.model_validate(made)
    except ValidationError as error:
        for one in validation.as_refusal(error).errors:
            name, *rest = one.pointer.strip("/").split("/")
            # What could not be read has been told already, and is not missing besides.
            if name not in unread:
                wrong.setdefault(name, []).append(_where(name, rest, parts) + told(one.detail))
        return None, wrong
    return (None if wrong else message), wrong


def _where(name: str, rest: Sequence[str], parts_of: Mapping[str, str]) -> str:
    """Which row and which part of a field something is about: `第 2 行，数值：`."""
    place = ""
    if name in NUMBERED and rest and rest[0].isdigit():
        place, rest = say.t("第 {n} 行 · row {n}", n=int(rest[0]) + 1), rest[1:]
    part = parts_of.get(f"{name}.{rest[0]}", parts_of.get(rest[0])) if rest else None
    parts = [one for one in (place, told(part) if part else "") if one]
    return say.t("， · , ").join(parts) + say.t("： · : ") if parts else ""


def shown(values: Mapping[str, Any]) -> Typed:
    """A body, under the names of the wire, as its form shows it."""
    typed: Typed = {}
    for name, value in values.items():
        if name in CODED:
            typed[name] = [say.written_code(value, CODED[name])]
        elif name in CODED_MANY:
            typed[name] = [say.written_code(code, CODED_MANY[name]) for code in value or ()]
        elif name in TICKED:
            typed[name] = [str(one) for one in value or ()]
        elif name in ROWS:
            for column in ROWS[name]:
                typed[f"{name}.{column}"] = [str(row.get(column) or "") for row in value or ()]
        elif name in PARTS:
            for part in PARTS[name]:
                typed[f"{name}.{part}"] = [_text((value or {}).get(part))]
        elif name == "keywords":
            typed[name] = ["、".join(value or ())]
        elif name == "awards":
            typed[name] = ["\n".join(value or ())]
        elif name == "publicly_funded":
            typed[name] = [{True: "yes", False: "no"}.get(value, "")]
        else:
            typed[name] = [_text(value)]
    return typed


def _text(value: Any) -> str:
    return "" if value is None else str(value).removesuffix(".00")


def fields_of(shape: type[BaseModel]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each field of a body with the names of the form's inputs that write it."""
    for name in shape.model_fields:
        if name in ROWS:
            yield name, tuple(f"{name}.{column}" for column in ROWS[name])
        elif name in PARTS:
            yield name, tuple(f"{name}.{part}" for part in PARTS[name])
        else:
            yield name, (name,)


def _said(typed: Typed, inputs: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """What some inputs say, without what makes no difference: blanks, line ends."""
    kept = ([text.replace("\r\n", "\n").strip() for text in typed.get(name, ())] for name in inputs)
    return tuple(tuple(text for text in texts if text) for texts in kept)


def merged(
    fields: Iterable[tuple[str, tuple[str, ...]]], before: Typed, mine: Typed, theirs: Typed
) -> tuple[Typed, dict[str, str]]:
    """Two people's edits of one text: each field that only one of them changed is theirs; the others are told apart.

    Answers the form to show, with my text wherever both changed it, and by field what the other one wrote there.
    """
    made = dict(mine)
    both: dict[str, str] = {}
    for name, inputs in fields:
        old, my, their = (_said(typed, inputs) for typed in (before, mine, theirs))
        if their in (my, old):
            continue
        if my == old:
            made |= {one: theirs.get(one, []) for one in inputs}
        else:
            both[name] = told_of(theirs, inputs)
    return made, both


def told_of(typed: Typed, inputs: Sequence[str]) -> str:
    """What some inputs say, to be read: a row a line."""
    columns = [typed.get(name, []) for name in inputs]
    lines = (" ".join(text for text in row if text) for row in zip_longest(*columns, fillvalue=""))
    return "\n".join(line for line in lines if line) or say.t("（空） · (nothing)")


def beside(refusal: Refusal) -> Wrong:
    """What a refusal finds wrong, by the field that it is about."""
    wrong: Wrong = {}
    for one in refusal.errors:
        wrong.setdefault(one.pointer.strip("/").split("/")[0], []).append(told(one.detail))
    return {name: list(dict.fromkeys(texts)) for name, texts in wrong.items()}


def kept(typed: Typed, names: Iterable[str]) -> str:
    """A form as it was opened, to be sent along: so that another's change can be told from one's own."""
    return json.dumps({name: typed.get(name, []) for name in names}, ensure_ascii=False)


def as_opened(text: str, names: Collection[str]) -> Typed | None:
    """The same read back; None, where it is not what was sent along."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {
        name: [one for one in values if isinstance(one, str)]
        for name, values in found.items()
        if name in names and isinstance(values, list)
    }


def told_of_stale(both: Mapping[str, str]) -> list[str]:
    """What stands above a form that somebody else saved meanwhile; `both` is what both of them changed."""
    advice = (
        "下面保留了您的文字，并在旁边列出对方的文字；核对后再保存，就以您这里的为准。"
        " · Your text is kept below, with the other's beside it; save again once you have compared them."
        if both
        else "双方改的不是同一处，已合并在下面；核对后请再保存一次。"
        " · You changed different fields; both changes stand below. Look it over and save once more."
    )
    return [told(StaleVersion.title()), told(advice)]
