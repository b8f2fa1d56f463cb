"""Where transactions begin and end, and how the database is reached."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg
import structlog
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from starlette.responses import Response

from marketplace.kernel import bell, idempotency, parameters
from marketplace.kernel.actor import asking
from marketplace.kernel.refusals import (
    Conflict,
    Invalid,
    Refusal,
    TooMany,
    TooSlow,
    Unavailable,
    broken_constraint,
)
from marketplace.kernel.strict_json import StrictRequest
from marketplace.settings import Settings
from schemas.base import shows_a_secret

RETRIED: Final = {"40P01", "40001"}
CONNECT_SECONDS = 3
POOL_SECONDS = 3
LOCK_SECONDS = 4
IDLE_SECONDS = 30
COMMAND_SECONDS = 6
BODY_SECONDS = 120
FILES_AT_ONCE = 3

OF_THE_DATABASE = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
    OSError,
)

Answer = TypeVar("Answer")
log = structlog.get_logger("db")


class Database:
    """The two ways to PostgreSQL: `writing` (one transaction) and `reading` (single statements, refused to write).

    Statements that only read run in AUTOCOMMIT on connections whose default is read-only: that saves the BEGIN and
    COMMIT round trips, and a write that strays into a reading route fails in PostgreSQL instead of being lost.
    """

    def __init__(self, url: str, *, pool_size: int = 10, name: str = "duijie") -> None:
        self.url = url
        self.leaving: set[asyncio.Task[Any]] = set()
        common: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": POOL_SECONDS,
            "pool_pre_ping": False,
            "pool_use_lifo": True,
            # An error's text goes to the log; what somebody wrote does not.
            "hide_parameters": True,
        }
        limits = {
            "application_name": name,
            "timezone": "UTC",
            "statement_timeout": str(COMMAND_SECONDS * 1000),
            "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000),
            "lock_timeout": str(LOCK_SECONDS * 1000),
            # A server of somebody's own compiles what looks dear to it; for short statements that takes longer than they.
            "jit": "off",
        }
        reach = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        self.writing_engine = create_async_engine(url, connect_args=reach | {"server_settings": limits}, **common)
        self.reading_engine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args=reach | {"server_settings": limits | {"default_transaction_read_only": "on"}},
            **common,
        )
        self.bell = bell.Bell(self.writing_engine)
        self.writing = async_sessionmaker(self.writing_engine, expire_on_commit=False, info={bell.KEY: self.bell})
        self.reading = async_sessionmaker(self.reading_engine, expire_on_commit=False)

    @classmethod
    def on(cls, url: str, sessions: async_sessionmaker[AsyncSession]) -> "Database":
        """A database whose every transaction is made by `sessions`."""
        made = cls.__new__(cls)
        made.url, made.leaving = url, set()
        made.writing = made.reading = sessions
        return made

    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        return self.writing_engine, self.reading_engine

    async def within(self, seconds: float, work: Coroutine[Any, Any, Answer]) -> Answer:
        """What comes of `work`, or a refusal when the time is over; whatever holds it up is left to end by itself.

        Even to give up takes its time with a database that has fallen silent: nobody waits for that.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=max(seconds, 0))
        finally:
            if not task.done():
                task.cancel()
                self.leaving.add(task)
                task.add_done_callback(self._left)
        if not task.done():
            raise Unavailable
        return task.result()

    def _left(self, task: asyncio.Task[Any]) -> None:
        self.leaving.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.info("given_up", because=type(task.exception()).__name__)

    async def close(self) -> None:
        await self.bell.close()
        if self.leaving:
            await asyncio.wait(self.leaving, timeout=CONNECT_SECONDS)
        for engine in self.engines():
            await engine.dispose()


def sqlstate(error: BaseException) -> str | None:
    """The five-character code PostgreSQL gave, wherever the driver wrapped it."""
    cause: BaseException | None = getattr(error, "orig", error)
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
        cause = cause.__cause__
    return None


def _of_the_driver(error: BaseException) -> BaseException:
    """What asyncpg raised, out of SQLAlchemy's two wrappings."""
    wrapped = getattr(error, "orig", error)
    return wrapped.__cause__ or wrapped if isinstance(error, DBAPIError) else error


def lost(error: BaseException) -> bool:
    """Whether the connection broke under us; a new one may well work."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = _of_the_driver(error)
    if isinstance(cause, (ConnectionError, asyncpg.InternalClientError)):
        return True
    state = sqlstate(error) or ""
    return state[:2] == "08" or state in {"57P01", "57P02", "57P05", "25P03"}


def gone(error: BaseException) -> bool:
    """Whether the database could not be reached, or went away in mid-sentence, or has no room for us now."""
    if isinstance(error, PoolTimeout) or lost(error):
        return True
    cause = _of_the_driver(error)
    if isinstance(cause, asyncpg.InterfaceError):
        # A value that the driver cannot send is ours, not the connection's.
        return not isinstance(cause, asyncpg.DataError)
    if isinstance(cause, (TimeoutError, OSError)):
        return True
    state = sqlstate(error) or ""
    # 57P03 starting up, 57014 statement timeout, 53 out of something, 55P03 lock wait
    return state[:2] == "53" or state in {"57P03", "57014", "55P03"}


def _unstorable(error: BaseException) -> bool:
    """Whether a value is outside what its column holds."""
    return (sqlstate(error) or "").startswith("22") or isinstance(_of_the_driver(error), asyncpg.DataError)


@contextlib.asynccontextmanager
async def apart(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A short transaction beside a request's own, which stands whatever becomes of that one."""
    bind = session.bind
    async with (
        AsyncSession(
            bind,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={bell.KEY: session.info.get(bell.KEY)},
        ) as other,
        other.begin(),
    ):
        yield other


class _Try:
    """One attempt at a request, and whether its outcome can still be told from the database's silence."""

    committing = False


class TransactionRoute(APIRoute):
    """One request, one transaction, committed before the first byte of the answer leaves.

    The answer is rendered inside the transaction, so that a failing answer undoes the change, and a repeat under the
    same `Idempotency-Key` can be given the very same bytes.
    """

    reads_are_logged = False
    # Whether the caller has to be somebody before the body is read at all.
    asks_first = False
    # Whether parameters that the route does not know are let through.
    takes_any_parameter = False

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        """How long a body may be."""
        return settings.body_limit

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        reading = not self.reads_are_logged and self.methods is not None and self.methods <= {"GET", "HEAD"}
        takes = parameters.known(self.dependant)
        secret = shows_a_secret(self.response_model)

        async def once(request: Request, attempt: _Try) -> Response:
            database: Database = request.app.state.database
            request.scope.pop("duijie.after_commit", None)
            async with (database.reading if reading else database.writing)() as session:
                request.state.session = session
                try:
                    if reading:
                        return await handler(request)
                    response = await idempotency.recall(session, request)
                    if response is None:
                        response = await handler(request)
                        await idempotency.keep(session, request, response, secret=secret)
                    attempt.committing = True
                    await session.commit()
                finally:
                    # A session that is used after this would take a connection and never give it back.
                    request.state.session = None
            for afterwards in request.scope.get("duijie.after_commit", ()):
                try:
                    afterwards()
                except Exception:
                    log.exception("after_commit_failed")
            return response

        async def in_one_transaction(request: Request) -> Response:
            if not self.takes_any_parameter:
                parameters.check(request, takes)
            settings: Settings = request.app.state.settings
            database: Database = request.app.state.database
            whole = StrictRequest(request.scope, request.receive)
            async with contextlib.AsyncExitStack() as held:
                if self.asks_first:
                    who = await _in_time(database, settings.request_deadline, lambda _: _somebody(request, database))
                    await held.enter_async_context(_in_turn(request, who))
                if not reading:
                    # Before a connection is taken: a slow sender keeps nobody waiting but himself.
                    try:
                        async with asyncio.timeout(BODY_SECONDS):
                            await whole.read(self.most_bytes(settings))
                    except TimeoutError as error:
                        raise TooSlow from error
                return await _in_time(
                    database,
                    settings.request_deadline,
                    lambda attempt: once(whole if reading else whole.again(), attempt),
                )

        return in_one_transaction


async def _in_time(database: Database, seconds: float, once: Callable[[_Try], Coroutine[Any, Any, Answer]]) -> Answer:
    """What comes of `once`, tried a second time where that can help; a database's error as the refusal it comes to."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    first, second = _Try(), _Try()
    for attempt in (first, second):
        try:
            return await database.within(end - loop.time(), once(attempt))
        except OF_THE_DATABASE as error:
            if attempt is first and _may_be_tried_again(error, attempt):
                await asyncio.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- jitter, not a secret
                continue
            refusal = _told(error)
            if refusal is None:
                raise
            raise refusal from error
    raise AssertionError  # pragma: no cover -- the second attempt returns or raises


async def _somebody(request: Request, database: Database) -> UUID:
    """Who calls; refused when nobody knows. The transaction itself asks once more: much can happen while a file is sent."""
    async with database.reading() as session:
        request.state.session = session
        try:
            return (await asking(request)).person
        finally:
            request.state.session = request.state.actor = None


@contextlib.asynccontextmanager
async def _in_turn(request: Request, who: UUID) -> AsyncIterator[None]:
    """So many files of one person are held at a time, each at twice its length of memory; the next one waits, unread."""
    turns: WeakValueDictionary[UUID, asyncio.Semaphore] = request.app.state.sending
    turn = turns.setdefault(who, asyncio.Semaphore(FILES_AT_ONCE))
    try:
        await asyncio.wait_for(turn.acquire(), BODY_SECONDS)
    except TimeoutError:
        raise TooMany(headers={"Retry-After": "1"}) from None
    try:
        yield
    finally:
        turn.release()


def _may_be_tried_again(error: Exception, attempt: _Try) -> bool:
    """Whether the same request could well go through now, and cannot have gone through before."""
    if sqlstate(error) in RETRIED or isinstance(_of_the_driver(error), asyncpg.InvalidCachedStatementError):
        return True
    return lost(error) and not attempt.committing


def _told(error: Exception) -> Refusal | None:
    """The refusal that a database's error comes to; None when it is our own mistake."""
    state = sqlstate(error)
    if state in RETRIED or gone(error):
        return Unavailable()
    if _unstorable(error):
        return Invalid("有一个值超出可保存的范围。 · A value is outside what can be stored.")
    if isinstance(error, (IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        # Two who did the same at once, and a verb that did not foresee it: the promise held, the log says where.
        log.error("constraint_not_foreseen", constraint=broken_constraint(error), sqlstate=state)
        return Conflict()
    return None


class LoggedReadRoute(TransactionRoute):
    """A GET that writes down who read: the reading and its record stand or fall together."""

    reads_are_logged = True


class UploadRoute(TransactionRoute):
    """A POST that brings a file. What strangers send is not read, nor too much of anybody's at once: it would fill the
    memory."""

    asks_first = True

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        return settings.upload_limit


async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


# Both are the session that `TransactionRoute` opened; the name says what the route's method allows.
Reading = Annotated[AsyncSession, Depends(_session)]
Writing = Annotated[AsyncSession, Depends(_session)]


def after_commit(request: Request, call: Callable[[], None]) -> None:
    """Do something in this process once the request's transaction stands; nothing that must not be lost."""
    request.scope.setdefault("duijie.after_commit", []).append(call)
