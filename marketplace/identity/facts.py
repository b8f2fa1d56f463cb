from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class PersonRegistered(Fact):
    person_id: UUID


@dataclass(frozen=True, slots=True)
class PersonConfirmed(Fact):
    person_id: UUID


@dataclass(frozen=True, slots=True)
class SignedIn(Fact):
    person_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class SignedOut(Fact):
    token_id: UUID


@dataclass(frozen=True, slots=True)
class TokenIssued(Fact):
    token_id: UUID
    scope: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Fact):
    person_id: UUID


@dataclass(frozen=True, slots=True)
class PersonSuspended(Fact):
    person_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PersonReinstated(Fact):
    person_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PersonEdited(Fact):
    person_id: UUID
    fields: list[str]


@dataclass(frozen=True, slots=True)
class OrganisationRegistered(Fact):
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class OrganisationEdited(Fact):
    organisation_id: UUID
    before: dict[str, object]
    after: dict[str, object]


@dataclass(frozen=True, slots=True)
class VerificationRequested(Fact):
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class VerificationDecided(Fact):
    organisation_id: UUID
    decision: str
    verification: str
    reason: str
    version: int


@dataclass(frozen=True, slots=True)
class MemberInvited(Fact):
    organisation_id: UUID
    invitation_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class InvitationRevoked(Fact):
    organisation_id: UUID
    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class MemberJoined(Fact):
    organisation_id: UUID | None
    person_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class MemberRoleChanged(Fact):
    organisation_id: UUID
    person_id: UUID
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MemberLeft(Fact):
    organisation_id: UUID | None
    person_id: UUID
