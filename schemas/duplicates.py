"""查重评议: before an instrument is bought, whether its peers nearby have hours to spare."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Filter, Message, wrong_at
from schemas.charges import Change
from schemas.codes import InstrumentClassCode, RegionCode
from schemas.labs import CustomerClass
from schemas.places import Datum, Degrees
from schemas.reports import Link, Year
from schemas.text import Whole

FULL_HOURS = 1200
"""机时饱满: a peer below this in a year has hours to spare."""
MOST_KM = 2000


class DuplicateFilter(Filter):
    """What is to be bought, and where it would stand: a point with its datum, a region, or both.

    With a point, peers that have coordinates are measured; those without count when they are in the region.
    """

    class_code: Annotated[InstrumentClassCode, Field(description="仪器分类 · class, with what stands below it")]
    year: Annotated[Year, Field(description="看哪一年的机时 · whose hours are looked at")]
    region: Annotated[RegionCode | None, Field(description="拟安放的地区 · region of the purchase")] = None
    longitude: Annotated[
        Annotated[float, Degrees(180, written=True)] | None, Field(description="拟安放地点的经度 · degrees east")
    ] = None
    latitude: Annotated[
        Annotated[float, Degrees(90, written=True)] | None, Field(description="纬度 · degrees north")
    ] = None
    datum: Annotated[Datum | None, Field(description="经纬度的坐标系 · the datum of the two")] = None
    within_km: Annotated[
        Annotated[int, Whole(1, MOST_KM, written=True)], Field(description="多少公里以内 · within so many kilometres")
    ] = 50

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        told = {"longitude": self.longitude, "latitude": self.latitude, "datum": self.datum}
        missing = [name for name, value in told.items() if value is None]
        if missing and len(missing) < len(told):
            raise wrong_at(
                missing[0],
                "position_half",
                "经度、纬度和坐标系须同时填写 · longitude, latitude and datum go together",
            )
        if missing and self.region is None:
            raise wrong_at(
                "region", "place_missing", "请填写地区或经纬度 · name a region, or a longitude and a latitude"
            )
        return self


class DuplicateRow(Message):
    """A peer of the same class that has hours to spare: buying another is hard to justify (below 1,200 h a year)."""

    id: UUID
    name: str
    model: str | None
    class_code: str | None
    value: Change | None
    organisation_id: UUID
    organisation: str
    region: str
    lab: str | None
    location: str | None
    by: Annotated[
        Literal["distance", "region"],
        Field(
            description="按距离还是按地区找到（没有坐标） · found by its distance, or by its region for want of coordinates"
        ),
    ]
    metres: Annotated[int | None, Field(description="距离（米） · how far away it is")]
    usages: int
    effective_minutes: int
    spare_minutes: Annotated[int, Field(description="距 1200 小时还差 · short of 1,200 h")]
    link: Link


class DuplicateUse(Message):
    """One use behind the hours of a peer. Who used it is not told."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    customer_class: CustomerClass
    preparation_minutes: int
    run_minutes: int
    processing_minutes: int
    effective_minutes: int
