"""GB/T 30523-2023 科技资源核心元数据, as others harvest it."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.base import Filter, Message
from schemas.text import Moment


class CoreMetadata(Message):
    """One resource under the standard's own element names; what it has no element for stands under 扩展."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", frozen=True, validate_by_name=True)

    identifier: Annotated[str, Field(alias="标识符")]
    title: Annotated[str, Field(alias="资源名称")]
    description: Annotated[str | None, Field(alias="描述")]
    keywords: Annotated[list[str], Field(alias="关键词")]
    created: Annotated[str, Field(alias="生成日期", examples=["2026-11-26"])]
    registered: Annotated[str, Field(alias="注册日期", examples=["2026-11-26"])]
    more: Annotated[
        dict[str, str | None],
        Field(
            alias="扩展",
            description="标准之外的字段，名称与目录工作簿的列相同 · columns of the catalogue beside the standard's",
        ),
    ]


class HarvestForm(StrEnum):
    JSON = "json"
    XML = "xml"


class InWhichForm(Filter):
    format: Annotated[
        HarvestForm | None,
        Field(
            description="json 或 xml；不写则按 Accept 头，默认 json · without it the Accept header decides, JSON by default",
        ),
    ] = None


class HarvestFilter(InWhichForm):
    """What to harvest: all that is open to the caller, or what has changed since the last time."""

    updated_since: Annotated[
        Moment | None, Field(description="只要此刻及以后修改过的 · only what was changed at this moment or later")
    ] = None
    updated_until: Annotated[
        Moment | None, Field(description="只要此刻以前修改过的 · only what was changed before this moment")
    ] = None
    deleted: Annotated[
        bool,
        Field(
            description="也列出已停止共享的，采集方据此删除 · also what was taken out, so that harvesters take it out, too"
        ),
    ] = False
