"""Why a wish has no meeting in what is published, told to those who wish.

Of the other side nothing is told that they did not say: whether they refused or kept silent is one answer, and whose
meetings stand in the way is for the desk.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking.meeting_models import HOLDING, Meeting, Publication, Unplaced
from marketplace.docking.wish_models import Wish, positive
from marketplace.kernel.language import told
from schemas.wishes import NotPlaced, WhyNot

_TOLD: Final = {
    WhyNot.NO_COMMON_LANGUAGE: "双方出席人没有共同语言：请补充出席人的语言，或请主办方安排翻译。"
    " · Nobody of you speaks a language of theirs: add your languages, or ask the desk for an interpreter.",
    WhyNot.HOSTS_APART: "双方都固定在各自的桌位：请主办方让一方走动。"
    " · Both of you stay at a table of your own: ask the desk to let one side walk.",
    WhyNot.NO_COMMON_SLOT: "没有双方都在场的场次：请增加您可以参加的场次。"
    " · There is no slot in which both of you are there: be there in more slots.",
    WhyNot.NO_TABLE_OPEN: "双方都在场时没有开放的桌位：请主办方增开桌位。"
    " · No table is open when both of you are there: ask the desk to open one.",
    WhyNot.FIXED_MEETINGS: "已公布的洽谈保持不变，没有剩下合适的场次。"
    " · Meetings that were published stay as they are, and leave no slot for it.",
    WhyNot.FLOOR: "场次优先用于每位参会者的保底洽谈。"
    " · The slots went first to the meetings that everybody was promised.",
    WhyNot.MAXIMUM_REACHED: "其中一方的洽谈已达上限：如是您方，可提高上限。"
    " · One of you has as many meetings as they want at most; if it is you, raise it.",
    WhyNot.NO_TABLE_LEFT: "双方都有空的场次里，桌位已排满。 · Whenever both of you are free, every table is taken.",
    WhyNot.PEOPLE_BUSY: "共同的场次里，其中一方另有洽谈。"
    " · In every slot that you share, one of you is in another meeting.",
    WhyNot.SEARCH_ENDED: "排程时间用尽时此约见尚未排定：主办方可重新排程。"
    " · The search ended before this was settled: the desk can plan anew.",
    WhyNot.NOT_AGREED: "目前只有您一方提出约见。 · So far only you asked for it.",
}


async def reasons(session: AsyncSession, event_id: UUID, side: UUID, found: Sequence[Wish]) -> dict[UUID, NotPlaced]:
    """By wish, why what this side asked for has no meeting in the schedule that is published."""
    asked = [one.id for one in found if positive(one.says(side))]
    if not asked:
        return {}
    published = (
        select(Publication.schedule_id)
        .where(Publication.event_id == event_id, Publication.undone_at.is_(None))
        .order_by(Publication.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    meets = exists().where(
        Meeting.first_id == Unplaced.first_id, Meeting.second_id == Unplaced.second_id, Meeting.state.in_(HOLDING)
    )
    rows = await session.execute(
        select(Unplaced.wish_id, Unplaced.why).where(
            Unplaced.schedule_id == published, Unplaced.wish_id.in_(asked), ~meets
        )
    )
    return {row.wish_id: NotPlaced(why=row.why, told=told(_TOLD[row.why])) for row in rows.all()}
