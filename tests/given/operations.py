"""Every operation of the API beside a request that is granted to somebody who may.

`{name}` in an example stands for something of the world it is sent into: `{listing_id}`, `{email}`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from tests.given.docking import EVERY_FIELD_OF_A_REGISTRATION, EVERY_FIELD_OF_AN_AGENDA, EVERY_FIELD_OF_AN_EVENT
from tests.given.experts import OF_EXPERTS
from tests.given.files import a_photo
from tests.given.funding import OF_FUNDING
from tests.given.kinds import EVERY_FIELD_OF_A_PROBLEM, EVERY_FIELD_OF_AN_ACHIEVEMENT
from tests.given.labs import EVERY_FIELD_OF_AN_INSTRUMENT
from tests.given.lexicon import LEXICON
from tests.given.money import EVERY_PRICE, WINDOW
from tests.given.people import PASSWORD

API = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CSV = "title,description\n固态电解质,流延法\n".encode()

LOG = "开始时间,结束时间,备注\n2026-03-01 09:00,2026-03-01 10:00,校准\n".encode()


@dataclass(frozen=True)
class Example:
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    file: tuple[str, bytes, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


_ORGANISATION = {
    "name": "示例精密机械厂",
    "name_en": "Example Precision Works",
    "kinds": ["enterprise", "lab"],
    "region": "220104",
    "introduction": "第一段。\n第二段。",
}
_FILTERS = {
    "region": ["220000"],
    "industry": ["C"],
    "discipline": ["430"],
    "trl_min": 1,
    "trl_max": 9,
    "stage": ["pilot"],
    "mode": ["licence"],
    "confirmed_within": 90,
}
_SOURCE = {"organisation_id": "{organisation_id}", "source": "archive", "external_id": "A-1"}
_LISTED = {
    "q": "固态",
    "region": "220000",
    "industry": "C",
    "discipline": "430",
    "mode": "licence",
    "organisation": "{organisation_id}",
    "state": "published",
    "mine": "false",
    "limit": "5",
}
_RANKED = {
    "region": "220000", "industry": "C", "discipline": "430", "trl_min": "1", "trl_max": "9", "stage": "pilot",
    "mode": "licence", "confirmed_within": "90", "limit": "5",
}  # fmt: skip
_PROPOSED = {
    "problem": "018f0000-0000-7000-8000-000000000001", "achievement": "018f0000-0000-7000-8000-000000000002",
    "granted": "true",
}  # fmt: skip
_NOTE = ("notes.txt", "公开的说明".encode(), "text/plain")


def _listing(path: str, every_field: dict[str, Any], narrowed: dict[str, str]) -> dict[str, Example]:
    at = f"{API}/{path}"
    one = f"{at}/{{listing_id}}"
    return {
        f"GET {at}": Example(query=_LISTED | narrowed),
        f"POST {at}": Example(every_field | _SOURCE),
        f"GET {one}": Example(),
        f"PATCH {one}": Example(every_field),
        f"GET {one}/completeness": Example(),
        f"POST {one}/publication": Example(),
        f"POST {one}/review": Example({"approve": True, "note": "可以"}),
        f"POST {one}/withdrawal": Example(),
        f"POST {one}/confirmation": Example(),
        f"GET {one}/revisions": Example(query={"limit": "5"}),
        f"PUT {one}/confidential": Example({"text": "保密的数字", "nda": "不得外传。"}),
        f"GET {one}/confidential": Example(),
        f"GET {one}/confidential/terms": Example(),
        f"POST {one}/confidential/acceptances": Example({"nda": "{nda}"}),
        f"POST {one}/admission-requests": Example({"message": "想了解工艺参数。"}),
        f"GET {one}/readers": Example(query={"limit": "5"}),
        f"POST {one}/readers": Example({"email": "newcomer@test.example"}),
        f"POST {one}/readers/{{admission_id}}/decision": Example({"admit": True, "note": "欢迎"}),
        f"DELETE {one}/readers/{{admission_id}}": Example(),
        f"POST {one}/attachments/{{part}}": Example(file=_NOTE),
        f"DELETE {one}/attachments/{{attachment_id}}": Example(),
        f"GET {one}/attachments/{{attachment_id}}": Example(),
        f"GET {one}/near-duplicates": Example(query={"limit": "5"}),
        f"GET {one}/pairings": Example(query=_RANKED),
        f"GET {one}/similar": Example(query=_RANKED),
        f"GET {one}/pairings/{{other_id}}": Example(),
        f"GET {one}/proposals": Example(query={"granted": "true", "limit": "5"}),
        f"GET {one}/pairings/{{other_id}}/verdict": Example(),
        f"PUT {one}/pairings/{{other_id}}/verdict": Example(
            {"grade": 3, "misleading": ["固态"], "note": "只有材料相同。"}
        ),
        f"DELETE {one}/pairings/{{other_id}}/verdict": Example(),
    }


def _tuning() -> dict[str, Example]:
    wish = {
        "kind": "problem", "grade": "2", "organisation": "{organisation_id}", "listing": "{listing_id}", "term": "固态",
    }  # fmt: skip
    done = {
        "name": "ListingPublished", "by": "{person_id}", "organisation": "{organisation_id}", "record": "{listing_id}",
        "since": "2026-01-01T00:00:00Z", "until": "2199-01-01T00:00:00Z",
    }  # fmt: skip
    terms, models = f"{API}/misleading-terms", f"{API}/matching-models"
    return {
        f"GET {API}/verdicts": Example(query=wish | {"limit": "5"}),
        f"GET {API}/verdicts.xlsx": Example(query=wish),
        f"GET {API}/facts": Example(query=done | {"limit": "5"}),
        f"GET {API}/facts.xlsx": Example(query=done),
        f"GET {API}/facts.csv": Example(query=done),
        f"GET {models}": Example(query={"limit": "5"}),
        f"POST {models}": Example(),
        f"GET {models}/{{model_id}}": Example(),
        f"POST {models}/{{model_id}}/activation": Example(),
        f"GET {terms}": Example(query={"lowering": "true", "limit": "5"}),
        f"GET {terms}/{{term_id}}/verdicts": Example(query={"limit": "5"}),
        f"POST {terms}/{{term_id}}/striking-out": Example({"reason": "本行业正是要找它。"}),
        f"POST {terms}/{{term_id}}/restoration": Example(),
    }


def _labs() -> dict[str, Example]:
    at = f"{API}/instruments"
    one = f"{at}/{{instrument_id}}"
    return {
        f"GET {at}": Example(
            query={
                "q": "试验机", "kind": "instrument", "class_code": "02", "region": "220000",
                "organisation": "{organisation_id}", "publicly_funded": "false", "state": "published", "mine": "false",
                "free_from": "2027-03-02T09:00:00+08:00", "free_until": "2027-03-02T12:00:00+08:00", "limit": "5",
            }
        ),
        f"POST {at}": Example(EVERY_FIELD_OF_AN_INSTRUMENT | {"organisation_id": "{organisation_id}"}),
        f"GET {one}": Example(),
        f"PATCH {one}": Example(EVERY_FIELD_OF_AN_INSTRUMENT),
        **_tuning(),
        f"GET {API}/rematches": Example(query={"limit": "5"}),
        f"POST {API}/rematches": Example(
            {"proposals": 5, "places": 3, "floor": 1, "by_organisation": False, "unfit": False, "depth": 50}
        ),
        f"GET {API}/rematches/{{rematch_id}}": Example(),
        f"POST {API}/rematches/{{rematch_id}}/cancellation": Example(),
        f"GET {API}/rematches/{{rematch_id}}/proposals": Example(query=_PROPOSED | {"limit": "5"}),
        f"GET {API}/rematches/{{rematch_id}}/proposals.xlsx": Example(query=_PROPOSED),
        f"GET {API}/rematches/{{rematch_id}}/proposals.csv": Example(query=_PROPOSED),
        f"GET {API}/synonyms": Example(query={"q": "电池", "limit": "5"}),
        f"POST {API}/synonyms": Example({"spellings": ["辊道窑", "辊底炉"]}),
        f"DELETE {API}/synonyms/{{synonym_id}}": Example(),
        **{operation: Example(**more) for operation, more in LEXICON.items()},
        f"GET {API}/holidays": Example(query={"limit": "5"}),
        f"PUT {API}/holidays/{{day}}": Example({"name": "国庆节", "follows": 1}),
        f"DELETE {API}/holidays/{{day}}": Example(),
        f"GET {API}/instrument-catalogue.xlsx": Example(query={"kind": "instrument", "mine": "false"}),
        f"POST {one}/files/{{purpose}}": Example(form={"alt": "正面"}, file=("正面.png", a_photo(), "image/png")),
        f"GET {one}/files/{{file_id}}": Example(),
        f"GET {one}/files/{{file_id}}/preview": Example(),
        f"PATCH {one}/files/{{file_id}}": Example({"alt": "侧面", "place": 1}),
        f"DELETE {one}/files/{{file_id}}": Example(),
        f"GET {one}/core-metadata": Example(query={"format": "json"}),
        f"GET {API}/instrument-core-metadata": Example(
            query={"updated_since": "2026-01-01T00:00:00+08:00", "updated_until": "2199-01-01T00:00:00+08:00", "deleted": "true", "limit": "5"}
        ),
        f"POST {one}/usage-log": Example(file=("log.csv", LOG, "text/csv")),
        f"POST {one}/publication": Example(),
        f"POST {one}/retirement": Example(),
        f"GET {one}/availability": Example(
            query={"since": "2027-03-01T00:00:00+08:00", "until": "2027-04-01T00:00:00+08:00"}
        ),
        f"GET {one}/keepers": Example(query={"limit": "5"}),
        f"POST {one}/keepers": Example({"email": "{keeper_email}"}),
        f"DELETE {one}/keepers/{{person_id}}": Example(),
        f"GET {one}/outages": Example(query={"limit": "5"}),
        f"POST {one}/outages": Example(
            {"starts_at": "2027-03-01T00:00:00+08:00", "ends_at": "2027-03-02T00:00:00+08:00", "reason": "年检"}
        ),
        f"POST {one}/outages/{{outage_id}}/end": Example(),
        f"GET {one}/devices": Example(query={"limit": "5"}),
        f"POST {one}/devices": Example({"kind": "kiosk", "name": "一号楼 101 门口"}),
        f"DELETE {one}/devices/{{device_id}}": Example(),
        f"GET {one}/meter-events": Example(query={"limit": "5"}),
        f"POST {API}/meters/{{device_id}}/events": Example(
            {"events": [{"id": "2026-1", "kind": "run", "at": "{ran}", "until": "{ran_until}", "samples": 3}]}
        ),
        f"GET {one}/outputs": Example(query={"year": "2026", "kind": "paper", "limit": "5"}),
        f"POST {one}/outputs": Example(
            {
                "kind": "patent", "title": "一种夹具", "number": "ZL202010123456.2", "year": 2026,
                "usage_id": "{usage_id}",
            }
        ),
        f"DELETE {API}/outputs/{{output_id}}": Example(),
        f"GET {one}/qualifications": Example(query={"limit": "5"}),
        f"POST {one}/qualifications": Example(
            {"email": "newcomer@test.example", "expires_on": "2027-12-31", "note": "已培训"}
        ),
        f"DELETE {one}/qualifications/{{qualification_id}}": Example(),
    } | _bookings()  # fmt: skip


_WISH = {
    "instrument_id": "{instrument_id}", "organisation_id": "{organisation_id}", "starts_at": "{soon}",
    "ends_at": "{soon_until}", "purpose": "三点弯曲试验", "assisted": False, "answers": ["三件"],
}  # fmt: skip
_USED = {"preparation_minutes": 10, "run_minutes": 60, "processing_minutes": 5, "samples": 3}


def _bookings() -> dict[str, Example]:
    at, line, used = f"{API}/bookings", f"{API}/waiting-list", f"{API}/usages"
    one, usage = f"{at}/{{booking_id}}", f"{used}/{{usage_id}}"
    return {
        f"GET {at}": Example(
            query={"instrument": "{instrument_id}", "state": "confirmed", "kept": "false", "limit": "5"}
        ),
        f"POST {at}": Example(_WISH | {"waive": ["too_short"], "for_email": None}),
        f"POST {API}/booking-series": Example(
            _WISH | {"waive": ["too_short"], "for_email": None, "weeks": 2, "skip_what_fails": True}
        ),
        f"GET {one}": Example(),
        f"PATCH {one}": Example({"purpose": "四点弯曲试验", "answers": ["四件"]}),
        f"GET {one}/revisions": Example(query={"limit": "5"}),
        f"POST {one}/approval": Example({"note": "请带样品。", "waive": ["too_short"]}),
        f"POST {one}/refusal": Example({"note": "当日检修。"}),
        f"POST {one}/move": Example({"starts_at": "{later}", "ends_at": "{later_until}", "waive": ["too_short"]}),
        f"POST {one}/cancellation": Example({"note": "样品未到。"}),
        f"POST {one}/check-in": Example(),
        f"POST {one}/check-out": Example({"preparation_minutes": 0, "processing_minutes": 0, "samples": 3}),
        f"GET {one}/code": Example(),
        f"POST {one}/rating": Example({"stars": 5, "text": "很好用。"}),
        f"GET {API}/instruments/{{instrument_id}}/ratings": Example(query={"limit": "5"}),
        f"POST {API}/ratings/{{rating_id}}/answer": Example({"answer": "谢谢。"}),
        f"GET {API}/calendars": Example(query={"limit": "5"}),
        f"POST {API}/calendars": Example({"kind": "instrument", "instrument_id": "{instrument_id}"}),
        f"DELETE {API}/calendars/{{calendar_id}}": Example(),
        f"GET {API}/calendars/{{secret}}.ics": Example(),
        f"GET {line}": Example(query={"instrument": "{instrument_id}", "limit": "5"}),
        f"POST {line}": Example(_WISH | {"starts_at": "{busy}", "ends_at": "{busy_until}"}),
        f"POST {line}/{{waiting_id}}/acceptance": Example(),
        f"DELETE {line}/{{waiting_id}}": Example(),
        f"GET {used}": Example(
            query={"instrument": "{instrument_id}", "kept": "false", "asked": "false", "limit": "5"}
        ),
        f"POST {used}": Example(
            _USED
            | {
                "instrument_id": "{instrument_id}", "booking_id": None, "organisation_id": "{organisation_id}",
                "starts_at": "2026-03-01T09:00:00+08:00", "ends_at": "2026-03-01T10:15:00+08:00", "assisted": True,
                "note": "委托检测",
            }
        ),
        f"POST {API}/usage-previews": Example(
            _USED
            | {
                "instrument_id": "{instrument_id}", "booking_id": None, "organisation_id": "{organisation_id}",
                "starts_at": "2026-03-01T09:00:00+08:00", "ends_at": "2026-03-01T10:15:00+08:00", "assisted": True,
                "note": "委托检测",
            }
        ),
        f"GET {usage}": Example(),
        f"GET {usage}/cuts": Example(),
        f"POST {usage}/withdrawal": Example({"reason": "日期填错。"}),
        f"GET {usage}/evidence": Example(query={"limit": "5"}),
        f"GET {usage}/adjustments": Example(query={"limit": "5"}),
        f"POST {usage}/adjustments": Example(_USED | {"reason": "多记了半小时。"}),
        f"POST {usage}/adjustments/{{adjustment_id}}/decision": Example({"accept": True, "note": "同意"}),
    }  # fmt: skip


def _money() -> dict[str, Example]:
    instrument, charges = f"{API}/instruments/{{instrument_id}}", f"{API}/charges"
    one = f"{charges}/{{charge_id}}"
    statement, sharing = f"{API}/statements/{{organisation_id}}/{{month}}", f"{API}/reports/open-sharing"
    return {
        f"GET {instrument}/tariffs": Example(query={"limit": "5"}),
        f"POST {instrument}/tariffs": Example(
            {
                "effective_from": "2199-01-01", "prices": EVERY_PRICE, "windows": [WINDOW], "late_cancel_percent": 50,
                "accepts_vouchers": True,
            }
        ),
        f"POST {instrument}/quotes": Example(
            {
                "organisation_id": "{organisation_id}", "starts_at": "{soon}", "ends_at": "{soon_until}",
                "assisted": True, "samples": 3,
            }
        ),
        f"GET {instrument}/free-quotas": Example(query={"limit": "5"}),
        f"POST {instrument}/free-quotas": Example(
            {"year": 2199, "yearly_hours": 1400, "percent": 10, "customers": ["province_firm"]}
        ),
        f"GET {charges}": Example(
            query={
                "organisation": "{organisation_id}", "instrument": "{instrument_id}", "kept": "false", "year": "2026",
                "disputed": "false", "limit": "5",
            }
        ),
        f"GET {one}": Example(),
        f"GET {one}/entries": Example(query={"limit": "5"}),
        f"POST {one}/adjustments": Example({"comes_to": "100.00", "reason": "多计了一小时。"}),
        f"POST {one}/waiver": Example({"reason": "设备故障。"}),
        f"GET {one}/disputes": Example(query={"limit": "5"}),
        f"POST {one}/disputes": Example({"reason": "只用了一小时。"}),
        f"POST {one}/disputes/{{dispute_id}}/answer": Example({"accept": True, "comes_to": "90.00", "answer": "属实。"}),
        f"GET {API}/vouchers": Example(query={"organisation": "{organisation_id}", "limit": "5"}),
        f"POST {API}/vouchers": Example(
            {
                "organisation_id": "{organisation_id}", "number": "JL-1", "amount": "5000.00", "share_percent": 50,
                "settlement": "firm_redeems", "valid_until": "2199-12-31", "programme": "科技创新券",
            }
        ),
        f"GET {API}/vouchers/{{voucher_id}}": Example(),
        f"GET {API}/vouchers/{{voucher_id}}/moves": Example(query={"limit": "5"}),
        f"GET {API}/statements": Example(query={"limit": "5"}),
        f"GET {statement}": Example(),
        f"GET {statement}.xlsx": Example(),
        f"GET {statement}.pdf": Example(),
        f"GET {statement}/entries": Example(query={"limit": "5"}),
        f"GET {sharing}": Example(
            query={"year": "2026", "by": "instrument", "organisation": "{organisation_id}", "limit": "5"}
        ),
        f"GET {sharing}.xlsx": Example(
            query={"year": "2026", "by": "instrument", "organisation": "{organisation_id}"}
        ),
        f"GET {sharing}/{{instrument_id}}/usages": Example(query={"year": "2026", "external": "true", "limit": "5"}),
        f"GET {sharing}/{{instrument_id}}/organisations": Example(query={"year": "2026", "limit": "5"}),
        f"GET {API}/reports/utilisation/{{instrument_id}}": Example(
            query={"since": "2026-03-01", "until": "2026-03-31", "by": "weekday"}
        ),
        f"GET {API}/reports/utilisation/{{instrument_id}}/usages": Example(
            query={
                "since": "2026-03-01", "until": "2026-03-31", "by": "weekday", "weekday": "1", "hour": "9", "limit": "5",
            }
        ),
        f"GET {API}/reports/duplicates": Example(
            query={
                "class_code": "02", "region": "220000", "year": "2026", "longitude": "125.3", "latitude": "43.8",
                "datum": "gcj02", "within_km": "100", "limit": "5",
            }
        ),
        f"GET {API}/reports/duplicates.xlsx": Example(
            query={
                "class_code": "02", "region": "220000", "year": "2026", "longitude": "125.3", "latitude": "43.8",
                "datum": "gcj02", "within_km": "100",
            }
        ),
        f"GET {API}/reports/duplicates/{{instrument_id}}/usages": Example(query={"year": "2026", "limit": "5"}),
        f"GET {API}/redemptions": Example(query={"limit": "5"}),
        f"POST {API}/redemptions": Example({"voucher_id": "{voucher_id}", "charge_id": "{charge_id}"}),
        f"POST {API}/redemptions/{{redemption_id}}/decision": Example({"pay": True, "note": "已核对。"}),
        f"POST {API}/redemptions/{{redemption_id}}/return": Example({"note": "已到账。"}),
        f"GET {API}/redemptions/{{redemption_id}}/corrections": Example(query={"limit": "5"}),
    }  # fmt: skip


def _docking() -> dict[str, Example]:
    at = f"{API}/events"
    one = f"{at}/{{event_id}}"
    return {
        f"GET {at}": Example(
            query={
                "q": "对接", "kind": "docking", "format": "onsite", "state": "open", "region": "220000",
                "organisation": "{organisation_id}", "starts_from": "2026-01-01T00:00:00+08:00",
                "starts_until": "2199-12-31T00:00:00+08:00", "mine": "false", "limit": "5",
            }
        ),
        f"POST {at}": Example(EVERY_FIELD_OF_AN_EVENT | {"organisation_id": "{organisation_id}"}),
        f"GET {one}": Example(),
        f"PATCH {one}": Example(EVERY_FIELD_OF_AN_EVENT),
        f"POST {one}/state": Example({"to": "cancelled", "reason": "场地停电。"}),
        f"POST {one}/clones": Example({"title": "第二届", "starts_at": "2199-06-01T01:00:00Z"}),
        f"GET {one}/agenda": Example(),
        f"PUT {one}/agenda": Example(EVERY_FIELD_OF_AN_AGENDA),
        f"PUT {one}/organizers/{{partner_id}}": Example({"role": "undertaker", "runs_desk": True}),
        f"DELETE {one}/organizers/{{partner_id}}": Example(),
        f"GET {one}/documents": Example(query={"limit": "5"}),
        f"POST {one}/documents": Example(form={"audience": "participants"}, file=_NOTE),
        f"GET {one}/documents/{{document_id}}": Example(),
        f"DELETE {one}/documents/{{document_id}}": Example(),
        f"GET {one}/reminder-terms": Example(),
        f"PUT {one}/reminder-terms": Example({"before_hours": 48, "rate_after": True, "half_year_after": False}),
    } | _registrations(one) | _wishes(one) | _meetings(one)  # fmt: skip


def _registrations(event: str) -> dict[str, Example]:
    at = f"{API}/registrations"
    one = f"{at}/{{registration_id}}"
    return {
        f"GET {at}": Example(query={"limit": "5"}),
        f"GET {one}": Example(),
        f"PATCH {one}": Example(EVERY_FIELD_OF_A_REGISTRATION),
        f"POST {one}/approval": Example({"note": "欢迎。", "wait": True}),
        f"POST {one}/refusal": Example({"note": "名额已满。"}),
        f"POST {one}/cancellation": Example({"note": "改期。"}),
        f"POST {one}/acceptance": Example(),
        f"POST {one}/people/{{attendee_id}}/badge": Example(),
        f"GET {event}/registrations": Example(
            query={
                "q": "某人",
                "kind": "enterprise",
                "state": "requested",
                "region": "220000",
                "industry": "36",
                "limit": "5",
            }
        ),
        f"POST {event}/registrations": Example(
            EVERY_FIELD_OF_A_REGISTRATION | {"organisation_id": "{organisation_id}", "kind": "enterprise", "wait": True}
        ),
        f"GET {one}/badges.pdf": Example(),
        f"GET {event}/badges.pdf": Example(query={"kind": "enterprise"}),
        f"GET {event}/participants.pdf": Example(query={"kind": "enterprise", "state": "requested"}),
        f"GET {event}/participants.xlsx": Example(query={"kind": "enterprise", "state": "requested"}),
        f"GET {event}/check-ins": Example(query={"region": "220100", "industry": "none", "limit": "5"}),
        f"POST {event}/check-ins": Example({"code": "{badge}", "door": "东门"}),
        f"GET {event}/presence": Example(),
        f"GET {event}/announcements": Example(query={"limit": "5"}),
        f"POST {event}/announcements": Example(
            {"subject": "停车", "text": "请停北区。", "states": ["confirmed"], "kinds": ["enterprise"]}
        ),
    }


def _wishes(event: str) -> dict[str, Example]:
    mine = f"{API}/registrations/{{registration_id}}"
    return {
        f"GET {mine}/participants": Example(query={"q": "单位", "kind": "enterprise", "limit": "5"}),
        f"GET {mine}/wishes": Example(query={"answer": "must", "open": "false", "asked": "false", "limit": "5"}),
        f"POST {mine}/wishes": Example({"other_id": "{other_id}", "answer": "must"}),
        f"PUT {mine}/wishes/{{other_id}}": Example({"answer": "no_thanks"}),
        f"DELETE {mine}/wishes/{{other_id}}": Example(),
        f"GET {event}/wish-terms": Example(),
        f"PUT {event}/wish-terms": Example({"outstanding_most": 5, "answer_hours": 48}),
        f"POST {event}/proposals": Example(),
        f"GET {event}/wishes": Example(
            query={"q": "单位", "asked": "false", "mutual": "false", "region": "220000", "industry": "C", "limit": "5"}
        ),
        f"PUT {event}/wishes/{{wish_id}}/visit": Example({"table_id": "{table_id}", "slots": 2}),
        f"DELETE {event}/wishes/{{wish_id}}/visit": Example(),
    }


def _meetings(event: str) -> dict[str, Example]:
    draft, at = f"{API}/schedules/{{schedule_id}}", f"{API}/meetings"
    one = f"{at}/{{meeting_id}}"
    wish = {"name": "初稿", "planning": "fewest_moves", "late": "fill", "fill": False, "seconds": 5, "seed": 7}
    return {
        f"GET {event}/schedules": Example(query={"limit": "5"}),
        f"POST {event}/schedules": Example(wish),
        f"GET {draft}": Example(),
        f"GET {draft}/meetings": Example(query={"limit": "5"}),
        f"GET {draft}/unplaced": Example(query={"limit": "5"}),
        f"GET {draft}/comparison/{{other_id}}": Example(),
        f"POST {draft}/publications": Example({"kind": "final"}),
        f"GET {event}/publications": Example(query={"limit": "5"}),
        f"POST {event}/publications/{{publication_id}}/undoing": Example(),
        f"GET {at}": Example(
            query={"event": "{event_id}", "registration": "{registration_id}", "state": "planned",
                   "table": "{table_id}", "region": "220000", "industry": "C", "limit": "5"}
        ),
        f"POST {event}/meetings": Example(
            {"first_id": "{first_id}", "second_id": "{second_id}", "slot_id": "{slot_id}", "table_id": "{table_id}"}
        ),
        f"GET {one}": Example(),
        f"PATCH {one}": Example({"slot_id": "{slot_id}", "table_id": "{table_id}"}),
        f"POST {one}/swap": Example({"other_id": "{other_id}"}),
        f"POST {one}/cancellation": Example({"note": "出差。"}),
        f"POST {one}/confirmation": Example(),
        f"POST {one}/no-show": Example({"absent": ["{first_id}"]}),
        f"GET {API}/registrations/{{registration_id}}/meetings.ics": Example(query={"person": "{attendee_id}"}),
        f"GET {event}/meetings.ics": Example(),
        f"GET {event}/table-plan": Example(),
        f"GET {event}/table-plan.pdf": Example(),
        f"GET {event}/door-list.pdf": Example(),
        f"GET {event}/schedules.pdf": Example(),
        f"GET {API}/registrations/{{registration_id}}/meetings.pdf": Example(query={"person": "{attendee_id}"}),
        f"GET {event}/report": Example(),
        f"GET {event}/report.xlsx": Example(),
        f"PUT {API}/registrations/{{registration_id}}/meetings/{{meeting_id}}/outcomes/{{stage}}": Example(
            {"result": "agreement_reached", "stars": 5, "signed_yuan": "120000.00", "note": "试制一批。"}
        ),
        f"POST {API}/registrations/{{registration_id}}/meetings/{{meeting_id}}/interest": Example(
            {"note": "联合开发。"}
        ),
        f"GET {API}/outcomes": Example(
            query={"event": "{event_id}", "stage": "right_after", "result": "agreement_reached", "region": "220000",
                   "industry": "36", "limit": "5"}
        ),
        f"GET {API}/interests": Example(
            query={"event": "{event_id}", "region": "none", "industry": "none", "limit": "5"}
        ),
        f"GET {event}/door-list": Example(),
        f"GET {event}/table-plan.xlsx": Example(),
    }  # fmt: skip


_ORG = f"{API}/organisations/{{organisation_id}}"

EXAMPLES: dict[str, Example] = {
    "GET /healthz": Example(),
    "GET /readyz": Example(),
    "GET /metrics": Example(),
    f"GET {API}/codes/{{table}}": Example(query={"q": "制造", "level": "division", "under": "C", "limit": "5"}),
    f"GET {API}/codes/{{table}}/{{code}}": Example(),
    f"POST {API}/sessions": Example({"email": "{signer}", "password": PASSWORD}),
    f"GET {API}/sessions": Example(),
    f"DELETE {API}/sessions/current": Example(),
    f"DELETE {API}/sessions/{{token_id}}": Example(),
    f"POST {API}/tokens": Example({"name": "夜间同步", "scope": "read", "days": 30}),
    f"POST {API}/people": Example({"email": "somebody@test.example", "name": "王某", "locale": "en"}),
    f"POST {API}/people/confirmations": Example({"token": "{confirmation}", "password": "ten characters"}),
    f"POST {API}/password-resets": Example({"email": "{signer}"}),
    f"POST {API}/password-resets/completions": Example({"token": "{reset}", "password": "ten characters"}),
    f"POST {API}/me/password": Example({"current": PASSWORD, "new": "ten characters"}),
    f"GET {API}/me": Example(),
    f"GET {API}/me/data": Example(),
    f"PATCH {API}/me": Example({"name": "李某", "phone": "+86 431 8888 0000", "locale": "en"}),
    f"POST {API}/me/memberships": Example({"token": "{invitation}"}),
    f"POST {API}/people/{{person_id}}/suspension": Example({"reason": "账号被盗"}),
    f"POST {API}/people/{{person_id}}/reinstatement": Example({"reason": "已找回"}),
    f"GET {API}/organisations": Example(
        query={"q": "示例", "kind": "university", "region": "220100", "verification": "verified", "mine": "false",
               "limit": "5"}
    ),
    f"POST {API}/organisations": Example({"uscc": "{uscc}"} | _ORGANISATION),
    f"GET {_ORG}": Example(),
    f"PATCH {_ORG}": Example(_ORGANISATION),
    f"GET {_ORG}/verification": Example(),
    f"POST {_ORG}/verification": Example({"evidence": "营业执照，编号 1"}),
    f"POST {_ORG}/verification/decisions": Example({"decision": "suspend", "reason": "核查"}),
    f"GET {_ORG}/members": Example(query={"limit": "5"}),
    f"PATCH {_ORG}/members/{{membership_id}}": Example({"role": "lab_manager"}),
    f"DELETE {_ORG}/members/{{membership_id}}": Example(),
    f"GET {_ORG}/invitations": Example(query={"limit": "5"}),
    f"POST {_ORG}/invitations": Example({"email": "newcomer@test.example", "role": "viewer"}),
    f"DELETE {_ORG}/invitations/{{invitation_id}}": Example(),
    f"GET {API}/operations/{{operation_id}}": Example(),
    f"POST {API}/operations/{{operation_id}}/cancellation": Example(),
    **_listing("achievements", EVERY_FIELD_OF_AN_ACHIEVEMENT, {"trl_min": "1", "trl_max": "9", "stage": "pilot"}),
    **_listing("problems", EVERY_FIELD_OF_A_PROBLEM, {"bounty": "true"}),
    f"GET {API}/problems/{{listing_id}}/instruments": Example(query={"region": "220000", "limit": "5"}),
    f"GET {API}/problems/{{listing_id}}/events": Example(query={"region": "220000", "industry": "C", "limit": "5"}),
    f"GET {API}/achievements/{{listing_id}}/events": Example(query={"region": "220000", "industry": "C", "limit": "5"}),
    f"POST {API}/event-matches": Example({"text": "固态电解质", "side": "problem", "region": ["220000"], "industry": ["C"], "limit": 5}),
    **{operation: Example(**told) for operation, told in OF_FUNDING.items()},
    f"POST {API}/problems/{{listing_id}}/talks": Example(),
    f"POST {API}/problems/{{listing_id}}/solution": Example(),
    **{operation: Example(**told) for operation, told in OF_EXPERTS.items()},
    f"GET {API}/experts/{{expert_id}}/problems": Example(query=_RANKED),
    **_labs(),
    **_money(),
    **_docking(),
    f"POST {API}/matches": Example(
        {"text": "固态电解质", "kind": "achievement", "limit": 5, "filters": _FILTERS, "read_as": "report"}
    ),
    f"POST {API}/imports": Example(
        form={
            "kind": "achievement", "organisation_id": "{organisation_id}", "source": "archive", "dry_run": "true",
            "partial": "false", "publish": "false",
        },
        file=("records.csv", CSV, "text/csv"),
    ),
    f"GET {API}/imports": Example(query={"limit": "5"}),
    f"GET {API}/imports/{{import_id}}/rows": Example(query={"limit": "5"}),
    f"POST {API}/imports/{{import_id}}/undo": Example(),
    f"POST {API}/imports/{{import_id}}/confirmation": Example({"partial": True, "publish": False}),
    f"GET {API}/imports/template": Example(query={"kind": "problem"}),
}  # fmt: skip


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of everything the API's document lists."""
    for path, described in app.openapi()["paths"].items():
        for method in METHODS:
            if method.lower() in described:
                yield method, path, described[method.lower()]


def says_version(described: Mapping[str, Any]) -> bool:
    """Whether the operation asks which version is changed."""
    return any(one["in"] == "header" and one["name"].lower() == "if-match" for one in described.get("parameters", ()))


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """The example with `{name}`s replaced by what they stand for."""
    if isinstance(value, str):
        if value.startswith("{") and value.endswith("}") and value[1:-1] in names:
            return names[value[1:-1]]
        return value
    if isinstance(value, Mapping):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    return value


def address(path: str, names: Mapping[str, Any]) -> str:
    """The path with its parameters filled in."""
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path
