"""How one kind of record looks on the wire: which messages carry it, and how a row becomes one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import etag
from marketplace.kernel.actor import Actor
from marketplace.listings import records
from marketplace.listings.bodies import written
from marketplace.listings.models import Listing, Revision
from marketplace.settings import Review
from schemas.listings import AttachmentView, ListingBody, ListingCard, ListingRevision, ListingView, Part

L = TypeVar("L", bound=Listing)
V = TypeVar("V", bound=ListingView)


@dataclass(frozen=True, slots=True)
class Shape(Generic[L, V]):
    """One kind: its table, and the messages that its routes speak."""

    cls: type[L]
    body: type[ListingBody]
    view: type[V]
    revision: type[ListingRevision]

    async def shown(self, session: AsyncSession, listing: L, actor: Actor, response: Response) -> V:
        """The public part as the actor may see it; whom to ask is for people who are signed in."""
        etag.stamp(response, listing.version)
        files = await records.attachments(session, listing.id, Part.PUBLIC)
        values = {name: getattr(listing, name) for name in _SHOWN}
        values |= written(listing, self.body)
        values["attachments"] = [AttachmentView.model_validate(file) for file in files]
        if actor.person_id is None:
            values["contact"] = None
        return self.view.model_validate(values)

    def past(self, revision: Revision) -> ListingRevision:
        """What a record said once, in the words of the wire."""
        then = self.cls(**revision.body)
        return self.revision.model_validate(
            {
                "version": revision.version,
                "at": revision.at,
                "by": revision.by,
                "body": written(then, self.body),
            }
        )


_SHOWN = [*ListingCard.model_fields, "source", "external_id", "state_note"]


def fresh_for(request: Request) -> timedelta:
    """How long a confirmation holds on this platform."""
    return timedelta(days=request.app.state.settings.freshness_days)


def reviewed_first(request: Request) -> bool:
    """Whether this platform looks at records before they are published."""
    return bool(request.app.state.settings.review is Review.PLATFORM)
