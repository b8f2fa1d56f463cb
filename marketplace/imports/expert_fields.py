"""The columns of a table of experts: a university's own list, and our export brought back."""

from typing import Final

from marketplace.imports import cells, expert_cells, sheet_cells
from marketplace.imports.columns import EXTERNAL_ID, IDENTIFIER, KEYWORDS_HINT, OWNER, REGION_HINT, SOURCE, Field

CONSENT: Final = "consent"
ACHIEVEMENTS: Final = "achievement_ids"

EXPERT_FIELDS: Final = (
    Field(
        "name",
        ("姓名", "专家姓名", "中文姓名", "教师姓名"),
        sheet_cells.text,
        "新专家必填；登记同意后不能改 · needed for a new expert; not to be changed while consent stands",
    ),
    Field("academic_title", ("职称", "专业技术职务", "技术职称", "专业职称"), sheet_cells.text, "例如 教授"),
    Field("position", ("职务", "行政职务", "现任职务"), sheet_cells.text),
    Field(
        "unit", ("院系", "部门", "所在院系", "所在部门", "学院", "所在学院", "二级单位", "department"), sheet_cells.text
    ),
    Field(
        "focus",
        ("研究方向", "研究领域", "主要研究方向", "专业方向", "专业特长", "研究专长"),
        sheet_cells.text,
        "一句话，至多 200 字；新专家必填 · in a line; needed for a new expert",
    ),
    Field(
        "description",
        ("简介", "介绍", "专家简介", "个人简介", "专家介绍", "研究内容", "profile"),
        sheet_cells.text,
        "研究内容、做过的项目、能解决的问题，至多 20000 字；发布时必填，不要写身份证号"
        " · what they have done and can solve; needed for publishing; no citizen's number",
    ),
    Field("keywords", ("关键词", "关键字", "主题词", "keyword"), sheet_cells.words, KEYWORDS_HINT),
    Field(
        "disciplines",
        ("学科", "相关学科", "所属学科", "学科分类", "一级学科", "discipline"),
        expert_cells.disciplines,
        "GB/T 13745 代码或名称，可填几个，以；分隔 · codes or names, divided by ;",
    ),
    Field(
        "industries",
        ("服务行业", "行业", "适用行业", "应用行业", "所属行业", "行业分类", "应用领域", "industry"),
        expert_cells.industries,
        "GB/T 4754 代码或名称，可填几个，以；分隔 · codes or names, divided by ;",
    ),
    Field("region", ("地区", "所在地区", "所在地", "行政区划", "区域"), cells.region, REGION_HINT),
    Field(
        "services",
        ("服务方式", "服务类型", "可提供服务", "可提供的服务", "ways of service"),
        expert_cells.services,
        "技术咨询、联合攻关、成果转化、驻企服务、人才培养、检测评价，可多选 · one or more of these",
    ),
    Field(
        "talks",
        ("可同时洽谈数", "可同时洽谈", "洽谈能力", "可对接企业数", "talks at once"),
        sheet_cells.whole,
        "能同时与几家企业洽谈，1–1000 · firms that they can talk to at once",
    ),
    Field(
        ACHIEVEMENTS,
        ("代表性成果", "代表成果", "代表性科技成果", "achievements", "representative achievements"),
        sheet_cells.lines,
        "本单位成果的名称或外部编号，各项以；分隔，至多 10 项 · titles or external ids of your own achievements, divided by ;",
    ),
    Field("homepage", ("主页", "个人主页", "单位主页", "网址"), sheet_cells.text, "https://…"),
    # Not the person's own telephone: whom to ask is an office. So there is no 手机 among the names.
    Field("contact", (), cells.contact, offered=False),
    Field(
        "contact.name",
        ("联系人", "联系人姓名", "联系人名称"),
        sheet_cells.text,
        "单位的工作联系方式，登录后可见 · whom to ask at the organisation; shown to signed-in people",
    ),
    Field("contact.phone", ("联系电话", "办公电话", "电话", "单位电话", "phone"), sheet_cells.text),
    Field(
        "contact.email", ("电子邮箱", "邮箱", "联系邮箱", "工作邮箱", "电子邮件", "email", "e-mail"), sheet_cells.text
    ),
    Field(
        EXTERNAL_ID,
        ("外部编号", "编号", "工号", "教工号", "职工号", "人员编号", "专家编号", "id"),
        sheet_cells.text,
        "您那边的编号，如工号，只有本单位能看到；再次导入同一编号即更新"
        " · your own number, seen by your organisation alone; importing it again updates the profile",
    ),
    Field(SOURCE, ("来源", "来源系统", "数据来源"), sheet_cells.text, offered=False),
    Field(IDENTIFIER, ("标识符",), sheet_cells.text, offered=False),
    Field(OWNER, ("统一社会信用代码", "单位统一社会信用代码", "credit code"), sheet_cells.text, offered=False),
    Field(
        CONSENT,
        ("同意书", "同意凭据", "本人同意", "是否同意公开", "同意公开", "consent evidence"),
        expert_cells.consent,
        offered=False,
    ),
)
# What our own export says beside.
TOLD_BESIDE: Final = frozenset({"所属单位", "organisation", "有效至", "holdsuntil"})
