"""Instruments to begin with, writing out only what matters, and times on them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.clock import BEIJING
from marketplace.labs import instruments
from marketplace.labs.models import Instrument
from schemas.labs import InstrumentBody, InstrumentState
from tests.given.kinds import ODD

ALWAYS = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]

EVERY_FIELD_OF_AN_INSTRUMENT: dict[str, Any] = {
    "kind": "open_lab",
    "name": f"场发射扫描电子显微镜 {ODD}",
    "name_en": "Field-emission scanning electron microscope",
    "model": "FE-7",
    "maker": "某仪器厂",
    "class_code": "01-01",
    "value": "3200000.00",
    "publicly_funded": True,
    "closed_because": "涉及保密项目。",
    "audience": "province",
    "customers": ["internal", "academic", "province_firm"],
    "confirmed_at_once": ["internal"],
    "region": "220104",
    "lab": "分析测试中心",
    "location": "一号楼 101",
    "position": {"longitude": 125.3245, "latitude": 43.8868, "datum": "gcj02"},
    "capabilities": f"形貌观察 {ODD}\n\n能谱分析。",
    "accreditation": "CMA 210000000001",
    "keywords": ["电镜", "形貌"],
    "contact": {"name": "王某", "phone": "+86 431 8888 0000", "email": "wang@test.example"},
    "operation": "self_use",
    "needs_qualification": True,
    "slot_minutes": 15,
    "min_minutes": 30,
    "max_minutes": 480,
    "notice_minutes": 60,
    "horizon_days": 60,
    "buffer_minutes": 15,
    "late_cancel_minutes": 1440,
    "no_show_minutes": 30,
    "person_week_minutes": 1200,
    "organisation_week_minutes": 2400,
    "person_upcoming": 5,
    "order_form": ["样品数量？", "是否导电？"],
    "hours": [
        {"weekday": 1, "opens": "08:30", "closes": "12:00"},
        {"weekday": 1, "opens": "13:30", "closes": "24:00"},
    ],
    "exceptions": [
        {"day": "2027-10-01", "opens": "09:00", "closes": "10:00", "reason": "国庆节值班"},
        {"day": "2027-10-02", "opens": None, "closes": None, "reason": "国庆节"},
    ],
}

# What reading gives for an instrument of which only the name was written.
PLAIN: dict[str, Any] = {"name": "万能试验机", "region": "220104", "class_code": "02-01", "location": "一号楼",
                         "capabilities": "拉伸、三点弯曲。", "hours": ALWAYS}  # fmt: skip


async def an_instrument(
    session: AsyncSession, at: Organisation, *, state: InstrumentState = InstrumentState.PUBLISHED, **fields: Any
) -> Instrument:
    """An instrument that is open day and night, to everybody, with the fields that are named changed."""
    made = await instruments.put(session, at.id, InstrumentBody.model_validate(PLAIN | fields), by=None, state=state)
    await session.commit()
    return made


def day(ahead: int = 7, hour: float = 0) -> datetime:
    """A moment some days from now, by the clock in China."""
    midnight = clock.now().astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=ahead, hours=hour)


def weekday(number: int, hour: float = 0) -> datetime:
    """A moment on a weekday, 1 to 7, of the week after next."""
    start = day(14)
    return start + timedelta(days=number - start.isoweekday(), hours=hour)


def slot(starts_at: datetime, hours: float = 1) -> dict[str, str]:
    ends_at = starts_at + timedelta(hours=hours)
    return {"starts_at": starts_at.astimezone(UTC).isoformat(), "ends_at": ends_at.astimezone(UTC).isoformat()}


def wish(
    instrument: Instrument | UUID | str, by: Any, starts_at: datetime, hours: float = 1, **more: Any
) -> dict[str, Any]:
    """What somebody sends to book an instrument."""
    key = instrument.id if isinstance(instrument, Instrument) else instrument
    told = {"instrument_id": str(key), "organisation_id": str(by.organisation.id), "purpose": "三点弯曲试验"}
    return told | slot(starts_at, hours) | more
