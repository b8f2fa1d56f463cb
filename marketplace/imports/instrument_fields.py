"""The columns of a table of instruments: the core metadata of GB/T 30523, our own catalogue, and the yearly return."""

from typing import Final

from marketplace.imports import cells, money, sheet_cells
from marketplace.imports import instrument_cells as own
from marketplace.imports.columns import (
    CONTACT,
    EXTERNAL_ID,
    ID_HINT,
    IDENTIFIER,
    KEYWORDS_HINT,
    OWNER,
    REGION_HINT,
    SOURCE,
    Field,
)

_MINUTES: Final = "分钟 · minutes"
INSTRUMENT_FIELDS: Final = (
    Field(
        "name",
        ("仪器名称", "资源名称", "仪器设备名称", "设备名称", "仪器中文名称", "名称", "title"),
        sheet_cells.text,
        "新仪器必填 · needed for a new instrument",
    ),
    Field("name_en", ("英文名称", "仪器英文名称", "英文名"), sheet_cells.text),
    Field("kind", ("资源类别", "资源类型"), own.kind, "仪器设备、检测服务、开放实验室"),
    Field(
        "class_code",
        ("仪器分类", "分类编码", "仪器分类编码", "设备分类", "设备分类编码", "分类", "类别"),
        own.instrument_class,
        "代码或名称，例如 02-01 或 力学性能测试仪器；发布时必填 · code or name; needed for publishing",
    ),
    Field("model", ("规格型号", "型号", "仪器型号", "型号规格"), sheet_cells.text),
    Field("maker", ("生产厂商", "生产厂家", "制造商", "生产制造商", "厂商", "厂家", "制造厂商"), sheet_cells.text),
    Field("value", ("原值", "设备原值", "仪器原值", "购置金额", "资产原值"), money.one_amount, "例如 286万 · in yuan"),
    Field(
        "publicly_funded",
        ("财政资金购置", "是否财政资金购置", "财政资助", "是否财政资助"),
        cells.yes_or_no,
        "是、否；“是”须向本省企业开放 · yes or no; yes has to be open to firms of the province",
    ),
    Field("closed_because", ("不开放的保密理由", "保密理由", "不开放理由"), sheet_cells.text),
    Field("audience", ("共享范围", "开放范围", "共享模式"), own.audience, "社会开放、本省开放、单位内部"),
    Field(
        "customers", ("可预约用户", "服务对象"), own.customers, "校内、高校院所、本省企业、其他；无 · or 无 for none"
    ),
    Field("confirmed_at_once", ("免审批用户",), own.customers, "无需管理员审批的用户；无 · or 无 for none"),
    Field("lab", ("所属实验室", "实验室", "所属资源载体", "所属仪器中心", "所属平台"), sheet_cells.text),
    Field(
        "region",
        ("所在地区", "地区", "行政区划", "所属区域", "区域"),
        cells.region,
        f"{REGION_HINT}；不填为单位所在地区",
    ),
    Field(
        "location",
        ("安放地点", "安装地点", "存放地点", "放置地点", "安置地址", "地址"),
        sheet_cells.text,
        "发布时必填 · needed for publishing",
    ),
    Field("position", (), lambda value, _: value, offered=False),
    Field("position.longitude", ("经度", "longitude"), own.degrees, "例如 125.3245"),
    Field("position.latitude", ("纬度", "latitude"), own.degrees, "例如 43.8868"),
    Field(
        "position.datum",
        ("坐标系", "坐标系统", "datum"),
        own.datum,
        "WGS-84 或 GCJ-02（国内地图） · or GCJ-02 (maps of China)",
    ),
    Field(
        "capabilities",
        (
            "描述",
            "主要功能",
            "功能",
            "主要功能及特色",
            "主要技术指标及功能",
            "主要功能/应用范围",
            "服务内容",
            "description",
        ),
        sheet_cells.text,
        "能做什么，至多 20000 字；发布时必填 · what it can do; needed for publishing",
    ),
    Field("accreditation", ("资质能力范围", "资质", "认证情况", "CMA/CNAS"), sheet_cells.text),
    Field("keywords", ("关键词", "关键字", "主题词"), sheet_cells.words, KEYWORDS_HINT),
    *CONTACT,
    Field("operation", ("使用方式", "操作方式"), own.operation, "自主上机、机组操作、自主上机或机组操作"),
    Field("needs_qualification", ("自主上机须有资格",), cells.yes_or_no, "是、否 · yes or no"),
    Field("hours", ("开放时间", "开放时段", "服务时间"), own.hours, "周一至周五 08:30-17:30；周六 09:00-12:00；不开放"),
    Field("exceptions", (), lambda value, _: value, offered=False),
    Field("slot_minutes", ("时间粒度",), sheet_cells.whole, _MINUTES),
    Field("min_minutes", ("最短时长", "最短预约时长"), sheet_cells.whole, _MINUTES),
    Field("max_minutes", ("最长时长", "最长预约时长"), sheet_cells.whole, _MINUTES),
    Field("notice_minutes", ("至少提前",), sheet_cells.whole, _MINUTES),
    Field("horizon_days", ("最多提前",), sheet_cells.whole, "天 · days"),
    Field("buffer_minutes", ("预约间隔",), sheet_cells.whole, _MINUTES),
    Field("late_cancel_minutes", ("晚取消界限",), sheet_cells.whole, offered=False),
    Field("no_show_minutes", ("爽约释放",), sheet_cells.whole, offered=False),
    Field("person_week_minutes", ("每人每周限额",), sheet_cells.whole, offered=False),
    Field("organisation_week_minutes", ("每单位每周限额",), sheet_cells.whole, offered=False),
    Field("person_upcoming", ("每人未完成预约数",), sheet_cells.whole, offered=False),
    Field("order_form", ("预约须回答的问题",), sheet_cells.lines, "每行一个 · one a line"),
    Field(
        EXTERNAL_ID,
        ("外部编号", "编号", "设备编号", "资产编号", "国资编号", "仪器设备编号", "id"),
        sheet_cells.text,
        ID_HINT,
    ),
    Field(SOURCE, ("来源", "来源系统", "数据来源"), sheet_cells.text, offered=False),
    Field(
        IDENTIFIER, ("标识符", "资源标识", "资源标识符", "科技资源标识", "仪器编号"), sheet_cells.text, offered=False
    ),
    Field(OWNER, ("统一社会信用代码", "单位统一社会信用代码"), sheet_cells.text, offered=False),
)
# What our own catalogue and return say beside, and what an import does not take from a file: when a record was made, in
# which state it is, what was counted.
TOLD_BESIDE: Final = frozenset(
    {"生成日期", "注册日期", "更新日期", "提供机构", "状态", "单位", "年有效机时", "年对外服务机时", "共享率",
     "有效机时/定额1400小时", "有效机时/定额800小时", "服务次数", "服务校外单位数", "具备独立操作资格人数", "服务收入",
     "对外服务收入", "用户满意度"}
)  # fmt: skip
