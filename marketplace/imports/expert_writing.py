"""Putting checked experts where their organisation finds them: new ones are drafts, always, and no consent comes of a file."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts
from marketplace.experts.experts import UNDESCRIBED, AgreedByName
from marketplace.experts.facts import ExpertsImported
from marketplace.experts.models import Expert
from marketplace.identity.models import Organisation
from marketplace.imports import record_writing, remembering
from marketplace.imports.record_writing import Change, Place, Writer
from marketplace.imports.writing import Wish
from marketplace.kernel.facts import Fact
from marketplace.kernel.refusals import Conflict
from marketplace.listings.models import Achievement
from schemas.experts import ExpertBody, ExpertPatch, ExpertState
from schemas.listings import CompletenessItem

ACHIEVEMENTS: Final = "achievement_ids"


class NeverPublished(Conflict):
    """导入的专家一律是草稿：逐位登记本人的同意，再发布。请不要选择随即发布。 · Imported experts are drafts, always: record each one's consent, then publish. Import them without publishing."""


_NEEDED: Final = (
    CompletenessItem(field="name", required=True, advice="新专家须有姓名。 · A new expert needs a name."),
    CompletenessItem(
        field="focus",
        required=True,
        advice="新专家须有研究方向，写一句话。 · A new expert needs a focus: say in a line what they work on.",
    ),
)
_RENAMED: Final = CompletenessItem(field="name", required=True, advice=AgreedByName.title())
_NOT_FOUND: Final = (
    "有代表性成果在本单位的成果中找不到（或不能确定是哪一项），没有关联：请写本单位成果的名称或外部编号"
    " · some representative achievement is not among your organisation's, or not one of them alone, and was left out:"
    " write the title or external id of your own achievement"
)
_SAME_NAME: Final = (
    "本单位已有同名的专家，这一行作为另一位：若是同一个人，请在这一行填上其标识符（见导出的表）再导入"
    " · your organisation has an expert of this name already, and this row makes another: if it is the same person, put"
    " their 标识符 (identifier, in the export) into the row"
)


def said(expert: Expert, achievement_ids: Sequence[UUID], fields: Iterable[str]) -> dict[str, Any]:
    """What a profile says in some fields, as a patch would say it."""
    told: dict[str, Any] = to_jsonable_python(
        {name: list(achievement_ids) if name == ACHIEVEMENTS else getattr(expert, name) for name in fields}
    )
    return told


def broken(expert: Expert, values: dict[str, Any]) -> tuple[str, CompletenessItem] | None:
    """The promise that a profile would break by saying these values, and the code of the error."""
    if "name" in values and values["name"] != expert.name and expert.consented_at is not None:
        return "agreed_by_name", _RENAMED
    if expert.state is ExpertState.PUBLISHED and "description" in values and not values["description"]:
        return "missing_for_publishing", UNDESCRIBED
    return None


def apply(expert: Expert, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(expert, name, value)
    experts.derive(expert)
    experts.touch(expert)


class ExpertWriter(Writer[Expert]):
    model: ClassVar[Any] = Expert
    called: ClassVar[tuple[str, str, str]] = ("expert", "一位专家", "expert")
    # Consent may be recorded at any moment: it is for the name that stands there then.
    locks_at_once: ClassVar[bool] = True

    def __init__(self, wish: Wish, organisation: Organisation) -> None:
        super().__init__(wish, organisation)
        # Of one chunk: who is known, achievements by what files call them, those that speak for each expert, and will.
        self._there: dict[UUID, Expert] = {}
        self._names: set[str] = set()
        self._achievements: dict[str, set[UUID]] = {}
        self._before: dict[UUID, list[UUID]] = {}
        self._after: dict[UUID, list[UUID]] = {}

    def fact(self, ids: list[UUID]) -> Fact:
        return ExpertsImported(ids)

    async def look(self, session: AsyncSession, rows: Sequence[dict[str, Any]], known: Sequence[Expert]) -> None:
        self._there = {one.id: one for one in known}
        self._before = await experts.representatives(session, list(self._there))
        self._after = {}
        self._achievements = {}
        mine = Expert.organisation_id == self.wish.organisation_id
        called = [row["given"]["name"] for row in rows if row["given"].get("name")]
        self._names = set(await session.scalars(select(Expert.name).where(mine, Expert.name.in_(called))))
        names = {name for row in rows for name in row.get("achievements", ())}
        if not names:
            return
        spoken_of = select(Achievement.id, Achievement.title, Achievement.external_id).where(
            Achievement.organisation_id == self.wish.organisation_id,
            or_(Achievement.title.in_(names), Achievement.external_id.in_(names), Achievement.id.in_(_ids(names))),
        )
        for row in await session.execute(spoken_of):
            for name in {str(row.id), row.title, row.external_id} - {None}:
                self._achievements.setdefault(name, set()).add(row.id)

    def _speaking(self, at: Place, names: Sequence[str]) -> list[UUID]:
        """The achievements that a row names. What cannot be told which it is, is left out and said."""
        found = [self._achievements.get(_plain(name), set()) for name in names]
        if any(len(one) != 1 for one in found):
            self.notice(at, ACHIEVEMENTS, "achievement_left_out", _NOT_FOUND)
        return list(dict.fromkeys(next(iter(one)) for one in found if len(one) == 1))

    def new(self, at: Place, row: dict[str, Any]) -> Expert | None:
        lacking = [item for item in _NEEDED if not row["given"].get(item.field)]
        if lacking:
            self.wrong(at, *lacking, code="needed_for_new")
            return None
        made = experts.written_down(self.wish.organisation_id, ExpertBody.model_validate(row["given"]), by=self.wish.by)
        made.source, made.external_id = row["source"], row["external_id"]
        if made.name in self._names:
            self.notice(at, "name", "same_name", _SAME_NAME)
        self._after[made.id] = self._speaking(at, row.get("achievements", ()))
        return made

    def changed(self, at: Place, row: dict[str, Any], known: Expert) -> Change | None:
        patch = ExpertPatch.model_validate(row["given"])
        values = experts.columns(patch, only_given=True)
        fields = [name for name, value in values.items() if getattr(known, name) != value]
        if (wrong := broken(known, values)) is not None:
            code, item = wrong
            self.wrong(at, item, code=code)
            return None
        if "achievements" in row:
            speaking = self._speaking(at, row["achievements"])
            if speaking != self._before.get(known.id, []):
                fields.append(ACHIEVEMENTS)
                self._after[known.id] = speaking
        return Change(at, known.id, patch, sorted(fields))

    async def create(self, session: AsyncSession, new: Sequence[tuple[Place, Expert]]) -> None:
        session.add_all([one for _, one in new])
        await session.flush()
        await experts.spoken_for(session, {one.id: self._after[one.id] for _, one in new})
        rows = [(at, one, False) for at, one in new]
        await remembering.created(session, self.wish, len(self.written.touched), rows)

    async def change(self, session: AsyncSession, changes: Sequence[Change]) -> None:
        rows = self._there
        before = {
            change.id: said(rows[change.id], self._before.get(change.id, []), change.fields) for change in changes
        }
        for change in changes:
            values = experts.columns(change.patch, only_given=True)
            apply(rows[change.id], {name: values[name] for name in change.fields if name != ACHIEVEMENTS})
        await session.flush()
        speaking = {change.id: self._after[change.id] for change in changes if ACHIEVEMENTS in change.fields}
        await experts.spoken_for(session, speaking)
        changed = [
            (
                change.at,
                rows[change.id],
                False,
                before[change.id],
                said(rows[change.id], speaking.get(change.id, []), change.fields),
            )
            for change in changes
        ]
        await remembering.changed(session, self.wish, len(self.written.touched), changed)


write = partial(record_writing.write, ExpertWriter)
compare = partial(record_writing.compare, ExpertWriter)


def _plain(name: str) -> str:
    """An id as the database writes it, whatever else as it stands."""
    try:
        return str(UUID(name))
    except ValueError:
        return name


def _ids(names: Iterable[str]) -> list[UUID]:
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found
