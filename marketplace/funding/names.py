"""The words of funding as people read them, on pages and in files."""

from typing import Final

FUNDING_KINDS: Final = {
    "special_fund": "专项资金 · special fund",
    "guidance_plan": "指导计划 · guidance plan",
    "bounty": "揭榜挂帅榜单 · open bounty",
    "loan": "银行贷款 · bank loan",
    "venture": "创业投资 · venture capital",
    "insurance": "科技保险与担保 · insurance and guarantees",
    "grant": "基金资助 · grant",
}
FUNDING_STATES: Final = {
    "draft": "草稿 · draft",
    "published": "已发布 · published",
    "closed": "已截止 · closed",
    "withdrawn": "已撤回 · withdrawn",
}
FUNDING_PHASES: Final = {
    "hidden": "未公开 · not public",
    "opening_soon": "即将开始 · opening soon",
    "open": "受理中 · open",
    "closed": "已截止 · closed",
}
RULES: Final = {
    "applicant_kinds": "申报单位类型 · kind of applicant",
    "applicant_regions": "申报单位注册地 · where the applicant is established",
    "project_regions": "项目实施地 · where the project is carried out",
    "industries": "所属行业 · industry",
    "disciplines": "所属学科 · discipline",
    "trl": "技术就绪度 · readiness (TRL)",
    "verified": "单位认证 · verified applicant",
    "joint": "联合申报 · joint application",
    "not_publicly_funded": "财政资助 · public funding",
    "own_share": "自筹比例 · own contribution",
    "condition": "其他条件 · other condition",
}
RULE_VERDICTS: Final = {
    "met": "符合 · met",
    "not_met": "不符合 · not met",
    "unknown": "请核对 · please check",
}
STANDINGS: Final = {
    "eligible": "规则都符合 · every rule is met",
    "to_check": "有规则待核对 · some rules to check",
    "not_eligible": "有规则不符合 · a rule is not met",
}
