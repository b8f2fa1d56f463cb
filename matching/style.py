"""How a question is written: as a request, or as the report of work that was done.

Whoever requests something wants the field: 复合材料 is what a firm asks about, although a hundred records speak of it.
Whoever shows a piece of a report, an abstract, wants its kin, and what a hundred records speak of tells none of them apart.
``weighting`` weighs the two differently, so they must be told apart where nobody says which it is.

A report is prose (more than a title, with a mark between two clauses) that names at most one thing of those that a
requester speaks of, or more of those that a report does. Titles, keywords and short questions are requests. The words
were written down by hand by somebody who had seen which are frequent in requirements of enterprises and in abstracts of
journals; how often the rule is right, and that words found by count do the same, is in docs/matching-quality.md.
"""

from collections.abc import Container
from typing import Final, Literal

from matching.text import has_clauses

Style = Literal["request", "report"]

_REQUESTED = """
公司 我公司 我司 本公司 企业 厂家 客户 团队 拥有 现有 现 生产线 装备 产品 产业化 项目 投入 万元 需求 需要 需 希望 寻求
急需 亟需 拟 预期 预计 目标 满足 研发 开发 攻关 难题 技术难题 技术 合作
"""
_REPORTED = """
本文 该文 文中 文章 研究 介绍 综述 阐述 论述 探讨 讨论 分析 提出 给出 推导 首先 考察 观察 比较 对比 随机 例 分别 得到
得出 发现 结果 结果表明 表明 证明 证实 指出 认为 揭示 特征 差异 显著 明显 结论
"""
REQUESTED: Final = frozenset(_REQUESTED.split())
REPORTED: Final = frozenset(_REPORTED.split())

SHORTEST: Final = 50
"""A report has so many distinct terms; titles of a usual length have 20 to 50."""


def style_of(text: str, terms: Container[str], count: int) -> Style:
    """Of a text with these terms, ``count`` distinct ones."""
    if count < SHORTEST or not has_clauses(text):
        return "request"
    requested, reported = (sum(word in terms for word in words) for words in (REQUESTED, REPORTED))
    return "report" if requested <= 1 or reported > requested else "request"
