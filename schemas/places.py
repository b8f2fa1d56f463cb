"""Where something stands, in degrees, and by which datum they are counted."""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.base import Message


class Datum(StrEnum):
    """WGS-84（GPS）、GCJ-02（国内地图）: in China the two differ by some hundred metres."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


@dataclass(frozen=True, slots=True)
class Degrees:
    """Degrees from -most to most, as they are given; what a float cannot hold is refused. `written` also reads text."""

    most: int
    written: bool = False

    def read(self, value: object) -> float:
        if isinstance(value, str) and self.written:
            try:
                value = float(value) if len(value) <= 40 else None
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise PydanticCustomError(
                "degrees_expected",
                "请填写以度为单位的小数，例如 125.3245 · write degrees as a decimal, such as 125.3245",
            )
        # Compared before it becomes a float: 10 to the power of 400 is none.
        if not -self.most <= value <= self.most or not math.isfinite(value):
            raise PydanticCustomError(
                "degrees_out_of_range",
                "请填写 -{most} 到 {most} 之间的度数（经度在前，纬度在后） · write degrees from -{most} to {most}"
                " (longitude is up to 180, latitude up to 90)",
                {"most": self.most},
            )
        kept = float(value) + 0.0
        if isinstance(value, Decimal) and Decimal(repr(kept)) != value:
            raise PydanticCustomError(
                "degrees_too_fine", "小数位过多，七位已精确到厘米 · too many decimals; seven are a centimetre"
            )
        return kept

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(type="number", minimum=-self.most, maximum=self.most)
        return described


Longitude = Annotated[float, Degrees(180)]
Latitude = Annotated[float, Degrees(90)]


class Position(Message):
    """A point, with the datum it was read by: a map's figures and a GPS receiver's are not the same."""

    longitude: Annotated[Longitude, Field(description="经度 · degrees east", examples=[125.3245])]
    latitude: Annotated[Latitude, Field(description="纬度 · degrees north", examples=[43.8868])]
    datum: Annotated[Datum, Field(description="坐标系：国内地图多为 gcj02 · most maps of China use gcj02")]
