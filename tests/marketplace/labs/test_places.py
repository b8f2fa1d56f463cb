"""Points and distances: the datum of China's maps, and boxes that leave nothing out."""

import math

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from marketplace.labs import places
from marketplace.labs.places import Point
from schemas.places import Datum, Position


def metres(one: Point, other: Point) -> float:
    """The haversine, by hand."""
    (lat, lon), (lat2, lon2) = ([math.radians(degrees) for degrees in point] for point in (one, other))
    half = math.sin((lat2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2000 * places.EARTH_KM * math.asin(min(1, math.sqrt(half)))


@pytest.mark.parametrize(
    ("map_says", "truly"),
    [
        # 天安门, a pair that is published in many places (GPS 116.391349, 39.907375 to within some metres).
        pytest.param((116.39759, 39.90878), (116.39135, 39.90738), id="Beijing"),
        pytest.param((2.2945, 48.8584), (2.2945, 48.8584), id="Paris, where both are one"),
    ],
)
def test_a_maps_point_is_shifted_back(map_says, truly):
    found = places.wgs84(Position(longitude=map_says[0], latitude=map_says[1], datum=Datum.GCJ02))
    assert metres(found, Point(truly[1], truly[0])) < 15
    kept = places.wgs84(Position(longitude=map_says[0], latitude=map_says[1], datum=Datum.WGS84))
    assert kept == Point(map_says[1], map_says[0])


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@settings(max_examples=400, deadline=None)
@drawn(latitudes, longitudes, st.floats(0, 360), st.floats(0, 1), st.integers(1, 2000))
def test_whatever_is_near_lies_in_the_box(latitude, longitude, bearing, share, within_km):
    start = Point(latitude, longitude)
    # So far away, in that direction, along the earth.
    angle, lat, way = share * within_km / places.EARTH_KM, math.radians(latitude), math.radians(bearing)
    lat2 = math.asin(max(-1, min(1, math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(way))))
    lon2 = math.radians(longitude) + math.atan2(
        math.sin(way) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * math.sin(lat2)
    )
    there = Point(math.degrees(lat2), (math.degrees(lon2) + 540) % 360 - 180)
    box = places.around(start, within_km)
    assert box.south - 1e-6 <= there.latitude <= box.north + 1e-6
    if box.west is not None:
        assert box.west - 1e-6 <= there.longitude <= box.east + 1e-6
