"""The words of organisations as people read them."""

from typing import Final

ORGANISATION_KINDS: Final = {
    "university": "高校 · university",
    "institute": "科研院所 · research institute",
    "enterprise": "企业 · enterprise",
    "organizer": "活动主办方 · event organizer",
    "lab": "实验室/仪器中心 · laboratory",
    "broker": "技术经纪/中介 · broker",
    "service_provider": "科技服务机构 · service provider",
    "finance": "金融机构 · finance",
    "government_desk": "主管部门 · government desk",
}
