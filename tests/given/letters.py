"""Letters: the jobs that write them, and where they are written down."""

import json
import re

from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from marketplace.wiring import JOBS


async def letters_to(session: AsyncSession, email: str) -> list[Letter]:
    """What was written to an address, the oldest first."""
    found = await session.scalars(select(Letter).where(Letter.to == email).order_by(Letter.at, Letter.id))
    return list(found.all())


async def run_what_waits(job: str, app: FastAPI, database: Database, session: AsyncSession) -> None:
    """The jobs of that name that facts woke, in their order, as a worker would; the others are thrown away."""
    place = Place(database, app.state.settings)
    waiting = (await session.execute(text("select entrypoint, payload from pgqueuer order by id"))).all()
    for name, payload in waiting:
        if name == job:
            # At least once is what a queue promises: each runs twice.
            for _ in range(2):
                await JOBS[name](place, json.loads(payload))
    await session.execute(text("delete from pgqueuer"))
    await session.commit()


async def code_for(session: AsyncSession, email: str) -> str:
    """The code in the latest letter to an address."""
    *_, latest = await letters_to(session, email)
    assert latest.text is not None
    return re.search(r"dj[li]_[\w-]{43}", latest.text)[0]
