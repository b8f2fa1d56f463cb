"""A registration as a form: what was typed becomes a body, a body becomes what the form shows. Nothing typed is lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from marketplace.docking.answers import FIELDS as ANSWERED_BY
from marketplace.kernel.language import told
from marketplace.portal import forms, say
from marketplace.portal.sent import Typed
from schemas.base import FieldError
from schemas.events import EventView, QuestionKind, QuestionView
from schemas.registrations import RegistrationView

TEXTS: Final = ("introduction", "wanted", "accessibility")
PEOPLE: Final = 20
"""Of one registration, whatever its event allows: what is too much is refused, and not lost."""
LABELS: Final = {
    "organisation_id": "以哪个单位的名义 · in the name of",
    "kind": "参会类别 · kind of participant",
    "name": "姓名 · name",
    "email": "邮箱 · e-mail",
    "phone": "电话 · phone",
    "job": "职务 · position",
    "languages": "会说的语言 · languages spoken",
    "absent": "不能参加的场次 · slots in which they cannot",
    "meetings_most": "最多洽谈几场 · meetings at most",
    "introduction": "自我介绍 · introduction",
    "wanted": "希望见到谁、解决什么 · whom you hope to meet, and what for",
    "accessibility": "无障碍与其他需要 · accessibility and other needs",
    "records": "带来的成果或难题 · what you bring along",
    "answers": "主办方的问题 · questions of the organizers",
    "people": "参会人 · people",
}


@dataclass
class Read:
    """What was typed as the body of a registration, and where each part of it stands in the form."""

    body: dict[str, Any] = field(default_factory=dict)
    # The numbers of the blocks of people that were written in, and the questions that were answered, in the body's order.
    blocks: list[int] = field(default_factory=list)
    asked: list[QuestionView] = field(default_factory=list)


def _number(text: str) -> int | str | None:
    """A whole number; what is none is sent as it is, so that the refusal says so."""
    plain = text.strip()[:12]
    return int(plain) if plain.isascii() and plain.isdigit() else plain or None


def read(typed: Typed, one: EventView, kind: str) -> Read:
    """The form of an event, as whoever is of this kind fills it in."""
    made = Read()
    body: dict[str, Any] = {name: forms.first(typed, name).strip() or None for name in TEXTS}
    body |= {
        "meetings_most": _number(forms.first(typed, "meetings_most")),
        "shown": forms.first(typed, "shown") == "1",
        "records": typed.get("records", []),
        "people": [],
        "answers": [],
    }
    for block in range(PEOPLE):
        person = _person(typed, block)
        if person is not None:
            body["people"].append(person)
            made.blocks.append(block)
    for question in one.questions:
        value = _answer(typed, question) if not question.asked_of or kind in question.asked_of else None
        if value is not None:
            body["answers"].append({"question_id": str(question.id), ANSWERED_BY[question.kind]: value})
            made.asked.append(question)
    made.body = body
    return made


def blocks(typed: Typed, one: EventView) -> range:
    """The blocks of people to show: as many as may come together, and all that are written in."""
    filled = [block for block in range(PEOPLE) if _person(typed, block) is not None]
    return range(max(one.people_most, filled[-1] + 1 if filled else 0))


def _person(typed: Typed, block: int) -> dict[str, Any] | None:
    """One of the people; None where nothing says who it is."""

    def sent(name: str) -> str:
        return forms.first(typed, f"people.{block}.{name}").strip()

    told_of = {name: sent(name) for name in ("name", "email", "phone", "job")}
    if not any(told_of.values()):
        return None
    return {
        "name": told_of["name"],
        "email": told_of["email"],
        "phone": told_of["phone"] or None,
        "job": told_of["job"] or None,
        "languages": typed.get(f"people.{block}.languages", []),
        "meetings_most": _number(sent("meetings_most")),
        "absent": typed.get(f"people.{block}.absent", []),
    }


def _answer(typed: Typed, question: QuestionView) -> Any:
    """What was answered; None where nothing was."""
    values = [text.strip() for text in typed.get(f"answer.{question.id}", []) if text.strip()]
    if not values:
        return None
    if question.kind in {QuestionKind.CHOICE, QuestionKind.CHOICES}:
        return values
    if question.kind is QuestionKind.YES_NO:
        return {"yes": True, "no": False}.get(values[0])
    return _number(values[0]) if question.kind is QuestionKind.NUMBER else values[0]


def wrong_of(read_of: Read, errors: Sequence[FieldError]) -> tuple[list[tuple[str, str]], forms.Wrong]:
    """What is wrong: for the head of the page with where it stands, and by the name of the field."""
    said: list[tuple[str, str]] = []
    wrong: forms.Wrong = {}
    for error in errors:
        name, label = _placed(read_of, error.pointer)
        wrong.setdefault(name, []).append(told(error.detail))
        said.append((name, f"{label}{say.t('： · : ')}{told(error.detail)}" if label else told(error.detail)))
    return said, wrong


def _placed(read_of: Read, pointer: str) -> tuple[str, str]:
    """The name of the form's field that a pointer is about, and what it is called."""
    name, *rest = pointer.strip("/").split("/")
    if name == "people" and rest and rest[0].isdigit() and int(rest[0]) < len(read_of.blocks):
        block = read_of.blocks[int(rest[0])]
        part = rest[1] if len(rest) > 1 else "name"
        person = say.t("参会人 {n} · person {n}", n=block + 1)
        return f"people.{block}.{part}", person + say.t("， · , ") + say.t(LABELS.get(part, part))
    if name == "answers" and rest and rest[0].isdigit() and int(rest[0]) < len(read_of.asked):
        question = read_of.asked[int(rest[0])]
        return f"answer.{question.id}", text_of(question)
    return name, say.t(LABELS[name]) if name in LABELS else ""


def text_of(question: QuestionView) -> str:
    return question.text_en if say.in_english() and question.text_en else question.text


def shown(one: RegistrationView) -> Typed:
    """A registration, as its form shows it."""
    typed: Typed = {name: [getattr(one, name) or ""] for name in TEXTS}
    typed["meetings_most"] = [_text(one.meetings_most)]
    typed["shown"] = ["1"] if one.shown else []
    typed["records"] = [str(record.id) for record in one.records]
    for block, person in enumerate(one.people):
        for name in ("name", "email", "phone", "job", "meetings_most"):
            typed[f"people.{block}.{name}"] = [_text(getattr(person, name))]
        typed[f"people.{block}.languages"] = list(person.languages)
        typed[f"people.{block}.absent"] = [str(slot) for slot in person.absent]
    for answer in one.answers:
        typed[f"answer.{answer.question_id}"] = list(said(answer.model_dump()))
    return typed


def _text(value: object) -> str:
    return "" if value is None else str(value)


def said(answer: Mapping[str, Any]) -> Iterator[str]:
    """What was answered, as a form sends it."""
    if answer["chosen"] is not None:
        yield from answer["chosen"]
    elif answer["yes"] is not None:
        yield "yes" if answer["yes"] else "no"
    else:
        yield from (str(answer[name]) for name in ("text", "number", "day") if answer[name] is not None)
