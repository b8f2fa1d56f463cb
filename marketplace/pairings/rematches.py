"""Runs of the full rematch: asked for, followed, looked at; and what the newest proposes for a record."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, locks, operations, work
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.language import told
from marketplace.kernel.operations import ENDED, Operation
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, Forbidden, NotFound
from marketplace.listings import records
from marketplace.listings.models import Listing, Problem
from marketplace.listings.policy import listing_open
from marketplace.pairings import facts, pairings, rematch_job
from marketplace.pairings.engine import Engine
from marketplace.pairings.rematch_models import Rematch, RematchPair
from schemas.identity import OrganisationCard, Permission
from schemas.rematches import (
    ProposalFilter,
    ProposalView,
    ProposedRecord,
    RematchNew,
    RematchNumbers,
    RematchTerms,
    RematchView,
    SharedFilter,
    SharedPage,
    SharedView,
    Why,
)

MOST_EXPORTED: Final = 50_000


class NotTheirRematch(Forbidden):
    """只有平台管理员可以运行全量匹配，审计员可以查看。 · Only platform administrators run the rematch; auditors may look."""


class RematchUnderWay(Conflict):
    """已有一次全量匹配正在进行；请等待其完成或取消。 · A rematch is under way; wait for it, or cancel it."""


class TooManyProposals(Conflict):
    """一次最多导出 50000 行，请只导出分到的，或缩小筛选范围。 · At most 50,000 rows can be exported at once; take the granted ones alone, or narrow the filter."""


class NoLongerKept(Conflict):
    """这次运行的推荐没有完成或已不再保存，只保留最近五次的。 · The proposals of this run are not finished, or kept no longer; those of the latest five are."""


async def request(session: AsyncSession, actor: Actor, wish: RematchNew) -> Rematch:
    """Have everybody matched anew; one run at a time."""
    if Permission.RUN_REMATCHES not in actor.platform:
        raise NotTheirRematch
    await session.execute(locks.wait_for("pairings.rematch"))
    under_way = (
        select(Rematch.id).join(Operation, Operation.id == Rematch.operation_id).where(Operation.state.not_in(ENDED))
    )
    if await session.scalar(under_way.limit(1)) is not None:
        raise RematchUnderWay
    rematch_id = uuid7()
    operation = await work.start(session, actor, "rematch", rematch_job.JOB, rematch_id=rematch_id)
    session.add(Rematch(id=rematch_id, operation_id=operation.id, made_by=actor.person, **wish.model_dump()))
    await session.flush()
    await record(session, facts.RematchRequested(rematch_id), subject=rematch_id, by=actor.person)
    return await read(session, actor, rematch_id)


async def cancel(session: AsyncSession, actor: Actor, rematch_id: UUID) -> Rematch:
    """Ask a run to stop, whoever of the platform's administrators started it; one that has ended stays as it is."""
    if Permission.RUN_REMATCHES not in actor.platform:
        raise NotTheirRematch
    run = await read(session, actor, rematch_id)
    if run.operation.state in ENDED:
        return run
    await operations.stop(session, run.operation_id)
    return await read(session, actor, rematch_id)


def _look(actor: Actor) -> None:
    if Permission.READ_ALL not in actor.platform:
        raise NotTheirRematch


def _chosen() -> Any:
    return (
        select(Rematch)
        .join(Operation, Operation.id == Rematch.operation_id)
        .options(contains_eager(Rematch.operation))
        .execution_options(populate_existing=True)
    )


async def read(session: AsyncSession, actor: Actor, rematch_id: UUID) -> Rematch:
    _look(actor)
    found: Rematch | None = await session.scalar(_chosen().where(Rematch.id == rematch_id))
    if found is None:
        raise NotFound
    return found


async def listed(session: AsyncSession, actor: Actor, paging: Paging) -> tuple[list[RematchView], str | None]:
    """All runs, latest first."""
    _look(actor)
    by = tuple(zip((Rematch.created_at, Rematch.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, _chosen(), by, paging)
    return await views(session, [row[0] for row in rows]), marker


async def newest(session: AsyncSession) -> Rematch | None:
    """The newest finished run."""
    found: Rematch | None = await session.scalar(
        select(Rematch)
        .where(Rematch.finished_at.is_not(None), Rematch.pruned_at.is_(None))
        .order_by(Rematch.finished_at.desc(), Rematch.id.desc())
        .limit(1)
    )
    return found


async def views(session: AsyncSession, runs: Sequence[Rematch]) -> list[RematchView]:
    latest = await newest(session)
    return [
        RematchView(
            **_terms(run).model_dump(),
            operation_id=run.operation_id,
            state=run.operation.state,
            progress=run.operation.done / run.operation.total if run.operation.total else 0.0,
            error=run.operation.error,
            newest=latest is not None and run.id == latest.id,
            kept=run.finished_at is not None and run.pruned_at is None,
            numbers=RematchNumbers.model_validate(run) if run.finished_at else None,
            created_at=run.created_at,
        )
        for run in runs
    ]


def _terms(run: Rematch) -> RematchTerms:
    return RematchTerms.model_validate(run)


_PROBLEM, _ACHIEVEMENT = aliased(Listing, flat=True), aliased(Listing, flat=True)
_FIRM, _TEAM = aliased(Organisation), aliased(Organisation)


def _open(listing: Any, organisation: Any) -> ColumnElement[bool]:
    """What was withdrawn or ran out since is shown to nobody."""
    return and_(listing_open(listing, organisation), listing.confirmed_until > clock.now())


def _pairs(*columns: Any) -> Select[Any]:
    """Pairs of records that are both open now."""
    return (
        select(*columns)
        .select_from(RematchPair)
        .join(_PROBLEM, _PROBLEM.id == RematchPair.problem_id)
        .join(_FIRM, _FIRM.id == _PROBLEM.organisation_id)
        .join(_ACHIEVEMENT, _ACHIEVEMENT.id == RematchPair.achievement_id)
        .join(_TEAM, _TEAM.id == _ACHIEVEMENT.organisation_id)
        .where(_open(_PROBLEM, _FIRM), _open(_ACHIEVEMENT, _TEAM))
    )


_SHOWN: Final = (
    RematchPair,
    *(
        one.label(f"{side}_{name}")
        for side, listing, organisation in (("problem", _PROBLEM, _FIRM), ("achievement", _ACHIEVEMENT, _TEAM))
        for name, one in (
            ("title", listing.title),
            ("organisation_id", organisation.id),
            ("organisation", organisation.name),
            ("verification", organisation.verification),
        )
    ),
)
_BY_PROBLEM: Final = (
    (RematchPair.granted, bool),
    (RematchPair.score, float),
    (RematchPair.achievement_id, UUID),
)
_BY_ACHIEVEMENT: Final = ((RematchPair.granted, bool), (RematchPair.score, float), (RematchPair.problem_id, UUID))
_OF_A_RUN: Final = ((RematchPair.problem_id, UUID), *_BY_PROBLEM)


def _narrowed(run: Rematch, wish: ProposalFilter) -> Select[Any]:
    statement = _pairs(*_SHOWN).where(RematchPair.rematch_id == run.id)
    if wish.problem is not None:
        statement = statement.where(RematchPair.problem_id == wish.problem)
    if wish.achievement is not None:
        statement = statement.where(RematchPair.achievement_id == wish.achievement)
    if wish.granted is not None:
        statement = statement.where(RematchPair.granted == wish.granted)
    return statement


async def _kept(session: AsyncSession, actor: Actor, rematch_id: UUID) -> Rematch:
    run = await read(session, actor, rematch_id)
    if run.finished_at is None or run.pruned_at is not None:
        raise NoLongerKept
    return run


async def proposals(
    session: AsyncSession, actor: Actor, rematch_id: UUID, wish: ProposalFilter, paging: Paging
) -> tuple[list[ProposalView], str | None]:
    """What a run proposes and passes over, problem by problem, among records that are open now."""
    run = await _kept(session, actor, rematch_id)
    rows, marker = await page(session, _narrowed(run, wish), _OF_A_RUN, paging)
    return [view(row, run) for row in rows], marker


async def exported(session: AsyncSession, actor: Actor, rematch_id: UUID, wish: ProposalFilter) -> list[ProposalView]:
    """All of it, for a file."""
    run = await _kept(session, actor, rematch_id)
    by = [column.desc() for column, _ in _OF_A_RUN]
    rows = (await session.execute(_narrowed(run, wish).order_by(*by).limit(MOST_EXPORTED + 1))).all()
    if len(rows) > MOST_EXPORTED:
        raise TooManyProposals
    return [view(row, run) for row in rows]


_NONE_YET: Final = (
    "平台还没有做过全量匹配，暂时没有按接洽能力分配的推荐；普通排名不受影响。"
    " · The platform has not run a full rematch yet, so there are no proposals shared by capacity; the plain ranking is there as ever."
)
_NOT_IN_IT: Final = (
    "最近一次全量匹配没有为这条记录留下推荐：它在那之后才公开，或没有合适的。普通排名里可能有。"
    " · The newest rematch has nothing for this record: it was published since, or nothing fitted. The plain ranking may have some."
)
_AS_OF: Final = (
    "这是 {at} 那次全量匹配的结果：每支团队只推荐给它谈得过来的企业，每项难题尽量保底 {floor} 条。按得分的普通排名随时可看。"
    " · As of the rematch of {at}: each team is proposed to as many firms as it can talk to, and as many problems as possible"
    " keep {floor}. The plain ranking by score is there as ever."
)


async def shared(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    wish: SharedFilter,
    paging: Paging,
) -> SharedPage:
    """What the newest run proposes for a record, granted first, each with its reason; and why the two fit, as of now."""
    await records.read(session, actor, cls, listing_id)
    run = await newest(session)
    if run is None or run.finished_at is None:
        return SharedPage(items=[], next_cursor=None, run=None, granted=0, message=told(_NONE_YET))
    of_problem = cls is Problem
    column = RematchPair.problem_id if of_problem else RematchPair.achievement_id
    mine = ProposalFilter(
        problem=listing_id if of_problem else None,
        achievement=None if of_problem else listing_id,
        granted=wish.granted,
    )
    rows, marker = await page(session, _narrowed(run, mine), _BY_PROBLEM if of_problem else _BY_ACHIEVEMENT, paging)
    counted = _pairs(func.count()).where(
        RematchPair.rematch_id == run.id, column == listing_id, RematchPair.granted.is_(True)
    )
    granted = await session.scalar(counted) or 0
    said = told(_AS_OF).format(at=f"{run.finished_at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}", floor=run.floor)
    terms, other = _terms(run), RematchPair.achievement_id if of_problem else RematchPair.problem_id
    seen = [(getattr(row[0], other.key), view(row, run)) for row in rows]
    try:
        now = await pairings.these(session, engine, actor, cls, listing_id, [id_ for id_, _ in seen])
    except pairings.RankingLoading:
        now = {}
    return SharedPage(
        items=[SharedView(**dict(one), pairing=now.get(id_)) for id_, one in seen],
        next_cursor=marker,
        run=terms,
        granted=granted,
        message=said if rows or granted else told(_NOT_IN_IT),
    )


def view(row: Any, run: Rematch) -> ProposalView:
    pair: RematchPair = row[0]

    def side(name: str, id_: UUID) -> ProposedRecord:
        card = OrganisationCard(
            id=getattr(row, f"{name}_organisation_id"),
            name=getattr(row, f"{name}_organisation"),
            verification=getattr(row, f"{name}_verification"),
        )
        return ProposedRecord(id=id_, title=getattr(row, f"{name}_title"), organisation=card)

    return ProposalView(
        problem=side("problem", pair.problem_id),
        achievement=side("achievement", pair.achievement_id),
        explanation=explained(pair, run),
        **{
            name: getattr(pair, name)
            for name in ("score", "rank", "rank_back", "granted", "why", "place", "places", "lowest", "highest")
        },
    )


def explained(pair: RematchPair, run: Rematch) -> str:
    """Why a pair is proposed, or is not, in a sentence."""
    if pair.granted:
        kept = told("；属于这项难题的保底推荐 · ; it is of the problem's floor") if pair.why is Why.FLOOR else ""
        if pair.places is None:
            return told("已推荐；名额不限 · Proposed; any number of places") + kept
        of_many = told("已推荐：占 {places} 个名额中的第 {place} 个 · Proposed: place {place} of {places}")
        return of_many.format(place=pair.place, places=pair.places) + kept
    whose = (
        told("该单位的 {places} 个名额 · the {places} places of its organisation")
        if pair.why is Why.ORGANISATION_FULL
        else told("该团队的 {places} 个名额 · the {places} places of its team")
    ).format(places=pair.places)
    low, high = pair.lowest or 0.0, pair.highest or 0.0
    if low >= pair.score:
        said = told(
            "未推荐：{whose}已给了更合适的难题（得分 {scores}）"
            " · Not proposed: {whose} went to problems that it fits better (scores {scores})"
        )
    else:
        said = told(
            "未推荐：{whose}已给了得分 {scores} 的难题；其中得分较低的另无更好的选择，或靠它保底"
            " · Not proposed: {whose} went to problems with scores {scores}; those that it fits less have"
            " nothing better elsewhere, or keep their floor with it"
        )
    scores = "–".join(dict.fromkeys([f"{low:.3f}", f"{high:.3f}"]))
    return said.format(whose=whose, scores=scores)
