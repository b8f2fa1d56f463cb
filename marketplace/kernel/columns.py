"""Column types that several rooms use."""

from enum import StrEnum

from sqlalchemy import Enum, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.type_api import TypeEngine


def words(of: type[StrEnum], name: str | None = None) -> Enum:
    """A word of the language, stored as its value; the table's CHECK knows them all.

    Where a table has two columns of one kind, `name` tells their CHECKs apart.
    """
    return Enum(
        of,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=name or of.__name__.lower(),
        values_callable=lambda kind: [member.value for member in kind],
    )


def many(of: TypeEngine[str] | None = None) -> ARRAY[str]:
    """A short list of words kept in its row."""
    return ARRAY(of or Text())
