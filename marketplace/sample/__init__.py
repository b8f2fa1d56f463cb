"""Sample records: invented organisations, people, achievements, problems, experts, instruments and events, used by demos and tests."""

from typing import Final

SOURCE: Final = "sample"
PASSWORD_FILE: Final = "demo-password"  # noqa: S105 -- the name of the file, in DUIJIE_HOME

# Who can sign in once the sample data is loaded, and what they can try.
ACCOUNTS: Final = (
    ("university@duijie.example", "高校编辑：发布成果，看哪些企业需要 · university editor"),
    ("enterprise@duijie.example", "企业编辑：发布难题，看谁能解决 · enterprise editor"),
    ("lab@duijie.example", "实验室管理员：管理仪器，审批预约 · lab manager"),
    ("organizer@duijie.example", "活动主办：审批报名、排洽谈、签到 · event organizer"),
    ("admin@duijie.example", "平台管理员：认证单位、审核 · platform administrator"),
    ("auditor@duijie.example", "审计员：只读 · auditor"),
)
