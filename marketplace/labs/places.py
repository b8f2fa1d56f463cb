"""Points on the earth: from the datum of China's maps to the one of GPS, and distances that the database counts."""

import math
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, literal

from marketplace.labs.models import Instrument
from schemas.places import Datum, Position

EARTH_KM: Final = 6371.0088
"""The mean radius of the earth (IUGG)."""

# The ellipsoid that GCJ-02 is reckoned on (Krasovsky 1940).
_AXIS: Final = 6378245.0
_ECCENTRICITY: Final = 0.00669342162296594323


class Point(NamedTuple):
    """By WGS-84, in degrees."""

    latitude: float
    longitude: float


def _wave(value: float, *parts: tuple[float, float]) -> float:
    return sum(amplitude * math.sin(value * math.pi / part) for amplitude, part in parts) * 2 / 3


def _shift(latitude: float, longitude: float) -> tuple[float, float]:
    """By how many degrees GCJ-02 shifts a point in China; the published approximation, good to some metres."""
    x, y = longitude - 105.0, latitude - 35.0
    root = math.sqrt(abs(x))
    shared = _wave(x, (20.0, 1 / 6), (20.0, 1 / 2))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north += _wave(y, (20.0, 1), (40.0, 3), (160.0, 12), (320.0, 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east += _wave(x, (20.0, 1), (40.0, 3), (150.0, 12), (300.0, 30))
    radians = math.radians(latitude)
    magic = 1 - _ECCENTRICITY * math.sin(radians) ** 2
    metres_north = _AXIS * (1 - _ECCENTRICITY) / magic**1.5
    metres_east = _AXIS / math.sqrt(magic) * math.cos(radians)
    return math.degrees(north / metres_north), math.degrees(east / metres_east)


def _in_china(latitude: float, longitude: float) -> bool:
    """Within the box in which GCJ-02 differs at all."""
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347


def wgs84(position: Position) -> Point:
    """The point by WGS-84. What a map of China gives is shifted back, in steps, until it would be shifted to the same."""
    latitude, longitude = position.latitude, position.longitude
    if position.datum is Datum.WGS84 or not _in_china(latitude, longitude):
        return Point(latitude, longitude)
    at = Point(latitude, longitude)
    for _ in range(4):
        north, east = _shift(*at)
        at = Point(latitude - north, longitude - east)
    return at


def kilometres(point: Point) -> ColumnElement[float]:
    """How far an instrument with coordinates is from a point, along the earth (haversine)."""
    latitude, longitude = (literal(math.radians(degrees)) for degrees in point)
    there, across = func.radians(Instrument.wgs_latitude), func.radians(Instrument.wgs_longitude)
    half = func.power(func.sin((there - latitude) / 2), 2) + func.cos(latitude) * func.cos(there) * func.power(
        func.sin((across - longitude) / 2), 2
    )
    found: ColumnElement[float] = 2 * EARTH_KM * func.asin(func.sqrt(func.least(1.0, half)))
    return found


def box(point: Point, within_km: float) -> ColumnElement[bool]:
    """The box of degrees around a circle: what an index finds, before any distance is counted."""
    north = math.degrees(within_km / EARTH_KM)
    # Towards the poles a degree of longitude shrinks; near them, and across the date line, every longitude is in it.
    widest = min(abs(point.latitude) + north, 90.0)
    ratio = math.sin(math.radians(north)) / max(math.cos(math.radians(widest)), 1e-9)
    east = math.degrees(math.asin(ratio)) if ratio < 1 else 180.0
    sides: list[Any] = [Instrument.wgs_latitude.between(point.latitude - north, point.latitude + north)]
    if abs(point.longitude) + east <= 180:
        sides.append(Instrument.wgs_longitude.between(point.longitude - east, point.longitude + east))
    return and_(Instrument.wgs_latitude.is_not(None), *sides)
