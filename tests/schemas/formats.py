"""What a fuzzer writes into fields whose truth is longer than a pattern: a code of a table, a year near ours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import available_timezones

from hypothesis import strategies as st

from schemas import uscc
from schemas.codes import TABLES
from schemas.text import UNSEEN_ALONE

_first17 = st.builds(
    lambda kind, region, body: kind + region + body + uscc.make_organisation_check(body),
    st.sampled_from(sorted(uscc.KINDS)),
    st.sampled_from([row.code for row in TABLES["regions"]]),
    st.text("0123456789", min_size=8, max_size=8),
).filter(lambda first: first[-1] in uscc.ALPHABET)

FORMATS: dict[str, st.SearchStrategy[str]] = {
    **{f"{name.replace('_', '-')}-code": st.sampled_from(list(table.codes)) for name, table in TABLES.items()},
    "iana-time-zone": st.sampled_from(sorted(available_timezones())),
    "uscc": _first17.map(lambda first: first + uscc.make_check_digit(first)),
    "date": st.dates(date(1900, 1, 1), date(2200, 12, 31)).map(date.isoformat),
    "date-time": st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
        datetime.isoformat
    ),
}
"""By the `format` of a JSON schema; `schemathesis.openapi.format(name, strategy)` registers one."""


def strings(value: object) -> Iterator[str]:
    """Every text in a message, however deep."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(part)


def beyond_patterns(message: object) -> bool:
    """Whether a message holds a text of which a schema cannot say the truth.

    Lengths count without the white space around a text. What is unseen beyond the BMP is known to ECMAScript's patterns by
    its halves only.
    """
    return any(UNSEEN_ALONE.fullmatch(text) or text != text.strip() for text in strings(message))
