"""Cells that only a table of experts has: ways of service, lists of codes whose names may have a comma in them."""

import re
from collections.abc import Callable
from typing import Any, Final

from marketplace.experts import written
from marketplace.imports import cells
from marketplace.imports.cells import Reader, Surroundings, plain
from marketplace.imports.naming import code_of, discipline_of
from marketplace.kernel.language import SEPARATOR
from schemas.codes import INDUSTRIES

_WAYS: Final = {
    "咨询": "consulting",
    "技术指导": "consulting",
    "合作研发": "joint_research",
    "联合研发": "joint_research",
    "合作研究": "joint_research",
    "技术攻关": "joint_research",
    "技术转移": "transfer",
    "技术转化": "transfer",
    "驻企": "residency",
    "入企服务": "residency",
    "挂职": "residency",
    "培训": "training",
    "人才培训": "training",
    "检测": "testing",
    "评价": "testing",
    "检验检测": "testing",
}


def _called() -> dict[str, str]:
    """What the ways are called in both languages, as a choice compares them."""
    told = {name: way.value for way, both in written.SERVICES.items() for name in both.split(SEPARATOR)}
    return {re.sub(r"\s", "", name): way for name, way in told.items()} | _WAYS


services = cells.choices(
    cells.choice(
        _called(),
        "服务方式请填：技术咨询、联合攻关、成果转化、驻企服务、人才培养、检测评价，可多选"
        " · write ways of service as 技术咨询 (consulting), 联合攻关 (joint research), 成果转化 (transfer),"
        " 驻企服务 (residency), 人才培养 (training), 检测评价 (testing)",
    )
)


def _several(found: Callable[[str], str], parted: str, read: Reader) -> Reader:
    """Codes or names divided by ； or line ends, and by the marks of `parted` where these are no part of a name."""

    def several(value: Any, around: Surroundings) -> Any:
        text = plain(value)
        if not isinstance(text, str):
            return read(value, around)
        codes: list[str] = []
        for part in filter(str.strip, re.split(r"[;；\n]", text)):
            try:
                codes.append(found(part))
            except LookupError:
                codes += read([one for one in re.split(parted, part) if one.strip()], around)
        return codes

    return several


industries = _several(lambda text: code_of(INDUSTRIES, text), r"[,，、/]", cells.industries)
disciplines = _several(discipline_of, r"[,，、]", cells.disciplines)


def consent(_value: Any, around: Surroundings) -> Any:
    """Nobody is shown because a table says so."""
    around.notice(
        "consent_not_imported",
        "同意书不从文件导入：请在每位专家的页面逐一登记本人的同意，再发布"
        " · consent is not taken from a file: record it on each expert's own page, then publish",
    )
