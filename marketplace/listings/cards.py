"""A page of listings as bytes.

The list is the most asked-for page of the house. Its rows come from PostgreSQL typed and were validated when they were
written, so they are written out as they are; a test holds the bytes against the documented schema.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from marketplace.kernel.paging import Paging

_BUDGET = ("budget_low", "budget_high")


def _card(row: Any, single: str) -> dict[str, Any]:
    card = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's documented way to a row's names
    del card["listed_at"]
    card["organisation"] = {
        "id": card.pop("organisation_id"),
        "name": card.pop("organisation_name"),
        "verification": card.pop("organisation_verification"),
    }
    plural = "disciplines" if single == "discipline" else "industries"
    codes = card.pop(plural)
    card[single] = codes[0] if codes else None
    if "budget_low" in card:
        low, high = (card.pop(name) for name in _BUDGET)
        card["budget"] = None if low is None and high is None else {"low": low, "high": high}
    return card


def as_page(rows: Sequence[Any], marker: str | None, paging: Paging, *, single: str) -> Response:
    """The page's answer. `single` names the code that this kind has one of: an achievement's discipline, a problem's industry."""
    body = {"items": [_card(row, single) for row in rows], "next_cursor": marker}
    response = Response(
        orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC), media_type="application/json"
    )
    paging.link(response, marker)
    return response
