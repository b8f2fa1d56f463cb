"""What a fact is called: its name taken apart, `ListingPublished` 记录发布 · listing published."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from marketplace.kernel.facts import Fact
from marketplace.kernel.language import SEPARATOR

_PART: Final = re.compile(r"[A-Z][a-z]*")
_WORDS: Final = """
Accepted=同意 Activated=启用 Added=添加 Adjustment=更正 Admission=查看申请 Admitted=准许 Agenda=日程 Announcement=通知
Answered=答复 Arranged=安排 Asked=提出 Attachment=附件 Attendee=参会者 Badge=胸卡 Begun=开始 Booking=预约 Calendar=日历
Call=项目 Cancelled=取消 Changed=改变 Charge=费用 Charged=计费 Checked=签 Cleared=划去 Closed=截止 Co=联合 Confidential=保密内容 Confirmed=确认
Corrected=更正 Decided=决定 Declared=声明 Declined=谢绝 Device=设备 Dispute=异议 Document=资料 Draft=草稿 Drafted=起草 Edited=修改 Ended=结束
Entered=录入 Event=活动 Consent=专家本人的同意 Erased=删除 Expert=专家 Experts=专家 Expired=过期 File=文件 Finished=完成 Free=免费 Funding=资金 Given=给出 Granted=授予 Holiday=节假日 Imported=导入
In=入 Instrument=仪器 Instruments=仪器 Interest=意向 Invitation=邀请 Invited=邀请 Issued=发放 Joined=加入 Keeper=机组 Lapsed=失效
Left=离开 Lexicon=术语表 Listing=记录 Listings=记录 Lowered=降低 Meeting=洽谈 Member=成员 Missed=未到 Moved=改期 Named=指定 Nda=保密约定
Offer=名额 Offered=给出 Opened=提出 Organisation=单位 Organizer=主办方 Out=出 Outage=停机 Outcome=结果 Output=成果产出
Overrun=超时 Pairs=配对 Password=密码 Person=账号 Place=名额 Planned=排定 Problem=难题 Proposed=提议 Publication=发布
Published=发布 Qualification=上机资格 Queued=排队 Quota=额度 Rated=评分 Rating=评分 Read=阅读 Reader=读者 Redemption=兑付
Refused=拒绝 Registered=登记 Registration=报名 Reinstated=恢复 Released=释放 Rematch=全量匹配 Reminder=提醒 Removed=移除
Renewed=换发 Reported=报告 Requested=申请 Restored=恢复 Retired=停用 Returned=退回 Reviewed=审核 Revised=更正 Revoked=撤销
Role=角色 Schedule=排程 Shared=共享 Signed=登 Slot=时段 Solved=解决 Stepped=进展 Submitted=提交 Suspended=停用 Synonym=同义词
Talks=洽谈 Tariff=收费标准 Term=误导词 Terms=词条 Token=令牌 Usage=机时 Use=使用 User=用户 Verdict=评价 Verification=认证
Visit=走访 Voucher=创新券 Waiting=候补 Warned=预警 Weights=权重 Wish=约见意愿 Withdrawn=撤回 Written=写入
"""
_CHINESE: Final = dict(pair.split("=") for pair in _WORDS.split())
# Where the parts of a name mean something else together.
_WHOLE: Final = {
    "TermRemoved": "术语删除",
    "TermsAdded": "术语添加",
    "TermsProposed": "术语提议",
    "TermProposalsDecided": "术语提议决定",
    "SignedIn": "登录",
    "SignedOut": "退出",
    "UserCheckedIn": "用户签到",
    "UserCheckedOut": "用户签退",
}


def called(name: str) -> str:
    """In both languages; a part that has no Chinese word yet stands as it is."""
    parts = _PART.findall(name)
    english = " ".join(parts).capitalize()
    chinese = _WHOLE.get(name) or "".join(_CHINESE.get(part, part) for part in parts)
    return f"{chinese}{SEPARATOR}{english}"


def _kinds(of: type[Fact]) -> Iterator[type[Fact]]:
    for kind in of.__subclasses__():
        if kind.__subclasses__():
            yield from _kinds(kind)
        else:
            yield kind


@cache
def names() -> list[str]:
    """Every kind of fact that the program knows, but for what several have in common (`OfListing`)."""
    ours = (kind for kind in _kinds(Fact) if kind.__module__.startswith("marketplace."))
    return sorted({kind.__name__ for kind in ours if not re.match("Of[A-Z]", kind.__name__)})
