"""The words of wishes, timetables, meetings and what came of them, as pages say them."""

from typing import Final

WISH_ANSWERS: Final = {
    "must": "必须见 · must meet",
    "meet": "愿意见 · would meet",
    "no_thanks": "不见 · no thanks",
}
ASKED: Final = {
    "must": "对方必须见您 · they must meet you",
    "meet": "对方想见您 · they would like to meet you",
}
SIDE_ASKS: Final = {"must": "必须见 · must", "meet": "愿意见 · would like to"}
PLANNINGS: Final = {
    "anew": "全部重排 · everything anew",
    "fixed": "已公布的不动，只排其余 · what is published stays, the rest is planned",
    "fewest_moves": "已公布的尽量少动 · as few published meetings moved as possible",
}
LATE_JOINERS: Final = {
    "leave_out": "不排 · left out",
    "fill": "只补空位 · fill what is empty",
    "like_others": "与他人一样 · like everybody else",
}
PUBLISHINGS: Final = {"preliminary": "预公布 · preliminary", "final": "正式公布 · final"}
GROUNDS: Final = {
    "agreed": "双方都想见 · both asked for it",
    "asked": "一方提出 · one side asked for it",
    "recommended": "由系统推荐 · proposed by the system",
}
MEETING_SOURCES: Final = {"schedule": "排程 · planned ahead", "walk_in": "现场约谈 · made on the spot"}
WHY_NOT: Final = {
    "no_common_language": "没有共同语言 · they have no language in common",
    "hosts_apart": "双方各有固定桌 · both stay at a table of their own",
    "no_common_slot": "没有双方都在的场次 · no slot in which both are there",
    "no_table_open": "那些场次没有开放的桌子 · no table is open in their slots",
    "fixed_meetings": "被已公布的洽谈占住 · held up by meetings that are published",
    "floor": "为保底让位 · gave way to the promised number of meetings",
    "maximum_reached": "一方已到最多场数 · one of the two has all the meetings they take",
    "no_table_left": "没有空桌 · no table is left",
    "people_busy": "双方没有同时空闲的场次 · the two are never free at once",
    "search_ended": "计算时间用完 · the time to look for it ran out",
    "not_agreed": "只有一方提出 · only one side asked for it",
}
GOALS: Final = {
    "floor": "保底场数 · the promised number of meetings",
    "value": "约见价值 · worth of the wishes",
    "moved": "改动已公布的 · published meetings moved",
    "idle": "空等场次 · idle slots between two meetings",
    "changes": "换桌次数（换房间再计一次） · changes of table (one more for a change of room)",
}
PROOFS: Final = {"optimal": "已证明最优 · proven optimal", "gap": "尚有差距 · within a gap"}
OPERATION_STATES: Final = {
    "waiting": "等待计算 · waiting",
    "running": "计算中 · being computed",
    "done": "已完成 · done",
    "failed": "未算出 · no result",
    "cancelled": "已取消 · cancelled",
}
OUTCOME_STAGES: Final = {"right_after": "洽谈后 · right after", "later": "半年后 · half a year later"}
RESULTS: Final = {
    "no_further_contact": "不再联系 · no further contact",
    "knowledge_gained": "有所收获 · knowledge gained",
    "valuable_contact": "有价值的联系 · a valuable contact",
    "negotiation_started": "已开始商谈 · negotiation started",
    "agreement_reached": "已达成协议 · agreement reached",
}
NUMBERS: Final = {
    "meetings": "洽谈 · meetings",
    "wishes": "有人提出的约见 · pairs asked for",
    "placed": "其中排上的 · of them placed",
    "one_sided": "一方提出、为保底 · for the promise, asked by one side",
    "recommended": "系统推荐、为保底 · for the promise, proposed by the system",
    "participants": "参会方 · participants",
    "floor_reached": "达到保底的 · reach the promised number",
    "moved": "改动已公布的 · published ones moved",
    "idle_slots": "空等场次 · idle slots",
    "table_changes": "换桌 · changes of table",
    "room_changes": "换房间 · changes of room",
}
AUDIENCES: Final = {
    "everybody": "所有人 · everybody",
    "participants": "已确认的参会者 · confirmed participants",
    "desk": "仅主办方 · the organizers alone",
}
