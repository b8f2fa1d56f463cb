"""What is kept of a person, table by table: which rows are theirs, and what of them is told.

What others wrote of them for others alone (a keeper's note, say) is not theirs to take, nor is anything of a secret.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Table

from marketplace.kernel.actor import Actor
from marketplace.kernel.base import Base
from marketplace.tables import METADATA_IS_COMPLETE

assert METADATA_IS_COMPLETE

Whose = Callable[[Table, Actor], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Kept:
    """Of `table`: the rows that are somebody's, the latest by the first of `columns` that says when, and their columns."""

    title: str
    table: Table
    whose: Whose
    columns: tuple[str, ...]
    latest: str


def _by(column: str) -> Whose:
    return lambda table, actor: table.c[column] == actor.person


def _to(column: str) -> Whose:
    return lambda table, actor: table.c[column] == actor.email


def _kept(title: str, table: str, whose: Whose, columns: str, latest: str = "created_at") -> Kept:
    return Kept(title, Base.metadata.tables[table], whose, tuple(columns.split()), latest)


_VERSIONED: Final = "version created_at updated_at"

KEPT: Final = (
    _kept(
        "账号 · Account", "person", _by("id"),
        f"id email name phone locale confirmed_at suspended_at suspended_because {_VERSIONED}",
    ),
    _kept(
        "身份 · Memberships", "membership", _by("person_id"),
        "id organisation_id role version since given_by ended_at", "since",
    ),
    _kept(
        "收到的邀请 · Invitations to you", "invitation", _to("email"),
        "id organisation_id role created_at expires_at accepted_at revoked_at",
    ),
    _kept(
        "会话与令牌 · Sessions and tokens", "token", _by("person_id"),
        "id kind scope name created_at expires_at last_used_at revoked_at",
    ),
    _kept("日历地址 · Calendar addresses", "calendar_link", _by("person_id"), "id kind instrument_id created_at revoked_at"),
    # What a letter says is forgotten once it is sent.
    _kept("发给您的信 · Letters to you", "letter", _to("to"), "id subject at sent_at", "at"),
    _kept("您写的记录 · Records that you wrote", "listing", _by("created_by"), f"id kind organisation_id title state {_VERSIONED}"),
    _kept("您改过的版本 · Versions that you changed", "listing_revision", _by("by"), "listing_id version at", "at"),
    _kept("您上传的附件 · Files that you added", "attachment", _by("created_by"), "id listing_id part name size created_at removed_at"),
    _kept("您写的保密内容 · Confidential parts that you wrote", "confidential", _by("by"), "listing_id version at", "at"),
    _kept(
        "查看保密内容的申请 · Requests to read confidential parts", "admission", _to("email"),
        "id listing_id state message decided_at nda_accepted_at created_at",
    ),
    _kept("同意的保密约定 · Confidentiality terms that you accepted", "nda_acceptance", _by("by"), "listing_id version at", "at"),
    _kept(
        "评价 · Verdicts", "verdict", _by("by"),
        f"id kind listing_id other_id organisation_id grade misleading note withdrawn_at {_VERSIONED}",
    ),
    _kept("改过的评价 · Verdicts that you changed", "verdict_revision", _by("by"), "verdict_id version at", "at"),
    _kept("您写的仪器 · Instruments that you wrote", "instrument", _by("created_by"), f"id organisation_id name state {_VERSIONED}"),
    _kept("担任机组 · Instruments that you keep", "keeper", _by("person_id"), "instrument_id since", "since"),
    _kept(
        "上机资格 · Qualifications", "qualification", _to("email"),
        "id instrument_id expires_on granted_at revoked_at", "granted_at",
    ),
    _kept(
        "预约 · Bookings", "booking", _by("person_id"),
        "id instrument_id organisation_id customer_class state starts_at ends_at purpose assisted answers cancelled_late"
        f" moved_from_id checked_in_at checked_out_at {_VERSIONED}",
    ),
    _kept("改过的预约 · Bookings that you reworded", "booking_revision", _by("by"), "booking_id version purpose answers at", "at"),
    _kept(
        "候补 · Waiting lists", "waiting", _by("person_id"),
        "id instrument_id organisation_id state starts_at ends_at purpose assisted answers offered_at offer_expires_at"
        f" booking_id {_VERSIONED}",
    ),
    _kept(
        "机时 · Use", "usage", _by("person_id"),
        "id instrument_id booking_id organisation_id customer_class source starts_at ends_at preparation_minutes run_minutes"
        f" processing_minutes samples assisted withdrawn_at {_VERSIONED}",
    ),
    _kept("评分 · Ratings", "rating", _by("by"), "id booking_id instrument_id stars text created_at answer answered_at"),
    _kept(
        "申请的机时更正 · Corrections that you asked for", "usage_adjustment", _by("asked_by"),
        "id usage_id state reason wished asked_at decided_at", "asked_at",
    ),
    _kept(
        "费用异议 · Disputes", "dispute", _by("opened_by"),
        "id charge_id state reason opened_at answer answered_at", "opened_at",
    ),
    _kept("报告的停机 · Outages that you reported", "outage", _by("reported_by"), "id instrument_id starts_at ends_at reason reported_at", "reported_at"),
    _kept("录入的成果 · Outputs that you entered", "output", _by("added_by"), "id instrument_id usage_id kind title number year created_at removed_at"),
    _kept(
        "专家 · Experts that you wrote",
        "expert",
        _by("created_by"),
        f"id organisation_id name state {_VERSIONED}",
    ),
    _kept("您写的资金项目 · Funding calls that you wrote", "funding_call", _by("created_by"), f"id organisation_id title state {_VERSIONED}"),
    _kept("关注的资金项目 · Funding calls that you follow", "funding_bookmark", _by("person_id"), "call_id days_before changes since", "since"),
    _kept("您写的活动 · Events that you wrote", "event", _by("created_by"), f"id organisation_id title state {_VERSIONED}"),
    _kept(
        "报名 · Registrations", "registration", _by("made_by"),
        "id event_id organisation_id kind state seats introduction wanted accessibility shown meetings_most answers"
        f" decided_at waiting_since offered_at offer_expires_at ended_at {_VERSIONED}",
    ),
    _kept(
        "参会 · Events that you attend", "attendee",
        lambda table, actor: (table.c.person_id == actor.person) | (table.c.email == actor.email),
        "id event_id registration_id position name email phone job languages meetings_most created_at left_at",
    ),
    _kept(
        "合作意向 · Interests that you declared", "interest", _by("made_by"),
        "id event_id meeting_id registration_id organisation_id to_organisation_id note created_at",
    ),
    _kept(
        "洽谈结果 · Outcomes that you entered", "outcome", _by("by"),
        f"id event_id meeting_id registration_id stage stars result signed_yuan note {_VERSIONED}",
    ),
    _kept("写给参会者的通知 · Announcements that you wrote", "announcement", _by("created_by"), "id event_id subject text created_at done_at"),
    _kept("导入的文件 · Files that you handed in", "upload", _by("person_id"), "operation_id organisation_id name size created_at"),
    _kept("后台任务 · Work that you started", "operation", _by("person_id"), "id kind state done total ended_at created_at"),
    _kept("您做过的事 · What you did", "fact", _by("by"), "id name subject at", "at"),
)  # fmt: skip
