"""Words in which an enterprise speaks of itself, of its project and of the market, whatever the technique.

A requirement says 公司、投入资金、预期目标 beside what it asks. These words are not wrong, they are beside the point: in a long
text they count less (``weighting.brevity``), in a few words, which nobody spends on them for nothing, almost fully.
Written down by hand, from what such texts say whatever they ask for, by somebody who had read the judged requirements. On others
it gains as much, and so does a list that a rule makes of requirements without grades: docs/matching-quality.md.
"""

from itertools import pairwise

from matching.text import PAIR

_LISTED = """
公司 企业 我公司 我司 本公司 本企业 我厂 我们 有限公司 集团 单位 部门 团队 人员 专业 专家 院士 教授 博士 人才
员工 客户 用户 厂家 厂商 供应商 生产商 项目 课题 需求 要求 内容 名称 目标 预期 预期目标 指标 技术指标 技术需求
需求内容 现有 目前 已有 基础 工作基础 条件 背景 概述 简介 说明 情况 现状 问题 难题 技术难题 难点 瓶颈 难关 关键
关键技术 核心 解决 拟解决 攻克 突破 攻关 希望 寻求 寻找 需要 急需 亟需 拟 计划 预计 合作 合作方式 对接 引进
转让 联合 委托 技术合作 合作开发 产学研 支持 提供 满足 达到 具备 拥有 完成 形成 建立 建设 开展 实施 投入 投资
资金 经费 预算 万元 亿元 费用 成本 价格 产值 利润 销售 销售收入 销售额 税收 收入 效益 经济效益 社会效益 市场
市场前景 市场需求 竞争力 行业 产业 产业化 规模 规模化 批量 量产 年产 投产 国内 国外 国内外 国际 先进 先进水平
领先 国产化 进口 替代 打破 垄断 填补 空白 高新技术 高新技术企业 专利 发明专利 实用新型 授权 申请 知识产权 成果
获得 荣获 奖 研发 研发中心 研发团队 自主 自主研发 自主知识产权 创新 开发 研制 研究 技术 先后 近年来 多年 成立
位于 占地 厂房 车间 平方米 设备 设施 先进设备 检测设备 实验室 工程技术 研究中心 研究院 研究所 大学 学院 高校
科研院所 提升 提高 降低 促进 推动 实现 发展 应用 推广 推广应用 良好 丰富 完善 雄厚 齐全 经验 能力 水平 优势
质量 产品 生产 生产线 主要 主导产品 重要 重大 战略 政策 国家 省 市 制约 影响 严重 缺乏 不足 不高
较大 较高 较低 大量 各种 方面 方向 方式 方法 方案 途径 措施 其中 包括 具体 相关 有关 通过 采用 利用 进行 使用
"""

ASIDES = frozenset(_LISTED.split())
"""The words. As terms, the character pairs inside them count as well (see ``is_aside``)."""

ASIDE_TERMS = ASIDES | {PAIR + one + other for word in ASIDES for one, other in pairwise(word)}


def is_aside(term: str) -> bool:
    """Whether a word, or a marked pair, is one of these."""
    return term in ASIDE_TERMS
