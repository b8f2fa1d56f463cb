"""What whoever registers answers to an event's questions: each by the field that fits the kind of the question."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from marketplace.docking.models import EventQuestion
from schemas.base import FieldError
from schemas.events import ParticipantKind, QuestionKind
from schemas.registrations import Answer

FIELDS: Final[Mapping[QuestionKind, str]] = {
    QuestionKind.LINE: "text",
    QuestionKind.TEXT: "text",
    QuestionKind.NUMBER: "number",
    QuestionKind.YES_NO: "yes",
    QuestionKind.CHOICE: "chosen",
    QuestionKind.CHOICES: "chosen",
    QuestionKind.DAY: "day",
}
LONGEST_LINE: Final = 300


def flaws(asked: Sequence[EventQuestion], kind: ParticipantKind, answers: Sequence[Answer]) -> Iterator[FieldError]:
    """Everything that is wrong with these answers, of a participant of this kind."""
    questions = {one.id: one for one in asked if not one.asked_of or kind in one.asked_of}
    seen: set[UUID] = set()
    for number, answer in enumerate(answers):
        question = questions.get(answer.question_id)
        if question is None or answer.question_id in seen:
            yield FieldError(
                pointer=f"/answers/{number}/question_id",
                code="not_asked",
                detail="没有向您提这个问题，或已回答过。 · You are not asked this, or have answered it already.",
            )
            continue
        seen.add(answer.question_id)
        wrong = _wrong(question, answer)
        if wrong is not None:
            name, detail = wrong
            yield FieldError(pointer=f"/answers/{number}/{name}", code="answer_does_not_fit", detail=detail)
    for question in questions.values():
        if question.required and question.id not in seen:
            yield FieldError(
                pointer="/answers",
                code="answer_missing",
                detail=f"请回答：{question.text} · Please answer: {question.text_en or question.text}",
            )


def _wrong(question: EventQuestion, answer: Answer) -> tuple[str, str] | None:
    """The field that has to change, and how; None when the answer fits."""
    name = FIELDS[question.kind]
    value = getattr(answer, name)
    if value is None:
        return name, f"请用 {name} 回答。 · Answer this in `{name}`."
    if question.kind is QuestionKind.LINE and ("\n" in value or len(value) > LONGEST_LINE):
        return name, f"只写一行，最多 {LONGEST_LINE} 个字。 · One line of at most {LONGEST_LINE} characters."
    if name == "chosen":
        most = 1 if question.kind is QuestionKind.CHOICE else len(question.options)
        if not set(value) <= set(question.options):
            return name, "请从给出的选项中选择。 · Choose from the options that are given."
        if not 1 <= len(value) <= most or len(set(value)) < len(value):
            return name, f"请选择 1 至 {most} 项，不重复。 · Choose 1 to {most} of them, each once."
    return None


def kept(answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers as they are stored: by question."""
    return {
        str(one.question_id): one.model_dump(mode="json", exclude={"question_id"}, exclude_none=True) for one in answers
    }


def told(stored: Mapping[str, Any]) -> list[Answer]:
    return [Answer.model_validate({"question_id": key} | value) for key, value in stored.items()]
