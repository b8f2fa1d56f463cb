"""The words of docking as people read them, on pages, in files and on paper."""

from typing import Final

from schemas.meetings import Ground, PlaceView

EVENT_KINDS: Final = {
    "docking": "供需对接 · matchmaking",
    "invite_in": "请进来 · guests invited",
    "go_out": "走出去 · visiting others",
    "roadshow": "项目路演 · roadshow",
    "producer_seller": "产销对接 · producers and sellers",
    "producer_buyer": "产需对接 · producers and buyers",
    "bank_enterprise": "银企对接 · banks and enterprises",
    "fair": "展会 · fair",
}
EVENT_FORMATS: Final = {"onsite": "线下 · on site", "online": "线上 · online", "hybrid": "线上线下结合 · hybrid"}
EVENT_STATES: Final = {
    "draft": "草稿 · draft",
    "published": "即将报名 · registration to come",
    "open": "报名中 · open for registration",
    "closed": "报名截止 · registration closed",
    "scheduled": "已排程 · scheduled",
    "running": "进行中 · running",
    "ended": "已结束 · ended",
    "followed_up": "已跟进 · followed up",
    "cancelled": "已取消 · cancelled",
}
PARTICIPANTS: Final = {
    "enterprise": "企业 · enterprise",
    "academic": "高校院所 · university or institute",
    "expert": "专家 · expert",
    "finance": "金融投资机构 · finance",
    "broker": "技术转移与服务机构 · broker or service provider",
    "government": "政府部门 · government",
    "visitor": "观众 · visitor",
}
ORGANIZER_ROLES: Final = {
    "host": "联合主办 · co-host",
    "undertaker": "承办 · organized by",
    "assistant": "协办 · with the help of",
    "supporter": "支持单位 · supported by",
}
SPOKEN: Final = {
    "zh": "中文 · Chinese",
    "en": "英语 · English",
    "ru": "俄语 · Russian",
    "ja": "日语 · Japanese",
    "ko": "韩语 · Korean",
    "de": "德语 · German",
    "fr": "法语 · French",
    "es": "西班牙语 · Spanish",
}
SESSION_KINDS: Final = {
    "meetings": "一对一洽谈 · one-to-one meetings",
    "plenary": "大会 · plenary",
    "roadshow": "路演 · roadshow",
    "visit": "参观 · visit",
    "break": "休息 · break",
}
QUESTION_KINDS: Final = {
    "line": "一行文字 · a line",
    "text": "一段文字 · a text",
    "number": "整数 · a whole number",
    "yes_no": "是或否 · yes or no",
    "choice": "单选 · one of these",
    "choices": "多选 · some of these",
    "day": "日期 · a day",
}
REGISTRATION_STATES: Final = {
    "requested": "待审核 · waiting for approval",
    "waiting": "候补中 · in the line",
    "offered": "已留位，待确认 · a place is held",
    "confirmed": "已确认 · confirmed",
    "refused": "未通过 · not accepted",
    "declined": "已放弃 · declined",
    "expired": "未及时确认 · not taken in time",
    "cancelled": "已取消 · cancelled",
}
MEETING_STATES: Final = {
    "planned": "已安排 · planned",
    "held": "已洽谈 · held",
    "no_show": "爽约 · no-show",
    "cancelled": "已取消 · cancelled",
}


GROUNDS: Final = {Ground.RECOMMENDED: "由系统推荐 · proposed by the system"}


def spot(place: PlaceView, *, with_venue: bool = True) -> str:
    """Where a meeting is, in the words of the agenda."""
    return " ".join(part for part in (place.venue if with_venue else None, place.room, place.table) if part)
