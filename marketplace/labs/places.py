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


class Box(NamedTuple):
    """Degrees around a circle; without a west and an east, every longitude is in it."""

    south: float
    north: float
    west: float | None
    east: float | None


def around(point: Point, within_km: float) -> Box:
    """The box in which everything lies that is so near to a point."""
    high = math.degrees(within_km / EARTH_KM)
    south, north = point.latitude - high, point.latitude + high
    # The circle is widest a little towards its pole. Where it holds one, or crosses the date line, no longitude is left
    # out.
    ratio = math.sin(math.radians(high)) / max(math.cos(math.radians(point.latitude)), 1e-12)
    wide = math.degrees(math.asin(ratio)) if ratio < 1 else 180.0
    if abs(point.longitude) + wide > 180:
        return Box(south, north, None, None)
    return Box(south, north, point.longitude - wide, point.longitude + wide)


def inside(box: Box) -> ColumnElement[bool]:
    """Instruments with coordinates in a box: what an index finds, before any distance is counted."""
    sides: list[Any] = [Instrument.wgs_latitude.is_not(None), Instrument.wgs_latitude.between(box.south, box.north)]
    if box.west is not None:
        sides.append(Instrument.wgs_longitude.between(box.west, box.east))
    return and_(*sides)
