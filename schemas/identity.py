"""Organisations, people, and what each may do."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from schemas.base import FieldError, Message, ShownOnce
from schemas.codes import RegionCode
from schemas.text import Line, Name, Text, Whole
from schemas.uscc import Uscc


class OrganisationKind(StrEnum):
    UNIVERSITY = "university"
    INSTITUTE = "institute"
    ENTERPRISE = "enterprise"
    ORGANIZER = "organizer"
    LAB = "lab"
    BROKER = "broker"
    SERVICE_PROVIDER = "service_provider"
    FINANCE = "finance"
    GOVERNMENT_DESK = "government_desk"


class Verification(StrEnum):
    UNVERIFIED = "unverified"
    SUBMITTED = "submitted"
    VERIFIED = "verified"
    SUSPENDED = "suspended"


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ORGANISATION_ADMIN = "organisation_admin"
    LAB_MANAGER = "lab_manager"
    ORGANIZER = "organizer"
    BROKER = "broker"
    PLATFORM_ADMIN = "platform_admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    READ_OWN = "read_own"
    WRITE_RECORDS = "write_records"
    READ_CONFIDENTIAL = "read_confidential"
    MANAGE_MEMBERS = "manage_members"
    EDIT_ORGANISATION = "edit_organisation"
    MANAGE_LABS = "manage_labs"
    MANAGE_VOUCHERS = "manage_vouchers"
    MANAGE_EVENTS = "manage_events"
    BROKER_DEALS = "broker_deals"
    VERIFY_ORGANISATIONS = "verify_organisations"
    REVIEW_RECORDS = "review_records"
    SUSPEND_PEOPLE = "suspend_people"
    KEEP_HOLIDAYS = "keep_holidays"
    KEEP_LEXICON = "keep_lexicon"
    TUNE_RANKING = "tune_ranking"
    READ_ALL = "read_all"
    READ_AUDIT = "read_audit"
    RUN_REMATCHES = "run_rematches"


class Scope(StrEnum):
    """How far a token reaches."""

    READ = "read"
    WRITE = "write"


class TokenKind(StrEnum):
    SESSION = "session"
    PERSONAL = "personal"


def _email(value: str) -> str:
    lowered = value.lower()
    local, at, domain = lowered.rpartition("@")
    if (
        not at
        or not local
        or len(local) > 64  # RFC 5321
        or any(c.isspace() or c in '<>()[],;:\\"@' for c in local)
        or not domain.isascii()
        or "." not in domain
        or any(not label or label[0] == "-" or label[-1] == "-" for label in domain.split("."))
        or not all(c.isalnum() or c in "-." for c in domain)
        or not local.isascii()
        or "" in local.split(".")  # a dot stands between two parts
    ):
        raise PydanticCustomError(
            "email", "请填写电子邮箱，例如 name@example.com · write an e-mail address such as name@example.com"
        )
    return lowered


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"

Email = Annotated[
    str,
    Line(254, least=3),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email", "pattern": rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_LABEL}$"}),
]


def _secret_text(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("text_expected", "请填写文字 · write this as text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text_not_unicode", "含有残缺的字符 · half of a character pair is missing") from None
    if "\0" in value:
        raise PydanticCustomError("text_with_nul", "不能含有空字符 (NUL) · the NUL character is not allowed")
    return value


_WITHOUT_NUL = {"pattern": r"^[^\u0000]*$"}
Password = Annotated[
    SecretStr, BeforeValidator(_secret_text), Field(min_length=1, max_length=200, json_schema_extra=_WITHOUT_NUL)
]
NewPassword = Annotated[
    SecretStr,
    BeforeValidator(_secret_text),
    Field(
        min_length=10,
        max_length=200,
        description="10 至 200 个字符 · 10 to 200 characters",
        json_schema_extra=_WITHOUT_NUL,
    ),
]
TokenText = Annotated[str, Line(200)]
Phone = Annotated[str, Line(40)]
Locale = Annotated[str, Field(pattern="^(zh|en)$")]
Kinds = Annotated[list[OrganisationKind], Field(min_length=1, max_length=9)]


class OrganisationNew(Message):
    uscc: Uscc
    name: Name
    name_en: Annotated[str, Line(200)] | None = None
    kinds: Kinds
    region: RegionCode
    introduction: Annotated[str, Text(2000)] | None = None


class OrganisationPatch(Message):
    name: Name = Field(default=None, validate_default=False)  # type: ignore[assignment]
    name_en: Annotated[str, Line(200)] | None = None
    kinds: Kinds = Field(default=None, validate_default=False)  # type: ignore[call-overload]
    region: RegionCode = Field(default=None, validate_default=False)  # type: ignore[assignment]
    introduction: Annotated[str, Text(2000)] | None = None


class OrganisationCard(Message):
    """An organisation as it stands beside a record."""

    id: UUID
    name: str
    verification: Verification


class OrganisationView(Message):
    id: UUID
    uscc: str
    name: str
    name_en: str | None
    kinds: list[OrganisationKind]
    region: str
    introduction: str | None
    verification: Verification
    verified_at: AwareDatetime | None
    warnings: Annotated[list[FieldError], Field(description="what is unusual, though not wrong")] = []
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class VerificationRequest(Message):
    evidence: Annotated[str, Text(4000)]


class VerificationWish(StrEnum):
    VERIFY = "verify"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


class VerificationDecision(Message):
    decision: VerificationWish
    reason: Annotated[str, Text(2000)]


class VerificationView(Message):
    version: int
    verification: Verification
    evidence: str | None
    reason: str | None
    decided_by: UUID | None
    verified_at: AwareDatetime | None


class SignIn(Message):
    email: Email
    password: Password


class SignedInView(Message):
    token: ShownOnce
    expires_at: AwareDatetime
    person_id: UUID


class Registration(Message):
    email: Email
    name: Name
    locale: Locale = "zh"


class Accepted(Message):
    """The same answer whether or not the address is known here."""

    message: str


class Confirmation(Message):
    token: TokenText
    password: NewPassword


class PasswordForgotten(Message):
    email: Email


class PasswordReset(Message):
    token: TokenText
    password: NewPassword


class PasswordChange(Message):
    current: Password
    new: NewPassword


class MembershipView(Message):
    id: UUID
    organisation: OrganisationCard | None
    role: Role
    since: AwareDatetime


class Me(Message):
    id: UUID
    email: str
    name: str
    phone: str | None
    locale: str
    version: int
    memberships: list[MembershipView]


class MePatch(Message):
    name: Name = Field(default=None, validate_default=False)  # type: ignore[assignment]
    phone: Phone | None = None
    locale: Locale = Field(default=None, validate_default=False)  # type: ignore[assignment]


class MemberView(Message):
    id: UUID
    person_id: UUID
    name: str
    email: str
    role: Role
    since: AwareDatetime
    version: int


def _of_an_organisation(role: Role) -> Role:
    if role in {Role.PLATFORM_ADMIN, Role.AUDITOR}:
        raise PydanticCustomError(
            "platform_role", "平台角色不能由单位授予 · an organisation cannot give a role of the platform"
        )
    return role


OrganisationRole = Annotated[Role, AfterValidator(_of_an_organisation)]


class InvitationNew(Message):
    email: Email
    role: OrganisationRole


class InvitationView(Message):
    id: UUID
    email: str
    role: Role
    created_at: AwareDatetime
    expires_at: AwareDatetime


class InvitationToken(Message):
    token: TokenText


class MembershipTaken(Message):
    id: UUID
    organisation_id: UUID
    role: Role


class MembershipPatch(Message):
    role: OrganisationRole


class TokenNew(Message):
    name: Name
    scope: Scope = Scope.READ
    days: Annotated[int, Whole(1, 366)] = 90


class TokenView(Message):
    id: UUID
    kind: TokenKind
    name: str
    scope: Scope
    created_at: AwareDatetime
    expires_at: AwareDatetime
    last_used_at: AwareDatetime | None


class TokenMade(TokenView):
    token: ShownOnce


class SuspensionNew(Message):
    reason: Annotated[str, Text(2000)]
