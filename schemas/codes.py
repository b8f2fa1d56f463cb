"""The code tables of the national standards, and the fields that hold such a code.

A table is read when it is first asked for. Its rows keep the order of the standard, so every answer has one order.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Literal, LiteralString

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.text import Whole, fold, refuse_unless_clean

LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Code:
    """One row of a table."""

    code: str
    name: str
    level: str
    parent: str | None = None
    name_en: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row made ready for searching."""

    code: Code
    folded_code: str
    folded_name: str
    said: str
    said_above: str
    place: int
    depth: int
    above: frozenset[str]


class Table:
    """One standard's codes: looked up, walked up and down, searched."""

    def __init__(
        self,
        name: str,
        *,
        key: str = "code",
        title: str = "name",
        case: Literal["upper", "lower"] = "upper",
        joint: str = " › ",
    ) -> None:
        self.name = name
        self._key = key
        self._title = title
        self._case = case
        self._joint = joint

    @cached_property
    def codes(self) -> Mapping[str, Code]:
        """Every code of the table, in the standard's order."""
        text = (files("schemas.standards") / f"{self.name}.csv").read_text(encoding="utf-8")
        found = {}
        for row in csv.DictReader(text.splitlines()):
            code = row[self._key]
            found[code] = Code(
                code=code,
                name=row[self._title],
                level=row.get("level") or "1",
                parent=row.get("parent") or None,
                name_en=row.get("name_en") or None,
                stage=row.get("stage") or None,
            )
        return MappingProxyType(found)

    def normalise(self, text: str) -> str:
        """The spelling under which a code is kept: no white space around, ASCII, the table's case."""
        folded = fold(text)
        return folded.upper() if self._case == "upper" else folded.lower()

    def get(self, code: str) -> Code | None:
        return self.codes.get(code)

    def __contains__(self, code: str) -> bool:
        return code in self.codes

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Code]:
        return iter(self.codes.values())

    def ancestors(self, code: str) -> tuple[Code, ...]:
        """What stands above a code, from the top; nothing for an unknown code."""
        above: list[Code] = []
        row = self.get(code)
        while row is not None and row.parent is not None:
            row = self.codes[row.parent]
            above.append(row)
        return tuple(reversed(above))

    def path(self, code: str) -> str:
        """The names from the top down to this code, such as 制造业 › 汽车制造业 or 吉林省长春市朝阳区."""
        row = self.get(code)
        return self._joint.join(step.name for step in (*self.ancestors(code), row)) if row else ""

    def children(self, code: str | None = None) -> tuple[Code, ...]:
        """What stands directly under a code; the top of the table without one."""
        return self._children.get(code, ())

    def descendants(self, code: str) -> tuple[str, ...]:
        """The codes at any depth under a code, itself not among them."""
        found: list[str] = []
        for child in self.children(code):
            found.append(child.code)
            found.extend(self.descendants(child.code))
        return tuple(found)

    def within(self, code: str, under: str) -> bool:
        """Whether a code is `under` or stands anywhere below it."""
        row = self.get(code)
        while row is not None:
            if row.code == under:
                return True
            row = self.get(row.parent) if row.parent else None
        return False

    def search(self, q: str = "", limit: int = 20, *, level: str | None = None, under: str | None = None) -> list[Code]:
        """The codes that fit some typed words, best first; without words the table in its own order.

        Ranked by exact code, beginning of a code, exact name, beginning of a name, part of a name, then all words
        somewhere in the row and what stands above it. The broader code and then the earlier row wins a tie.
        """
        words = fold(q[:LONGEST_SEARCH]).casefold().split()
        sought = " ".join(words)
        found = []
        for entry in self._entries:
            if (level is not None and entry.code.level != level) or (under is not None and under not in entry.above):
                continue
            rank = _rank(entry, sought, words) if words else 0
            if rank is not None:
                found.append((rank, entry.depth if words else 0, entry.place, entry.code))
        found.sort(key=lambda one: one[:3])
        return [code for *_, code in found[: max(limit, 0)]]

    @cached_property
    def _children(self) -> Mapping[str | None, tuple[Code, ...]]:
        under: dict[str | None, list[Code]] = {}
        for row in self:
            under.setdefault(row.parent, []).append(row)
        return {parent: tuple(rows) for parent, rows in under.items()}

    @cached_property
    def _entries(self) -> Sequence[_Entry]:
        entries: list[_Entry] = []
        said: dict[str | None, str] = {}
        for place, row in enumerate(self):
            above = self.ancestors(row.code)
            said[row.code] = fold(f"{row.code} {self.path(row.code)} {row.name_en or ''} {row.stage or ''}").casefold()
            entries.append(
                _Entry(
                    code=row,
                    folded_code=row.code.casefold(),
                    folded_name=fold(row.name).casefold(),
                    said=said[row.code],
                    said_above=said.get(row.parent, ""),
                    place=place,
                    depth=len(above),
                    above=frozenset(step.code for step in above),
                )
            )
        return entries


def _rank(entry: _Entry, sought: str, words: list[str]) -> int | None:
    """How well a row fits, 0 the best; `None` when it does not."""
    fits = (
        entry.folded_code == sought,
        entry.folded_code.startswith(sought),
        entry.folded_name == sought,
        entry.folded_name.startswith(sought),
        sought in entry.folded_name,
        # 汽车 fits 汽车制造业, not once more each row below it; 长春市朝阳区 fits the district, whose own name is shorter.
        all(word in entry.said for word in words) and not all(word in entry.said_above for word in words),
    )
    return fits.index(True) if any(fits) else None


INDUSTRIES = Table("industries")
DISCIPLINES = Table("disciplines")
REGIONS = Table("regions", joint="")
TRL = Table("trl", key="level", title="name_zh")
CONTRACT_TYPES = Table("contract_types", case="lower")
IP_TYPES = Table("ip_types", case="lower")
TECH_FIELDS = Table("tech_fields", case="lower")
INSTRUMENT_CLASSES = Table("instrument_classes", key="local_key")

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            INDUSTRIES,
            DISCIPLINES,
            REGIONS,
            TRL,
            CONTRACT_TYPES,
            IP_TYPES,
            TECH_FIELDS,
            INSTRUMENT_CLASSES,
        )
    }
)


def industry_ancestors(code: str) -> tuple[str, ...]:
    """The codes above an industry, the section letter first."""
    return tuple(row.code for row in INDUSTRIES.ancestors(code))


def expand_section(letter: str) -> tuple[str, ...]:
    """The divisions of a section: `expand_section("B")` is ("06", …, "12"); nothing for an unknown letter."""
    row = INDUSTRIES.get(letter)
    return tuple(child.code for child in INDUSTRIES.children(letter)) if row and row.level == "section" else ()


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of one table. The JSON schema lists the codes of a short table, and gives the pattern of a long one."""

    table: str
    word: LiteralString
    refusal: LiteralString
    examples: tuple[str, ...]
    pattern: str | None = None

    def read(self, value: object) -> str:
        table = TABLES[self.table]
        code = table.normalise(refuse_unless_clean(value))
        if code not in table:
            raise PydanticCustomError(self.word, self.refusal)
        return code

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(
            description=f"A code of /api/v1/codes/{self.table}",
            format=f"{self.table.replace('_', '-')}-code",
            examples=list(self.examples),
        )
        if self.pattern is None:
            described["enum"] = list(TABLES[self.table].codes)
        else:
            described["pattern"] = self.pattern
        return described


IndustryCode = Annotated[
    str,
    Coded(
        "industries",
        "unknown_industry",
        "未知的行业代码：请从 /api/v1/codes/industries 选择"
        " · unknown industry code: choose from /api/v1/codes/industries",
        ("C", "36", "3612"),
        r"^([A-T]|[0-9]{2,4})$",
    ),
]
DisciplineCode = Annotated[
    str,
    Coded(
        "disciplines",
        "unknown_discipline",
        "未知的学科代码：请从 /api/v1/codes/disciplines 选择"
        " · unknown discipline code: choose from /api/v1/codes/disciplines",
        ("430", "43020", "1101410"),
        r"^([A-E]|[0-9]{3}|[0-9]{5}|[0-9]{7})$",
    ),
]
RegionCode = Annotated[
    str,
    Coded(
        "regions",
        "unknown_region",
        "未知的行政区划代码：请从 /api/v1/codes/regions 选择 · unknown region code: choose from /api/v1/codes/regions",
        ("220000", "220100", "220104"),
        r"^[0-9]{6}$",
    ),
]
TechFieldCode = Annotated[
    str,
    Coded(
        "tech_fields",
        "unknown_tech_field",
        "未知的技术领域：请从 /api/v1/codes/tech_fields 选择"
        " · unknown field of technology: choose from /api/v1/codes/tech_fields",
        ("new_materials",),
    ),
]
ContractTypeCode = Annotated[
    str,
    Coded(
        "contract_types",
        "unknown_contract_type",
        "未知的合同类型：请从 /api/v1/codes/contract_types 选择"
        " · unknown contract type: choose from /api/v1/codes/contract_types",
        ("development", "license.patent"),
    ),
]
IpTypeCode = Annotated[
    str,
    Coded(
        "ip_types",
        "unknown_ip_type",
        "未知的知识产权类型：请从 /api/v1/codes/ip_types 选择"
        " · unknown kind of intellectual property: choose from /api/v1/codes/ip_types",
        ("patent.invention", "know_how"),
    ),
]
InstrumentClassCode = Annotated[
    str,
    Coded(
        "instrument_classes",
        "unknown_instrument_class",
        "未知的仪器分类：请从 /api/v1/codes/instrument_classes 选择"
        " · unknown instrument class: choose from /api/v1/codes/instrument_classes",
        ("01", "01-02"),
        r"^[0-9]{2}(-[0-9]{2})?$",
    ),
]

Trl = Annotated[int, Whole(1, 9)]
"""A technology readiness level, 1 to 9, as a JSON number."""

TrlWritten = Annotated[int, Whole(1, 9, written=True)]
"""The same where everything arrives as text: query parameters and spreadsheet cells."""
