"""Organisations, people and records to begin with, writing out only what matters."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import tokens
from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock
from schemas.identity import OrganisationKind, Role, Scope, TokenKind, Verification
from schemas.uscc import make_check_digit

# "a password for tests", hashed once: argon2 is slow on purpose.
PASSWORD = "a password for tests"
_numbers = itertools.count(1)


def a_uscc(kind: str = "12") -> str:
    """A code with a right check digit that nobody has."""
    first = f"{kind}220100{next(_numbers):09d}"
    return first + make_check_digit(first)


@dataclass
class Somebody:
    """A person with a token, and shortcuts to speak as them."""

    id: UUID
    email: str
    token: str
    client: httpx.AsyncClient
    organisation: Organisation | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, url: str, **more) -> httpx.Response:
        return await self.client.get(url, headers=self.headers | more.pop("headers", {}), **more)

    async def post(self, url: str, json: object = None, **more) -> httpx.Response:
        return await self.client.post(url, json=json, headers=self.headers | more.pop("headers", {}), **more)

    async def put(self, url: str, json: object = None, **more) -> httpx.Response:
        return await self.client.put(url, json=json, headers=self.headers | more.pop("headers", {}), **more)

    async def patch(self, url: str, json: object = None, *, version: int, **more) -> httpx.Response:
        headers = self.headers | {"If-Match": f'"{version}"'} | more.pop("headers", {})
        return await self.client.patch(url, json=json, headers=headers, **more)

    async def delete(self, url: str, **more) -> httpx.Response:
        return await self.client.delete(url, headers=self.headers | more.pop("headers", {}), **more)


class Given:
    def __init__(self, session: AsyncSession, client: httpx.AsyncClient) -> None:
        self.session, self.client = session, client

    async def organisation(
        self,
        *,
        kinds: Sequence[OrganisationKind] = (OrganisationKind.UNIVERSITY,),
        verification: Verification = Verification.VERIFIED,
        name: str | None = None,
        region: str = "220100",
    ) -> Organisation:
        made = Organisation(
            uscc=a_uscc(),
            name=name or f"示例单位{next(_numbers)}",
            kinds=[kind.value for kind in kinds],
            region=region,
            verification=verification,
            verified_at=clock.now() if verification is Verification.VERIFIED else None,
            created_at=clock.now(),
            updated_at=clock.now(),
            version=1,
        )
        self.session.add(made)
        await self.session.commit()
        return made

    async def person(
        self,
        role: Role | None = None,
        at: Organisation | None = None,
        *,
        scope: Scope = Scope.WRITE,
        suspended: bool = False,
        client: httpx.AsyncClient | None = None,
    ) -> Somebody:
        number = next(_numbers)
        now = clock.now()
        person = Person(
            email=f"person{number}@test.example",
            name=f"某人{number}",
            password_hash="unusable",
            confirmed_at=now,
            suspended_at=now if suspended else None,
            created_at=now,
            updated_at=now,
            version=1,
        )
        self.session.add(person)
        await self.session.flush()
        if role is not None:
            self.session.add(Membership(person_id=person.id, organisation_id=at.id if at else None, role=role))
        text, _ = await tokens.issue(
            self.session, person.id, TokenKind.SESSION, name="test", scope=scope, lasts=tokens.SESSION_LASTS
        )
        await self.session.commit()
        return Somebody(person.id, person.email, text, client or self.client, at)

    async def editor(self, at: Organisation | None = None, **more) -> Somebody:
        return await self.person(Role.EDITOR, at or await self.organisation(**more))

    async def university(self) -> Somebody:
        return await self.editor(kinds=(OrganisationKind.UNIVERSITY,))

    async def enterprise(self) -> Somebody:
        return await self.editor(kinds=(OrganisationKind.ENTERPRISE,))

    async def admin(self) -> Somebody:
        return await self.person(Role.PLATFORM_ADMIN)

    async def achievement(self, by: Somebody, *, published: bool = True, **fields) -> dict:
        assert by.organisation is not None
        body = {"title": "固态电解质薄膜制备", "description": "采用流延法制备固态电解质薄膜。"} | fields
        made = await by.post("/api/v1/achievements", body | {"organisation_id": str(by.organisation.id)})
        assert made.status_code == 201, made.text
        if not published:
            return made.json()
        out = await by.post(f"/api/v1/achievements/{made.json()['id']}/publication")
        assert out.status_code == 200, out.text
        return out.json()

    async def problem(self, by: Somebody, *, published: bool = True, **fields) -> dict:
        assert by.organisation is not None
        body = {"title": "电池电解质界面阻抗偏高", "description": "需要降低固态电解质界面阻抗。"} | fields
        made = await by.post("/api/v1/problems", body | {"organisation_id": str(by.organisation.id)})
        assert made.status_code == 201, made.text
        if not published:
            return made.json()
        out = await by.post(f"/api/v1/problems/{made.json()['id']}/publication")
        assert out.status_code == 200, out.text
        return out.json()
