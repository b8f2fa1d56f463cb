"""Letters, read where they are written down."""

import re

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.mail import Letter


async def letters_to(session: AsyncSession, email: str) -> list[Letter]:
    """What was written to an address, the oldest first."""
    found = await session.scalars(select(Letter).where(Letter.to == email).order_by(Letter.at, Letter.id))
    return list(found.all())


async def code_for(session: AsyncSession, email: str) -> str:
    """The code in the latest letter to an address."""
    *_, latest = await letters_to(session, email)
    assert latest.text is not None
    return re.search(r"dj[li]_[\w-]{43}", latest.text)[0]
