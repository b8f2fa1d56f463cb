"""The words of the language as people read them, written once as `中文 · English`."""

from typing import Final

from marketplace.docking import names
from marketplace.experts import written
from marketplace.funding import names as funding_names
from marketplace.identity import names as identity_names
from marketplace.portal import meeting_words

KINDS: Final = {"problem": "技术难题 · problem", "achievement": "科技成果 · achievement"}
STATES: Final = {
    "draft": "草稿 · draft",
    "in_review": "审核中 · in review",
    "published": "已发布 · published",
    "withdrawn": "已撤回 · withdrawn",
    "in_talks": "洽谈中 · in talks",
    "solved": "已解决 · solved",
    "closed": "已关闭 · closed",
    "expired": "已过期 · expired",
}
STAGES: Final = {
    "early": "初期（实验室） · early (laboratory)",
    "pilot": "中期（中试） · pilot",
    "mature": "成熟应用 · mature",
}
MODES: Final = {
    "transfer": "转让 · transfer",
    "licence": "许可 · licence",
    "equity": "作价入股 · equity",
    "joint_development": "合作开发 · joint development",
    "service": "技术服务 · technical service",
}
NARROWED: Final = {
    "region": "地区（省、市、县） · Region (province, city, county)",
    "industry": "行业（门类、大类…） · Industry (section, division…)",
    "discipline": "学科 · Discipline",
    "trl_min": "技术就绪度从 · Readiness (TRL) from",
    "trl_max": "技术就绪度到 · Readiness (TRL) to",
    "stage": "所处阶段 · Stage",
    "mode": "合作方式 · Cooperation",
    "service": "服务方式 · Way of service",
    "confirmed_within": "最近确认 · Confirmed lately",
}
WITHIN: Final = {
    "30": "30 天内 · within 30 days",
    "90": "90 天内 · within 90 days",
    "180": "180 天内 · within 180 days",
}
ORGANISATION_KINDS: Final = identity_names.ORGANISATION_KINDS
VERIFICATIONS: Final = {
    "unverified": "未认证 · not verified",
    "submitted": "认证中 · verification requested",
    "verified": "已认证 · verified",
    "suspended": "已暂停 · suspended",
}
ROLES: Final = {
    "viewer": "成员（只读） · viewer",
    "editor": "编辑 · editor",
    "organisation_admin": "单位管理员 · organisation administrator",
    "lab_manager": "实验室管理员 · lab manager",
    "organizer": "活动主办 · organizer",
    "broker": "技术经纪 · broker",
    "platform_admin": "平台管理员 · platform administrator",
    "auditor": "审计员 · auditor",
}
PRICES: Final = {"fixed": "一口价 · fixed price", "range": "区间价 · price range", "negotiable": "面议 · negotiable"}
IP_STATUSES: Final = {"pending": "审查中 · pending", "granted": "已授权 · granted", "lapsed": "已失效 · lapsed"}
IP_WISHES: Final = {
    "enterprise": "归企业 · the enterprise",
    "solver": "归解题方 · the solver",
    "shared": "双方共有 · shared",
    "negotiable": "可协商 · negotiable",
}
OPERATORS: Final = {
    ">=": "≥ 不低于 · ≥ at least",
    "<=": "≤ 不高于 · ≤ at most",
    ">": "＞ 大于 · > more than",
    "<": "＜ 小于 · < less than",
    "=": "＝ 等于 · = equal to",
    "between": "介于 · between",
}
SIGNALS: Final = {
    "field": "领域 · field",
    "trl": "就绪度 · readiness",
    "region": "地区 · region",
    "budget": "预算 · budget",
    "freshness": "新近 · freshness",
}
GRADES: Final = {
    "3": "应当面谈 · talk to them",
    "2": "值得一见 · worth a meeting",
    "1": "只是同领域 · same field only",
    "0": "不合适 · does not fit",
}
VERDICT_STANDINGS: Final = {
    "open": "匹配中 · ranked",
    "ours_closed": "己方记录未公开 · your record is not open",
    "theirs_closed": "对方已不在匹配中 · the other is ranked no more",
}
MODEL_STATES: Final = {
    "candidate": "候选 · candidate",
    "active": "在用 · active",
    "retired": "已停用 · retired",
}
VERDICTS: Final = {
    "supported": "有据 · supported",
    "partly": "提到，无此数值 · partly",
    "not_found": "未见 · not found",
}
SIGNS: Final = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "="}
ADMISSIONS: Final = {
    "requested": "已申请，等待答复 · asked, waiting for an answer",
    "admitted": "已获准 · admitted",
    "refused": "未获准 · refused",
    "revoked": "已撤销 · revoked",
}
SERVICE_WAYS: Final = written.SERVICES
INSTRUMENT_KINDS: Final = {
    "instrument": "仪器 · instrument",
    "test_service": "检测服务 · test service",
    "open_lab": "开放实验室/中试线 · open laboratory or pilot line",
}
INSTRUMENT_STATES: Final = {
    "draft": "草稿 · draft",
    "published": "开放共享 · offered",
    "retired": "已停止共享 · retired",
}
IMPORT_KINDS: Final = {
    "achievement": "科技成果 · achievements",
    "problem": "技术难题 · problems",
    "instrument": "仪器 · instruments",
    "expert": "专家 · experts",
}
UNDO_OUTCOMES: Final = {
    "withdrawn": "已撤回 · withdrawn",
    "restored": "已恢复原值 · says again what it said",
    "partly": "部分恢复 · in part",
    "kept": "未撤销 · stays",
}
UNDO_REASONS: Final = {
    "changed_since": "此后又改过 · changed again since",
    "used_since": "此后已使用（预约、价格、附件、查阅人、评价、报名、本人同意等） · used since (booked, priced, given files or readers, judged, brought to an event, agreed to …)",
    "gone": "已不存在 · not there any more",
    "would_not_stand": "原值与现在的内容不能并存 · what it said does not agree with what it says now",
}
CUSTOMERS: Final = {
    "internal": "本单位 · own people",
    "academic": "高校院所 · universities and institutes",
    "province_firm": "本省企业 · firms of the province",
    "other": "其他 · others",
}
OPERATIONS: Final = {
    "self_use": "自主上机 · used alone",
    "assisted": "机组操作 · with an operator",
    "either": "自主上机或机组操作 · alone or with an operator",
}
DATUMS: Final = {"wgs84": "WGS-84（卫星定位） · WGS-84 (GPS)", "gcj02": "GCJ-02（国内地图） · GCJ-02 (maps of China)"}
BOOKING_STATES: Final = {
    "requested": "待审批 · waiting for approval",
    "confirmed": "已确认 · confirmed",
    "in_use": "使用中 · in use",
    "done": "已完成 · done",
    "refused": "已拒绝 · refused",
    "cancelled": "已取消 · cancelled",
    "moved": "已改期 · moved",
    "released": "未到已释放 · released: nobody came",
}
WAITING_STATES: Final = {
    "waiting": "候补中 · waiting",
    "offered": "有空位 · offered to you",
    "taken": "已接受 · taken",
    "declined": "已放弃 · declined",
    "expired": "未及时确认 · not taken in time",
    "left": "已退出 · left",
}
WEEKDAYS: Final = {
    1: "周一 · Mon",
    2: "周二 · Tue",
    3: "周三 · Wed",
    4: "周四 · Thu",
    5: "周五 · Fri",
    6: "周六 · Sat",
    7: "周日 · Sun",
}
LINE_KINDS: Final = {
    "time": "机时 · time",
    "window": "峰谷时段机时 · time in a price window",
    "samples": "样品 · samples",
    "run": "开机 · run",
    "operator": "机组操作 · operator",
    "late_cancellation": "晚取消 · late cancellation",
    "no_show": "爽约 · no-show",
    "adjustment": "人工调整 · adjustment",
}
PER: Final = {
    "hour": "每小时 · per hour",
    "sample": "每个样品 · per sample",
    "run": "每次 · per run",
    "whole": "合计 · in all",
}
PRICED: Final = {
    "per_hour": "每小时 · per hour",
    "per_sample": "每个样品 · per sample",
    "per_run": "每次开机 · per run",
    "operator_per_hour": "机组操作加收（每小时） · operator, added per hour",
}
CHARGE_KINDS: Final = {
    "usage": "使用 · use",
    "late_cancellation": "晚取消 · late cancellation",
    "no_show": "爽约 · no-show",
}
ENTRY_KINDS: Final = {
    "charged": "计费 · charged",
    "corrected": "机时更正 · use corrected",
    "adjusted": "人工调整 · adjusted",
    "waived": "平台减免 · waived by the platform",
}
DISPUTE_STATES: Final = {
    "open": "待答复 · waiting for an answer",
    "accepted": "已采纳 · accepted",
    "declined": "不采纳 · declined",
    "waived": "平台已减免 · waived by the platform",
}
SETTLEMENTS: Final = {
    "firm_redeems": "通用：企业先付后兑 · the firm pays and redeems",
    "lab_redeems": "通兑：机构兑付 · the lab redeems",
}
USAGE_SOURCES: Final = {
    "keeper": "管理员录入 · by a keeper",
    "kiosk": "签到签退 · checked in and out",
    "log": "仪器日志 · instrument's log",
    "meter": "计量终端 · metered",
}
ADJUSTMENT_STATES: Final = {
    "asked": "待处理 · waiting",
    "accepted": "已采纳 · accepted",
    "declined": "不采纳 · declined",
}
DEVICE_KINDS: Final = {"kiosk": "签到终端（平板） · kiosk (tablet)", "meter": "计量终端 · meter"}
METER_KINDS: Final = {"start": "开机 · start", "stop": "关机 · stop", "run": "运行 · run"}
METER_OUTCOMES: Final = {
    "open": "运行中，等待关机 · running",
    "unfinished": "未见关机，未计机时 · no stop came: not counted",
    "entered": "已录入机时 · entered as use",
    "added": "已并入机时 · added to the use",
    "known": "已有同一时间的记录，未重复计 · known already: not counted twice",
    "closed": "已与关机配对 · paired with its stop",
    "unmatched": "没有对应的开机，未计机时 · no start before it: not counted",
}
OUTPUT_KINDS: Final = {
    "paper": "论文 · paper",
    "patent": "专利 · patent",
    "standard": "标准 · standard",
    "project": "项目 · project",
}
REDEMPTION_STATES: Final = {
    "asked": "待处理 · waiting",
    "paid": "已兑付 · paid",
    "declined": "未兑付 · declined",
}
MAP_BY: Final = {"weekday": "按星期 · by weekday", "day": "按日期 · by day"}
GROUPINGS: Final = {
    "instrument": "按仪器 · by instrument",
    "lab": "按实验室 · by laboratory",
    "organisation": "按单位 · by organisation",
}
EVENT_FORMATS: Final = names.EVENT_FORMATS
EVENT_KINDS: Final = names.EVENT_KINDS
EVENT_STATES: Final = names.EVENT_STATES
ORGANIZER_ROLES: Final = names.ORGANIZER_ROLES
PARTICIPANTS: Final = names.PARTICIPANTS
QUESTION_KINDS: Final = names.QUESTION_KINDS
REGISTRATION_STATES: Final = names.REGISTRATION_STATES
SESSION_KINDS: Final = names.SESSION_KINDS
SPOKEN: Final = names.SPOKEN
FUNDING_KINDS: Final = funding_names.FUNDING_KINDS
FUNDING_STATES: Final = funding_names.FUNDING_STATES
FUNDING_PHASES: Final = funding_names.FUNDING_PHASES
FUNDING_RULES: Final = funding_names.RULES
RULE_VERDICTS: Final = funding_names.RULE_VERDICTS
STANDINGS: Final = funding_names.STANDINGS
WISH_ANSWERS: Final = meeting_words.WISH_ANSWERS
ASKED: Final = meeting_words.ASKED
SIDE_ASKS: Final = meeting_words.SIDE_ASKS
PLANNINGS: Final = meeting_words.PLANNINGS
LATE_JOINERS: Final = meeting_words.LATE_JOINERS
PUBLISHINGS: Final = meeting_words.PUBLISHINGS
MEETING_STATES: Final = names.MEETING_STATES
AUDIENCES: Final = meeting_words.AUDIENCES
MEETING_SOURCES: Final = meeting_words.MEETING_SOURCES
GROUNDS: Final = meeting_words.GROUNDS
WHY_NOT: Final = meeting_words.WHY_NOT
GOALS: Final = meeting_words.GOALS
PROOFS: Final = meeting_words.PROOFS
OPERATION_STATES: Final = meeting_words.OPERATION_STATES
OUTCOME_STAGES: Final = meeting_words.OUTCOME_STAGES
RESULTS: Final = meeting_words.RESULTS
NUMBERS: Final = meeting_words.NUMBERS
EVENT_STEPS: Final = {
    "published": "发布 · Publish",
    "open": "开放报名 · Open registration",
    "closed": "截止报名 · Close registration",
    "scheduled": "标记为已排程 · Mark as scheduled",
    "running": "活动开始 · Begin",
    "ended": "活动结束 · End",
    "followed_up": "标记为已跟进 · Mark as followed up",
    "cancelled": "取消活动 · Cancel the event",
}
EVENT_STEPS_BACK: Final = {
    "open": "重新开放报名 · Open registration again",
    "closed": "撤回“已排程” · Take back that it is scheduled",
}
EVENT_ACTS: Final = {
    "edit": "修改活动信息 · changing what is said of the event",
    "edit_questions": "修改报名问题 · changing the questions",
    "edit_agenda": "修改议程与场地 · changing agenda and venues",
    "register": "报名 · registering",
    "change_registration": "修改、取消报名 · changing and cancelling registrations",
    "decide": "审批、候补递补 · approving, and places for those who wait",
    "announce": "发通知 · announcements",
    "wish": "约见 · asking for meetings",
    "schedule": "排程、改动洽谈 · planning and moving meetings",
    "check_in": "签到 · check-in",
    "renew_badge": "换发参会证 · new badges",
    "follow_up": "记录到场与结果 · noting who came and what came of it",
}
CALENDAR_KINDS: Final = {
    "person": "我的预约与洽谈 · my bookings and meetings",
    "keeper": "我管理的仪器 · instruments I keep",
    "instrument": "一台仪器 · one instrument",
}
TOKEN_KINDS: Final = {"session": "登录会话 · session", "personal": "个人令牌 · personal token"}
FIELDS: Final = {
    "title": "标题 · title",
    "summary": "摘要 · summary",
    "background": "生产背景 · background",
    "description": "详细说明 · description",
    "keywords": "关键词 · keywords",
    "indicators": "必须达到的指标 · must-meet figures",
    "tried": "已尝试过什么 · tried so far",
    "industry": "行业 · industry",
    "industries": "适用行业 · industries served",
    "discipline": "学科 · discipline",
    "disciplines": "相关学科 · disciplines",
    "region": "地区 · region",
    "budget": "预算 · budget",
    "deadline": "时限 · deadline",
    "ip_wish": "知识产权归属意愿 · ownership of results",
    "solver_conditions": "对解题方的条件 · conditions for solvers",
    "cooperation_modes": "合作方式 · ways to cooperate",
    "bounty": "揭榜金额 · bounty",
    "contact": "联系人 · contact",
    "trl": "技术就绪度 · readiness level (TRL)",
    "stage": "所处阶段 · stage",
    "intellectual_property": "知识产权 · intellectual property",
    "awards": "获奖 · awards",
    "price": "价格 · price",
    "publicly_funded": "财政资金资助 · publicly funded",
    "registration_number": "成果登记号 · registration number",
    "team": "团队 · team",
    "talks": "可同时洽谈数 · talks at once",
    "organisation_id": "单位 · organisation",
    "name": "姓名 · name",
    "academic_title": "职称 · academic title",
    "position": "职务 · position",
    "unit": "所在部门 · department",
    "focus": "研究方向 · focus",
    "services": "服务方式 · ways of service",
    "homepage": "主页 · homepage",
    "achievement_ids": "代表性成果 · representative achievements",
}
PARTS: Final = {
    "price.kind": "定价方式 · kind of price",
    "price.low": "价格 · price",
    "price.high": "最高价 · highest price",
    "budget.low": "预算下限 · lowest budget",
    "budget.high": "预算上限 · highest budget",
    "contact.name": "联系人姓名 · contact's name",
    "contact.phone": "电话 · phone",
    "contact.email": "邮箱 · e-mail",
    "indicators.name": "指标 · figure",
    "indicators.operator": "要求 · asked for",
    "indicators.value": "数值 · value",
    "indicators.upper": "上限 · upper value",
    "indicators.unit": "单位 · unit",
    "intellectual_property.kind": "类型 · type",
    "intellectual_property.number": "编号 · number",
    "intellectual_property.status": "状态 · status",
    "intellectual_property.holder": "权利人 · holder",
    "team.name": "姓名 · name",
    "team.role": "分工 · role",
}
TERM_ORIGINS: Final[dict[str, str]] = {
    "user": "人工添加 · added by hand",
    "discovered": "从记录中发现 · found in the records",
}
PROPOSAL_STATES: Final[dict[str, str]] = {
    "proposed": "待定 · undecided",
    "accepted": "已收入 · accepted",
    "rejected": "已拒绝 · rejected",
}
SAID: Final = {
    "signed-out": "已退出。 · You are signed out.",
    "reset": "密码已重设，请用新密码登录。 · The new password is set; sign in with it.",
    "password": "密码已修改，请重新登录。 · The password was changed; sign in again.",
    "welcome": "邮箱已确认，欢迎！先登记或加入一个单位。 · Your address is confirmed. Welcome! Register or join an organisation first.",
    "joined": "已加入单位。 · You have joined the organisation.",
    "saved": "已保存。 · Saved.",
    "drafted": "草稿已保存，核对后即可发布。 · The draft is saved; look it over, then publish it.",
    "published": "已发布，所有人都能看到，并参与匹配。 · Published: everybody can see it and it takes part in matching.",
    "in-review": "已提交审核，通过后自动发布。 · Handed in for review; it is published once approved.",
    "consented": "已登记本人同意，可以发布了。 · The person's consent is recorded; the profile can be published.",
    "unconsented": "同意已撤回：不再展示、检索和匹配。 · Consent was taken back: no longer shown, searched or ranked.",
    "erased": "专家信息已彻底删除，不再保存任何内容。 · The profile is erased for good; nothing of it is kept.",
    "offered": "已开放共享，目录中可以找到并预约。 · Offered: it is found in the catalogue and can be booked.",
    "retired": "已停止共享，不再显示在目录中；随时可以重新开放。 · Taken out of the catalogue; you can offer it again.",
    "import-undone": "导入已撤销，逐行结果见下。 · The import is undone; below, row by row.",
    "import-confirmed": "已确认导入。 · Confirmed.",
    "import-begun": "已收到文件，下面是检查的进度和结果。 · The file is here; how the check goes and what it found stands below.",
    "withdrawn": "已撤回，不再展示和匹配，可随时重新发布。 · Taken back: no longer shown or ranked. You can publish it again.",
    "confirmed": "已确认仍然有效。 · Confirmed: it still holds.",
    "talks": "已标记为洽谈中。 · Marked as in talks.",
    "solved": "已标记为已解决。 · Marked as solved.",
    "asked": "申请已发出，请等待所有者答复。 · Your request was sent; wait for the owner's answer.",
    "accepted": "已同意保密约定。 · You have accepted the terms.",
    "admitted": "已准许查看。 · Admitted.",
    "refused": "已拒绝申请。 · The request was refused.",
    "revoked": "已撤销。 · Revoked.",
    "attached": "附件已上传。 · The file is attached.",
    "removed": "已移除。 · Removed.",
    "organisation": "单位已登记。申请认证后即可发布。 · The organisation is registered. Ask for verification to be able to publish.",
    "verification": "认证申请已提交。 · The request for verification was handed in.",
    "decided": "认证结论已记录。 · The decision is recorded.",
    "judged": "评价已记下，对方看不到。 · Your verdict is noted. The other side does not see it.",
    "unjudged": "评价已撤回。 · Your verdict was taken back.",
    "learning": "正在从评价中学习。 · Learning from the verdicts.",
    "activated": "已启用，一秒内所有排序都按它。 · Activated: within a second everything is ranked by it.",
    "struck-out": "已划去，这个词恢复原来的权重。 · Struck out: the term weighs what it did before.",
    "restored": "已恢复降权。 · The term is lowered again.",
    "reviewed": "审核结论已记录。 · The review is recorded.",
    "invited": "邀请信已发出。 · The invitation was sent.",
    "role": "角色已修改。 · The role was changed.",
    "booked": "预约已提交。 · Your booking is in.",
    "waiting": "已加入候补。 · You are on the waiting list.",
    "booked-for": "已代为预约，使用人会收到邮件。 · Booked; its user is told by mail.",
    "done": "已完成。 · Done.",
    "priced": "收费标准已公布。 · The tariff is published.",
    "entered": "机时已录入。 · The use is entered.",
    "correction-asked": "更正申请已提出，等管理员处理。 · Your correction is in; a keeper will decide.",
    "correction-decided": "更正申请已处理。 · The correction is decided.",
    "output-added": "成果产出已登记，计入当年考核表。 · Written down; it counts in its year's sheet.",
    "claimed": "兑付申请已提出。 · The claim is in.",
    "withdrawn-use": "录入已撤回，被占用的时间已归还。 · The entry is withdrawn; what it had cut has its time again.",
    "claim-returned": "退回已登记，创新券可再使用。 · It came back: the voucher has it again.",
    "claim-decided": "兑付申请已处理。 · The claim is decided.",
    "issued": "创新券已发放。 · The voucher is issued.",
    "disputed": "异议已提出，等实验室答复。 · Your dispute is in; the lab will answer it.",
    "answered": "异议已答复。 · The dispute is answered.",
    "left": "成员已移除。 · The member was removed.",
    "gone": "您已离开该单位。 · You have left the organisation.",
    "suspended": "账号已停用，其会话与令牌立即失效。 · The account is suspended; its sessions and tokens stop working at once.",
    "reinstated": "账号已恢复。 · The account is reinstated.",
    "registered": "报名已提交。 · Your registration is in.",
    "place-taken": "名额已确认，期待您的到来。 · The place is yours. We look forward to seeing you.",
    "cancelled": "已取消，名额已让出。 · Cancelled: the place is free for others.",
    "stepped": "活动状态已更新。 · The event has entered its new state.",
    "approved": "已通过，系统会写信告知。 · Approved; they are told by mail.",
    "turned-down": "已回绝，系统会写信告知。 · Turned down; they are told by mail.",
    "announced": "通知已写好，稍后逐封寄出。 · The letter is written; copies go out in a moment.",
    "badge": "已换新证，旧码作废。 · A new badge is made; the old code is void.",
    "wished": "已记下您的答复。 · Your answer is noted.",
    "wish-back": "已撤回，如同从未答复。 · Taken back, as if you had never answered.",
    "availability": "可参加的场次已更新。 · Your availability is changed.",
    "meeting-off": "洽谈已取消，对方会收到通知。 · The meeting is called off; the other side is told.",
    "meeting-moved": "洽谈已改到新的位置，双方会收到通知。 · The meeting is moved; both sides are told.",
    "meeting-held": "已记为洽谈完成。 · Noted: it took place.",
    "meeting-missed": "已记为爽约。 · Noted: somebody did not come.",
    "meeting-made": "已安排现场洽谈，双方会收到通知。 · The meeting is made; both sides are told.",
    "outcome": "已记下，对方看不到。 · Noted. The other side does not see it.",
    "interest": "已登记意向，双方单位都能看到。 · Your interest is declared; both organisations see it.",
    "proposing": "正在推荐，稍后刷新即可看到。 · Proposals are being made; they will be here shortly.",
    "terms": "约见规则已更新。 · The terms are changed.",
    "visit": "参观安排已更新。 · The visit is changed.",
    "planning": "草案已开始计算。 · The draft is being computed.",
    "planning-off": "已请求停止计算。 · The computation was asked to stop.",
    "schedule-out": "已公布，参加洽谈的人会收到各自的安排。 · Published; everybody who meets is told when and where.",
    "schedule-back": "已撤销，恢复为之前的安排。 · Undone: what held before holds again.",
    "partner": "合办单位已更新。 · The partners are changed.",
    "calendar-off": "此日历地址已作废。 · That calendar address is void.",
    "reminders": "提醒规则已更新。 · The reminders are changed.",
    "rematching": "匹配已开始，可以离开这一页。 · The rematch has begun; you may leave this page.",
    "synonym": "同义词已保存，下一次匹配起生效。 · The synonyms are saved and hold from the next ranking on.",
    "synonym-off": "这一组已删除。 · The group is removed.",
    "term": "已加入草稿，启用后生效。 · Added to the draft; it holds once that is put to use.",
    "term-off": "已从草稿删除，启用后生效。 · Removed from the draft; it holds once that is put to use.",
    "terms-in": "已导入草稿。 · The list is in the draft.",
    "terms-decided": "已记下。 · Noted.",
    "discovering": "正在从公开记录中寻找新词。 · New terms are being looked for in the open records.",
    "lexicon-used": "已启用；全部记录重读完毕后按它匹配。 · Put to use; rankings go over to it once all records are read with it.",
    "lexicon-draft": "草稿已换成这一版。 · The draft is what that version has.",
    "call-published": "已发布，所有人都能看到，并参与匹配。 · Published: everybody can see it and it takes part in matching.",
    "call-closed": "已截止，页面仍可查看；可以重新发布。 · Closed: it stays to be read. You can publish it again.",
    "call-kept": "已收藏，会按您的选择写信提醒。 · Kept: letters come as you chose.",
    "call-dropped": "已取消收藏。 · You keep no eye on it any more.",
    "call-withdrawn": "已撤回，别人不再看到；可以重新发布。 · Taken back: others do not see it any more. You can publish it again.",
    "cloned": "已复制为新的草稿。 · Copied into a new draft.",
}
