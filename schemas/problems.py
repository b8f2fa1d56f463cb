"""Problems (企业技术难题): what industry asks for."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Message
from schemas.codes import IndustryCode
from schemas.listings import (
    Disciplines,
    ListingBody,
    ListingCard,
    ListingContent,
    ListingFilter,
    ListingNew,
    ListingRevision,
    ListingView,
    Story,
)
from schemas.text import Day, Line, Text, Title, Yuan


class Operator(StrEnum):
    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = ">"
    LESS = "<"
    EQUAL = "="
    BETWEEN = "between"


class Indicator(Message):
    """One must-meet figure: 硬度 >= 60 HRC, 孔隙率 between 2 and 5 %."""

    name: Annotated[str, Line(100)]
    operator: Operator
    value: Annotated[str, Line(100)]
    upper: Annotated[str, Line(100)] | None = None
    unit: Annotated[str, Line(40)] | None = None

    @model_validator(mode="after")
    def _between_two(self) -> Self:
        if (self.operator is Operator.BETWEEN) != (self.upper is not None):
            raise PydanticCustomError(
                "indicator_upper", "只有 between 才填 upper，且必须填 · between takes upper, the other operators do not"
            )
        return self


class Budget(Message):
    """元 (CNY)."""

    low: Yuan | None = None
    high: Yuan | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is None and self.high is None:
            raise PydanticCustomError("budget_empty", "预算至少填一端 · give at least one end of the budget")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise PydanticCustomError(
                "budget_order", "预算下限不得高于上限 · the budget's low end is above its high end"
            )
        return self


class IpWish(StrEnum):
    ENTERPRISE = "enterprise"
    SOLVER = "solver"
    SHARED = "shared"
    NEGOTIABLE = "negotiable"


class ProblemBody(ListingBody):
    """What the owner writes; all but the title may wait until publishing."""

    background: Story | None = None
    indicators: Annotated[list[Indicator], Field(max_length=50)] = []
    tried: Annotated[str, Text(10000)] | None = None
    industry: IndustryCode | None = None
    disciplines: Disciplines = []
    budget: Budget | None = None
    deadline: Annotated[Day, Field(json_schema_extra={"format": "date"})] | None = None
    ip_wish: IpWish | None = None
    solver_conditions: Annotated[str, Text(5000)] | None = None
    bounty: Annotated[Yuan | None, Field(description="揭榜金额（元） · bounty in yuan")] = None


class ProblemNew(ProblemBody, ListingNew):
    pass


class ProblemPatch(ProblemBody):
    """Any of the fields; those left out stay as they are."""

    title: Title = Field(default=None, validate_default=False)  # type: ignore[assignment]


class ProblemContent(ListingContent):
    """What the owner wrote, as it is read back."""

    background: str | None
    indicators: list[Indicator]
    tried: str | None
    industry: str | None
    disciplines: list[str]
    budget: Budget | None
    deadline: date | None
    ip_wish: IpWish | None
    solver_conditions: str | None
    bounty: Yuan | None


class ProblemView(ProblemContent, ListingView):
    pass


class ProblemRevision(ListingRevision):
    body: ProblemContent


class ProblemCard(ListingCard):
    """A problem in a list."""

    industry: str | None
    disciplines: list[str]
    budget: Budget | None
    deadline: date | None
    bounty: Yuan | None


class ProblemFilter(ListingFilter):
    bounty: Annotated[bool | None, Field(description="只看揭榜挂帅 · with a bounty only")] = None
