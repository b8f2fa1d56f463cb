"""The world of the access matrix, and whoever may."""

from sqlalchemy import text

from tests.access.conftest import Place, _quick_passwords, place
from tests.access.test_access_matrix import DESCRIBED, ROWS
from tests.access.world import CALLERS

__all__ = ["DESCRIBED", "_quick_passwords", "allowed", "place", "stored"]

_WILLING = ("editor", "organisation admin", "platform admin", "lab manager", "organizer", "reader", "anonymous")
# What is written although the answer is a refusal: a sign-in that failed is counted.
_COUNTED = {"sign_in_try"}


def allowed(operation: str) -> str:
    """Somebody who is granted the example of this operation."""
    own = dict(zip(CALLERS, ROWS[operation][0], strict=True))
    return next(caller for caller in _WILLING if own[caller] == "+")


async def stored(place: Place) -> dict[str, str]:
    """What every table holds, as a digest."""
    names = await place.connection.scalars(text("select tablename from pg_tables where schemaname = 'public'"))
    digests = (
        f"select '{name}', md5(string_agg(t::text, chr(10) order by t::text)) from \"{name}\" t"
        for name in sorted(set(names) - _COUNTED)
    )
    rows = await place.connection.execute(text(" union all ".join(digests)))
    return dict(map(tuple, rows))
