"""What the verdicts given so far teach: gathered, learnt in a thread, written down as a candidate and as lowered terms."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import operations, work
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place
from marketplace.kernel.language import told
from marketplace.kernel.operations import Operation
from marketplace.tuning import policy, terms, tunings
from marketplace.tuning.models import MatchingModel
from marketplace.verdicts.models import Verdict
from matching.blend import Weights
from schemas.identity import Verification
from schemas.operations import OperationState
from schemas.tuning import LearntFrom, Measured

if TYPE_CHECKING:  # scikit-learn is slow to import, and only wanted by whoever learns
    from matching import learning

JOB: Final = "verdicts.learn"
BATCH: Final = 1000
# So many of the latest are learnt from.
MOST: Final = 200_000

WHAT: Final = {
    "organisations": "家给出可比较评价的单位 · organisations whose verdicts compare",
    "questions": "条有两种以上评价的记录 · records with two different grades at least",
    "comparisons": "对评价不同的匹配 · pairs of differently graded pairings",
}


@dataclass
class Gathered:
    """What there is to learn from, and what it is compared with."""

    against: int
    weights: Weights
    verdicts: "list[learning.Verdict]" = field(default_factory=list)
    shown: "list[learning.Shown]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lesson:
    """``learnt`` is empty where there was too little to learn weights from; terms have bounds of their own."""

    gathered: Gathered
    evidence: "learning.Evidence"
    learnt: "learning.Learnt | None"
    misleading: "list[learning.Misleading]"

    @property
    def refused(self) -> str | None:
        """How much is there and how much it takes, where it is too little."""
        lacking = self.evidence.lacking() if self.learnt is None else []
        if not lacking:
            return None
        parts = [(told(WHAT[what], "zh"), told(WHAT[what], "en"), there, least) for what, there, least in lacking]
        chinese = "，".join(f"需要 {least} {zh}，现有 {there}" for zh, _, there, least in parts)
        english = "; ".join(f"it takes {least} {en}, there are {there}" for _, en, there, least in parts)
        return f"评价还不够，无法学习权重：{chinese}。 · Too few verdicts to learn weights from: {english}."


Progress = Callable[[int, int], Awaitable[None]]


async def gathered(database: Database, progress: Progress | None = None) -> Gathered:
    """The verdicts that count: those of verified organisations, by people who are not suspended; the latest of them."""
    from matching import learning  # noqa: PLC0415 -- see above

    standing = (
        select(Verdict)
        .join(Organisation, Organisation.id == Verdict.organisation_id)
        .join(Person, Person.id == Verdict.by)
        .where(
            Verdict.withdrawn_at.is_(None),
            Organisation.verification == Verification.VERIFIED,
            Person.suspended_at.is_(None),
        )
    )
    async with database.reading() as session:
        model = await tunings.active(session)
        made = Gathered(model.number, tunings.weights_of(model))
        total = min(MOST, await session.scalar(select(func.count()).select_from(standing.subquery())) or 0)
    columns = standing.with_only_columns(
        Verdict.id, Verdict.listing_id, Verdict.other_id, Verdict.organisation_id, Verdict.grade, Verdict.misleading,
        Verdict.industries, Verdict.said,
    ).order_by(Verdict.id.desc()).limit(BATCH)  # fmt: skip
    last: UUID | None = None
    while len(made.verdicts) < MOST:
        async with database.reading() as session:
            rows = (await session.execute(columns if last is None else columns.where(Verdict.id < last))).all()
        if not rows:
            break
        last = rows[-1].id
        for row in rows:
            values = {one["name"]: one["value"] or 0.0 for one in row.said["signals"]}
            organisation = str(row.organisation_id)
            made.verdicts.append(
                learning.Verdict(
                    str(row.listing_id),
                    str(row.other_id),
                    organisation,
                    row.grade,
                    row.said["text"],
                    tuple(values.get(name, 0.0) for name in learning.SIGNALS),
                )
            )
            shown = frozenset(one["term"] for one in row.said["terms"])
            made.shown.append(learning.Shown(organisation, frozenset(row.industries), shown, frozenset(row.misleading)))
        if progress is not None:
            await progress(len(made.verdicts), total + 1)
    return made


async def learnt(database: Database, progress: Progress | None = None) -> Lesson:
    """Learn, and write nothing down."""
    found = await gathered(database, progress)
    return await anyio.to_thread.run_sync(partial(_learn, found))


def _learn(found: Gathered) -> Lesson:
    from matching import learning  # noqa: PLC0415 -- see above

    misleading = learning.misleading(found.shown)
    try:
        made = learning.learn(found.verdicts, found.weights)
    except learning.TooLittle as too_little:
        return Lesson(found, too_little.evidence, None, misleading)
    return Lesson(found, made.evidence, made, misleading)


async def write(session: AsyncSession, lesson: Lesson, *, by: UUID | None) -> MatchingModel | None:
    """Keep the learnt weights as a candidate, and lower what misleads. Answers the candidate, where there is one."""
    await tunings.alone(session)
    await terms.find(session, lesson.misleading, by=by)
    made = lesson.learnt
    if made is None:
        return None
    measured = Measured(
        ndcg_before=made.ndcg[0], ndcg=made.ndcg[1], accuracy_before=made.accuracy[0], accuracy=made.accuracy[1],
        gain=made.gain, low=made.low, high=made.high,
    )  # fmt: skip
    return await tunings.keep(
        session,
        made.weights,
        LearntFrom(**asdict(made.evidence)),
        measured,
        better=made.better,
        against=lesson.gathered.against,
        by=by,
    )


async def start(session: AsyncSession, actor: Actor) -> Operation:
    """Have it learnt from all verdicts given so far. Nothing is ranked by what comes of it until it is activated; misleading
    terms are lowered at once."""
    policy.require_keeper(actor)
    return await work.start(session, actor, "learning", JOB)


async def run(place: Place, args: dict[str, Any]) -> None:
    """Learn once. Done twice it has one effect: its end stands in the transaction of its result."""
    operation_id = UUID(args["operation_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
        operation = await session.get_one(Operation, operation_id)
        by = operation.person_id

    async def progress(done: int, of: int) -> None:
        async with place.database.writing.begin() as session:
            if not await operations.progress(session, operation_id, done, of):
                raise work.Stopped

    try:
        lesson = await learnt(place.database, progress)
        async with place.database.writing.begin() as session:
            await work.still_wanted(session, operation_id)
            model = await write(session, lesson, by=by)
            done = len(lesson.gathered.verdicts) + 1
            await operations.progress(session, operation_id, done, done)
            await operations.end(session, operation_id, OperationState.DONE, result=_result(lesson, model))
    except work.Stopped:
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, OperationState.CANCELLED)


def _result(lesson: Lesson, model: MatchingModel | None) -> dict[str, Any]:
    return {
        "model_id": None if model is None else str(model.id),
        "number": None if model is None else model.number,
        "better": None if model is None else model.better,
        "learnt_from": asdict(lesson.evidence),
        "misleading_terms": len(lesson.misleading),
        "message": lesson.refused,
    }
