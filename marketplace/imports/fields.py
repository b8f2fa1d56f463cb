"""The columns that a file may have: what each is called in Chinese and English, how it is read, what it becomes."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final

from marketplace.imports import cells, money
from marketplace.imports.columns import CONTACT, EXTERNAL_ID, ID_HINT, KEYWORDS_HINT, REGION_HINT, SOURCE, Field
from marketplace.imports.expert_fields import EXPERT_FIELDS
from marketplace.imports.expert_fields import TOLD_BESIDE as OF_EXPERTS
from marketplace.imports.instrument_fields import INSTRUMENT_FIELDS
from marketplace.imports.instrument_fields import TOLD_BESIDE as OF_INSTRUMENTS
from marketplace.imports.sheet_cells import whole
from schemas.imports import ImportKind

_STAGE = cells.choice(
    {
        "初期": "early",
        "初期阶段": "early",
        "研发": "early",
        "研发阶段": "early",
        "实验室": "early",
        "小试": "early",
        "小试阶段": "early",
        "中期": "pilot",
        "中期阶段": "pilot",
        "中试": "pilot",
        "中试阶段": "pilot",
        "成熟应用": "mature",
        "成熟": "mature",
        "成熟应用阶段": "mature",
        "产业化": "mature",
        "产业化阶段": "mature",
    },
    "所处阶段请填：初期、中期、成熟应用 · write the stage as 初期 (early), 中期 (pilot) or 成熟应用 (mature)",
)
_MODES = cells.choices(
    cells.choice(
        {
            "转让": "transfer",
            "技术转让": "transfer",
            "专利转让": "transfer",
            "许可": "licence",
            "技术许可": "licence",
            "专利许可": "licence",
            "许可使用": "licence",
            "license": "licence",
            "作价入股": "equity",
            "技术入股": "equity",
            "作价投资": "equity",
            "入股": "equity",
            "合作开发": "joint_development",
            "联合开发": "joint_development",
            "共同开发": "joint_development",
            "技术开发": "joint_development",
            "技术服务": "service",
            "服务": "service",
        },
        "合作方式请填：转让、许可、作价入股、合作开发、技术服务"
        " · write cooperation modes as 转让 (transfer), 许可 (licence), 作价入股 (equity), 合作开发 (joint development), 技术服务 (service)",
    )
)
_IP_WISH = cells.choice(
    {
        "归企业": "enterprise",
        "企业": "enterprise",
        "归需求方": "enterprise",
        "归解题方": "solver",
        "解题方": "solver",
        "归研发方": "solver",
        "共有": "shared",
        "共享": "shared",
        "双方共有": "shared",
        "面议": "negotiable",
        "协商": "negotiable",
        "可协商": "negotiable",
    },
    "知识产权归属请填：归企业、归解题方、共有、面议"
    " · write the ownership as 归企业 (enterprise), 归解题方 (solver), 共有 (shared) or 面议 (negotiable)",
)
_PRICE_KIND = cells.choice(
    {"一口价": "fixed", "固定": "fixed", "区间": "range", "面议": "negotiable", "协商": "negotiable"},
    "价格方式请填：一口价、区间、面议 · write the kind of price as 一口价 (fixed), 区间 (range) or 面议 (negotiable)",
)

_TITLE = "不填时取正文第一句 · without it the first clause of the text is taken"
_MODE_HINT = "转让、许可、作价入股、合作开发、技术服务，可多选 · one or more of these"
_ORIGIN: Final = (
    Field(
        EXTERNAL_ID,
        ("外部编号", "编号", "成果编号", "项目编号", "难题编号", "需求编号", "唯一标识", "id"),
        cells.text,
        ID_HINT,
    ),
    Field(SOURCE, ("来源", "来源系统", "数据来源"), cells.text, offered=False),
)

FIELDS: Final[dict[ImportKind, tuple[Field, ...]]] = {
    ImportKind.ACHIEVEMENT: (
        Field("title", ("成果名称", "标题", "名称", "题目", "题名", "项目名称", "成果标题"), cells.text, _TITLE),
        Field(
            "summary",
            ("摘要", "成果摘要", "简介", "成果简介", "abstract"),
            cells.text,
            "两三句话，至多 2000 字 · two or three sentences",
        ),
        Field(
            "description",
            ("详细说明", "正文", "成果描述", "详细介绍", "成果介绍", "技术说明", "技术描述", "内容", "描述", "text"),
            cells.text,
            "发布时必填，至多 20000 字 · needed for publishing",
        ),
        Field("keywords", ("关键词", "关键字", "主题词", "keyword"), cells.words, KEYWORDS_HINT),
        Field(
            "discipline",
            ("学科", "所属学科", "学科分类", "一级学科"),
            cells.discipline,
            "GB/T 13745 代码或名称，例如 430 或 材料科学 · code or name",
        ),
        Field(
            "industries",
            ("应用行业", "行业", "所属行业", "适用行业", "行业分类", "应用领域", "industry"),
            cells.industries,
            "GB/T 4754 代码或名称，可填几个，以；分隔 · codes or names, divided by ;",
        ),
        Field("trl", ("技术就绪度", "技术成熟度", "成熟度", "trl等级"), cells.readiness, "1–9"),
        Field("stage", ("所处阶段", "阶段", "成果阶段", "发展阶段"), _STAGE, "初期、中期、成熟应用"),
        Field(
            "intellectual_property",
            ("知识产权", "专利", "知识产权情况"),
            cells.intellectual_property,
            "类型|编号|状态|权利人，各项以；分隔，例如 发明专利|ZL202010000000.0|已授权|某大学 · kind|number|status|holder, divided by ;",
        ),
        Field("awards", ("获奖情况", "获奖", "奖励"), cells.lines, "各项以；分隔 · divided by ;"),
        Field(
            "cooperation_modes",
            ("合作方式", "合作模式", "转化方式", "拟转化方式", "cooperation_mode", "mode"),
            _MODES,
            _MODE_HINT,
        ),
        Field(
            "price",
            ("价格", "转让价格", "报价", "意向价格"),
            money.price,
            "例如 500000、50万、50-100万、面议 · in yuan",
        ),
        Field("price.kind", ("价格方式",), _PRICE_KIND, offered=False),
        Field("price.low", ("价格下限", "最低价格", "最低价"), money.one_amount, offered=False),
        Field("price.high", ("价格上限", "最高价格", "最高价"), money.one_amount, offered=False),
        Field(
            "publicly_funded",
            ("财政资助", "是否财政资助", "财政资金支持", "是否财政资金支持"),
            cells.yes_or_no,
            "是、否 · yes or no",
        ),
        Field("registration_number", ("成果登记号", "登记号"), cells.text, "12 位 · 12 characters"),
        Field(
            "team",
            ("团队", "团队成员", "完成人", "成果完成人"),
            cells.team,
            "张三（项目负责人）；李四 · name (role); name",
        ),
        Field(
            "talks",
            ("可同时洽谈数", "洽谈能力", "可对接企业数"),
            whole,
            "团队能同时与几家企业洽谈，1–1000 · firms that the team can talk to at once",
        ),
        *CONTACT,
        Field("region", ("地区", "所在地区", "所在地", "行政区划", "区域"), cells.region, REGION_HINT),
        *_ORIGIN,
    ),
    ImportKind.PROBLEM: (
        Field(
            "title",
            (
                "难题名称",
                "标题",
                "名称",
                "题目",
                "需求名称",
                "难题标题",
                "需求标题",
                "技术难题",
                "技术需求",
                "项目名称",
            ),
            cells.text,
            _TITLE,
        ),
        Field(
            "background",
            ("背景", "难题背景", "需求背景", "生产背景"),
            cells.text,
            "至多 20000 字 · at most 20,000 characters",
        ),
        Field(
            "description",
            (
                "详细说明",
                "正文",
                "难题描述",
                "需求描述",
                "需求内容",
                "难题内容",
                "技术需求描述",
                "内容",
                "描述",
                "摘要",
                "summary",
                "text",
            ),
            cells.text,
            "发布时必填，至多 20000 字 · needed for publishing",
        ),
        Field("keywords", ("关键词", "关键字", "主题词", "keyword"), cells.words, KEYWORDS_HINT),
        Field(
            "indicators",
            ("技术指标", "指标", "指标要求", "考核指标", "主要技术指标"),
            cells.indicators,
            "硬度>=60 HRC；孔隙率 2~5 %，各项以；分隔 · divided by ;",
        ),
        Field("tried", ("已尝试方案", "已尝试", "已有工作", "前期尝试"), cells.text),
        Field(
            "industry",
            ("所属行业", "行业", "行业分类", "industries"),
            cells.industry,
            "GB/T 4754 代码或名称，例如 36 或 汽车制造业 · code or name",
        ),
        Field(
            "disciplines",
            ("相关学科", "学科", "所属学科", "学科分类", "discipline"),
            cells.disciplines,
            "GB/T 13745 代码或名称，可填几个，以；分隔 · codes or names, divided by ;",
        ),
        Field("region", ("地区", "所在地区", "所在地", "行政区划", "区域"), cells.region, REGION_HINT),
        Field("budget", ("预算", "经费预算", "投入预算", "预算金额", "拟投入"), money.budget, offered=False),
        Field("budget.low", ("预算下限", "最低预算"), money.one_amount, "例如 50万 · in yuan"),
        Field("budget.high", ("预算上限", "最高预算"), money.one_amount, "例如 100万 · in yuan"),
        Field("deadline", ("截止日期", "时限", "完成时限", "截止时间", "期限"), cells.day, "例如 2027-06-30"),
        Field("ip_wish", ("知识产权归属", "知识产权归属意愿", "产权归属"), _IP_WISH, "归企业、归解题方、共有、面议"),
        Field("solver_conditions", ("解题方条件", "对解题方的要求", "合作方要求"), cells.text),
        Field("cooperation_modes", ("合作方式", "合作模式", "cooperation_mode", "mode"), _MODES, _MODE_HINT),
        Field("bounty", ("揭榜金额", "悬赏金额", "榜额"), money.one_amount, "揭榜挂帅时填 · for an open call"),
        *CONTACT,
        *_ORIGIN,
    ),
    ImportKind.INSTRUMENT: INSTRUMENT_FIELDS,
    ImportKind.EXPERT: EXPERT_FIELDS,
}

# Headers of columns that only count or decorate.
COUNTERS: Final = frozenset({"序号", "行号", "no", "no.", "#"})
# What is passed over without a word in a table of this kind.
PASSED_OVER: Final = {ImportKind.INSTRUMENT: OF_INSTRUMENTS, ImportKind.EXPERT: OF_EXPERTS}
_UNITS: Final = {"元": 1, "千元": 1000, "万元": 10**4, "万": 10**4, "百万元": 10**6, "亿元": 10**8}
_BRACKETS = re.compile(r"[(\[【（]([^)\]】）]{0,40})[)\]】）]")


@dataclass(frozen=True, slots=True)
class Header:
    """A header as it is compared: the name, and the unit in its brackets."""

    name: str
    unit: Decimal


@lru_cache(4096)
def header(text: str) -> Header:
    """预算上限（万元）* as 预算上限 in units of 10,000 yuan; width, case, blanks and other brackets do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    unit = next((_UNITS[said] for said in map(str.strip, _BRACKETS.findall(plain)) if said in _UNITS), 1)
    return Header(re.sub(r"[\s_*\-:﻿]", "", _BRACKETS.sub("", plain)), Decimal(unit))


@cache
def known(kind: ImportKind) -> dict[str, Field]:
    """Every name of every field, as headers are compared."""
    found: dict[str, Field] = {}
    for field in FIELDS[kind]:
        for name in names(field):
            found.setdefault(header(name).name, field)
    return found


def names(field: Field) -> Iterable[str]:
    """The API's own name first."""
    yield field.name
    if "." in field.name:
        yield field.name.replace(".", "_")
    yield from field.aliases


def heading(kind: ImportKind, name: str) -> str:
    """What the template's column of a field is headed, for people; other names as they are."""
    return next((field.aliases[0] for field in FIELDS[kind] if field.name == name and field.aliases), name)


def own_name(field: Field, text: str) -> bool:
    """Whether a header is the API's own name of the field rather than an alias."""
    return header(text).name in {header(field.name).name, header(field.name.replace(".", "_")).name}
