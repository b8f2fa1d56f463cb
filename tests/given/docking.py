"""Events to begin with, writing out only what matters, and those who register for them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.docking import agenda, events
from marketplace.docking.models import Event
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from schemas.agenda import AgendaBody
from schemas.events import EventBody, EventState
from tests.given.kinds import ODD
from tests.given.labs import day

EVENTS = "/api/v1/events"
REGISTRATIONS = "/api/v1/registrations"


def written(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def between(starts_at: datetime, minutes: float) -> dict[str, str]:
    return {"starts_at": written(starts_at), "ends_at": written(starts_at + timedelta(minutes=minutes))}


PLAIN: dict[str, Any] = {
    "title": "装备制造产学研对接会",
    "summary": "省内整机厂与高校一对一洽谈。",
    "place": "会展中心二号馆",
    "region": "220100",
}

EVERY_FIELD_OF_AN_EVENT: dict[str, Any] = {
    "kind": "bank_enterprise",
    "format": "hybrid",
    "title": f"银企对接会 {ODD}",
    "title_en": "Banks meet enterprises",
    "summary": "科技贷款与投资洽谈。",
    "description": f"上午介绍，下午洽谈。\n\n{ODD}",
    "time_zone": "Asia/Shanghai",
    "starts_at": "2199-03-02T01:00:00Z",
    "ends_at": "2199-03-02T09:00:00Z",
    "region": "220104",
    "place": "人民大街 1 号",
    "online_url": "https://meet.example/room?id=7",
    "industries": ["C", "36"],
    "disciplines": ["430"],
    "regions": ["220000", "210000"],
    "languages": ["zh", "en"],
    "registration_opens_at": "2199-02-01T00:00:00Z",
    "registration_closes_at": "2199-03-01T00:00:00Z",
    "needs_approval": True,
    "offer_hours": 12,
    "people_most": 3,
    "calls_for": ["problem"],
    "records_most": 5,
    "meetings_promised": 2,
    "meetings_most": 8,
    "contact": {"name": "李某", "phone": "+86 431 8888 0000", "email": "li@test.example"},
    "capacities": [{"kind": "enterprise", "seats": 40}, {"kind": "finance", "seats": None}],
    "questions": [
        {"text": "方式？", "text_en": "How?", "kind": "choices", "options": ["贷款", "股权"], "required": False,
         "asked_of": ["enterprise"]},
        {"text": "融资金额（万元）？", "text_en": None, "kind": "number", "options": [], "required": True,
         "asked_of": []},
    ],
}  # fmt: skip


# In the time of the event above.
EVERY_FIELD_OF_AN_AGENDA: dict[str, Any] = {
    "venues": [
        {
            "name": "会展中心",
            "address": "人民大街 1 号",
            "rooms": [
                {
                    "name": "洽谈厅",
                    "tables": [
                        {
                            "name": "1 号桌",
                            "url": "https://meet.example/t1",
                            "instrument_id": "{instrument_id}",
                            "closed": [{"starts_at": "2199-03-02T02:00:00Z", "ends_at": "2199-03-02T02:20:00Z"}],
                        }
                    ],
                }
            ],
        }
    ],
    "sessions": [
        {"title": "洽谈", "title_en": "Meetings", "kind": "meetings", "starts_at": "2199-03-02T02:00:00Z",
         "ends_at": "2199-03-02T03:00:00Z", "slot_minutes": 20, "gap_minutes": 5},
    ],
}  # fmt: skip


# What somebody may write who registers; the questions and slots are those of the event that it is sent to.
EVERY_FIELD_OF_A_REGISTRATION: dict[str, Any] = {
    "people": [
        {
            "name": f"王某 {ODD}", "email": "newcomer@test.example", "phone": "+86 431 8888 0000", "job": "总工",
            "languages": ["zh", "en"], "meetings_most": 4, "absent": ["{slot_id}"],
        }
    ],
    "introduction": f"电池企业。\n{ODD}",
    "wanted": "电解质团队。",
    "accessibility": "轮椅通道。",
    "meetings_most": 6,
    "shown": True,
    "answers": [
        {"question_id": "{question_id}", "text": "朋友介绍", "number": None, "yes": None, "chosen": None, "day": None},
        {"question_id": "{choice_id}", "text": None, "number": None, "yes": None, "chosen": ["贷款"], "day": None},
    ],
    "records": ["{listing_id}"],
}  # fmt: skip


def an_agenda(starts_at: datetime, *, tables: int = 2, slots: int = 3) -> dict[str, Any]:
    """A speech, then so many slots of twenty minutes (five between two), at so many tables of one room."""
    begins = starts_at + timedelta(hours=1)
    return {
        "venues": [
            {
                "name": "会展中心",
                "address": "二号馆",
                "rooms": [
                    {
                        "name": "洽谈厅",
                        "tables": [
                            {"name": f"{number} 号桌", "url": None, "instrument_id": None, "closed": []}
                            for number in range(1, tables + 1)
                        ],
                    }
                ],
            }
        ],
        "sessions": [
            between(starts_at, 60)
            | {"title": "开幕", "title_en": "Opening", "kind": "plenary", "slot_minutes": None, "gap_minutes": 0},
            between(begins, 25 * slots)
            | {"title": "洽谈", "title_en": None, "kind": "meetings", "slot_minutes": 20, "gap_minutes": 5},
        ],
    }


async def an_event(
    session: AsyncSession,
    at: Organisation,
    *,
    state: EventState = EventState.OPEN,
    starts_at: datetime | None = None,
    with_agenda: bool = True,
    **fields: Any,
) -> Event:
    """An event of eight hours in a week, which everybody can register for, with the fields that are named changed."""
    begins = starts_at or day(7, 9)
    times = {"starts_at": begins, "ends_at": begins + timedelta(hours=8)}
    body = EventBody.model_validate(PLAIN | times | fields)
    published = None if state is EventState.DRAFT else clock.now()
    because = "场地停电。" if state is EventState.CANCELLED else None
    made = await events.put(
        session, at.id, body, by=None, state=state, published_at=published, cancelled_because=because
    )
    if with_agenda:
        await agenda.put(session, made.id, AgendaBody.model_validate(an_agenda(begins)))
    await session.commit()
    return made


def a_registration(by: Any, *, come: int = 1, **more: Any) -> dict[str, Any]:
    """What somebody sends to register themselves and some more, in the name of their organisation."""
    told = [{"name": "某人", "email": by.email}]
    told += [{"name": f"同事{n}", "email": f"colleague{n}.{by.email}"} for n in range(1, come)]
    organisation = str(by.organisation.id) if by.organisation else None
    return {"organisation_id": organisation, "kind": "enterprise", "people": told} | more


async def registered(by: Any, event: Event | UUID | str, **more: Any) -> dict[str, Any]:
    key = event.id if isinstance(event, Event) else event
    made = await by.post(f"{EVENTS}/{key}/registrations", a_registration(by, **more))
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer
