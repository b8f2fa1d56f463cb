"""`/api/v1/me/data`: a copy of what is kept of you."""

from fastapi import APIRouter, Request, Response

from marketplace.kernel import clock
from marketplace.kernel.actor import SignedIn
from marketplace.kernel.db import Reading, TransactionRoute
from marketplace.kernel.refusals import NotSignedIn, TooMany, problems
from marketplace.personal import copies
from schemas.personal import PersonalData

router = APIRouter(prefix="/api/v1", tags=["identity"], route_class=TransactionRoute)


@router.get("/me/data", responses=problems(NotSignedIn, TooMany))
async def my_data(session: Reading, actor: SignedIn, request: Request, response: Response) -> PersonalData:
    """个人信息副本 · What the platform keeps of you, by kind, without passwords and secrets. A few times an hour."""
    request.app.state.copies_limit.spend(str(actor.person))
    response.headers["Content-Disposition"] = 'attachment; filename="duijie-personal-data.json"'
    response.headers["Cache-Control"] = "no-store"
    return await copies.of(session, actor, clock.now())
