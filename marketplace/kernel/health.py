"""Is it alive, can it serve, what does it count."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from marketplace.kernel.db import Database
from marketplace.kernel.refusals import Unavailable
from schemas.base import Message

router = APIRouter(tags=["health"])

# Whoever balances load asks often and waits briefly.
PATIENCE = 2.0


class Alive(Message):
    status: str = "ok"


class Ready(Message):
    status: str = "ok"
    schema_version: str
    index: dict[str, dict[str, object]]


@router.get("/healthz")
async def alive() -> Alive:
    """The process answers. It asks nothing of the database, so a silent database cannot silence it."""
    return Alive()


@router.get("/readyz")
async def ready(request: Request) -> Ready:
    """The database answers with the schema this program knows, and the ranking is loaded."""
    state = request.app.state
    database: Database = state.database

    async def ask() -> str | None:
        async with database.reading() as session:
            version: str | None = await session.scalar(text("select version_num from alembic_version"))
            return version

    version = await database.within(PATIENCE, ask())
    index: dict[str, dict[str, object]] = state.readiness()
    if version != state.schema_version:
        raise Unavailable(
            f"数据库结构为 {version}，程序需要 {state.schema_version}。请运行 duijie migrate。"
            f" · The schema is at {version}, this program needs {state.schema_version}. Run: duijie migrate"
        )
    if not all(part["loaded"] for part in index.values()):
        raise Unavailable("匹配索引正在载入。 · The ranking is still being loaded.")
    return Ready(schema_version=version, index=index)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
