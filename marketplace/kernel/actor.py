"""Who is asking, and what their roles let them do where."""

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from marketplace.kernel.refusals import Forbidden, NotSignedIn
from schemas.identity import Permission, Scope, TokenKind


class AccountSuspended(Forbidden):
    """此账号已停用，请联系平台管理员。 · This account is suspended; ask the platform's administrator."""


class ReadOnlyToken(Forbidden):
    """此令牌只能读取。 · This token may only read."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller. Nobody (`person_id is None`) may still read what is public."""

    person_id: UUID | None = None
    email: str | None = None
    token_id: UUID | None = None
    kind: TokenKind | None = None
    scope: Scope = Scope.WRITE
    suspended: bool = False
    # By permission: the organisations in which the actor's roles carry it.
    where: dict[Permission, frozenset[UUID]] = field(default_factory=dict)
    platform: frozenset[Permission] = frozenset()

    def organisations_where(self, permission: Permission) -> frozenset[UUID]:
        return self.where.get(permission, frozenset())

    def may(self, permission: Permission, organisation_id: UUID) -> bool:
        return permission in self.platform or organisation_id in self.organisations_where(permission)

    @property
    def person(self) -> UUID:
        """The person's id, where a verb is only ever called for somebody signed in."""
        if self.person_id is None:
            raise NotSignedIn
        return self.person_id


NOBODY = Actor()


async def asking(request: Request) -> Actor:
    """Who asks, when they may ask at all."""
    actor: Actor = await request.app.state.actor_of(request.state.session, request)
    if actor.suspended:
        raise AccountSuspended
    return actor


async def _signed_in(request: Request) -> Actor:
    actor = await asking(request)
    if actor.person_id is None:
        raise NotSignedIn
    if actor.scope is Scope.READ and request.method not in {"GET", "HEAD"}:
        raise ReadOnlyToken
    return actor


Anyone = Annotated[Actor, Depends(asking)]
SignedIn = Annotated[Actor, Depends(_signed_in)]
