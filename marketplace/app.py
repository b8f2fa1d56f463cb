"""The web application, put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakValueDictionary

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from marketplace import schema
from marketplace.achievements.router import router as achievements
from marketplace.audit.router import router as audit
from marketplace.docking.documents_router import ROUTERS as EVENT_DOCUMENTS
from marketplace.docking.event_rankings import Upcoming
from marketplace.docking.event_rankings_router import router as event_rankings
from marketplace.docking.handouts_router import router as handouts
from marketplace.docking.meetings_router import router as meetings
from marketplace.docking.outcomes_router import router as outcomes
from marketplace.docking.papers_router import router as event_papers
from marketplace.docking.registrations_router import router as registrations
from marketplace.docking.router import router as events
from marketplace.docking.schedules_router import router as schedules
from marketplace.docking.wishes_router import router as wishes
from marketplace.experts.router import router as experts
from marketplace.funding.rankings import OpenCalls
from marketplace.funding.rankings_router import router as funding_rankings
from marketplace.funding.router import router as funding
from marketplace.identity import tokens
from marketplace.identity.router import router as identity
from marketplace.imports.router import router as imports
from marketplace.kernel import facts, http, parameters, rate
from marketplace.kernel.codes_router import router as codes
from marketplace.kernel.db import Database
from marketplace.kernel.health import router as health
from marketplace.kernel.operations_router import router as operations
from marketplace.kernel.routing import Addresses, gather
from marketplace.labs.bookings_router import router as bookings
from marketplace.labs.calendars_router import router as calendars
from marketplace.labs.devices_router import router as devices
from marketplace.labs.files_router import router as lab_files
from marketplace.labs.holidays_router import router as holidays
from marketplace.labs.instrument_files_router import router as instrument_files
from marketplace.labs.metering_router import router as metering
from marketplace.labs.oai_router import router as oai
from marketplace.labs.outputs_router import router as outputs
from marketplace.labs.ratings_router import router as ratings
from marketplace.labs.router import router as instruments
from marketplace.labs.usages_router import router as usages
from marketplace.lexicon.router import router as synonyms
from marketplace.lexicon.terms_router import router as terms
from marketplace.money.charges_router import router as charges
from marketplace.money.duplicates_router import router as duplicates
from marketplace.money.reports_router import router as reports
from marketplace.money.statements_router import router as statements
from marketplace.money.tariffs_router import router as tariffs
from marketplace.money.vouchers_router import router as vouchers
from marketplace.pairings.discovery_router import router as term_proposals
from marketplace.pairings.engine import Engine
from marketplace.pairings.experts_router import router as expert_rankings
from marketplace.pairings.rematches_router import router as rematches
from marketplace.pairings.router import router as pairings
from marketplace.personal.router import router as personal
from marketplace.portal import router as portal
from marketplace.problems.router import router as problems
from marketplace.settings import Settings
from marketplace.tuning.router import router as tuning
from marketplace.verdicts.router import router as verdicts
from marketplace.wiring import CALENDARS, LISTENERS, WITHIN
from schemas.base import FieldError, RefusalDocument

log = structlog.get_logger("app")

ROUTERS = (
    achievements,
    problems,
    experts,
    bookings,
    instruments,
    usages,
    ratings,
    devices,
    metering,
    outputs,
    oai,
    lab_files,
    instrument_files,
    holidays,
    calendars,
    events,
    registrations,
    event_papers,
    *EVENT_DOCUMENTS,
    wishes,
    schedules,
    meetings,
    handouts,
    outcomes,
    tariffs,
    charges,
    vouchers,
    statements,
    reports,
    duplicates,
    pairings,
    expert_rankings,
    event_rankings,
    funding,
    funding_rankings,
    verdicts,
    tuning,
    rematches,
    synonyms,
    terms,
    term_proposals,
    audit,
    imports,
    codes,
    identity,
    personal,
    operations,
    health,
)
TOKENS_NOTED_EVERY = 30.0


def create_app(settings: Settings, database: Database) -> FastAPI:
    """An application over this database. Its lifespan starts and stops what runs beside requests."""
    app = FastAPI(
        title="对接 Duijie",
        version="1",
        summary="省校合作与科技大市场 · where universities and industry find each other",
        lifespan=_lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    furnish(app, settings, database)
    facts.listen(LISTENERS, WITHIN)
    gather(app.router, *ROUTERS)
    portal.install(app)
    app.router.middleware_stack = Addresses(app.router)
    http.install(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "Accept-Language"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "Idempotency-Replayed", "X-Request-Id"],
        )
    app.add_middleware(http.Edge, everyone=rate.Limit("everyone", settings.requests_per_minute, 60))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def furnish(app: FastAPI, settings: Settings, database: Database) -> None:
    """Put what requests find at hand into the application's state; its routes do not depend on it."""
    state = app.state
    state.settings, state.database = settings, database
    state.signing_key = settings.signing_key()
    state.schema_version = schema.newest()
    state.actor_of, state.calendars = tokens.actor_of, CALENDARS
    state.tokens_used = {}
    # By person, whose turn it is to send a file.
    state.sending = WeakValueDictionary()
    state.engine = Engine(database, settings.home)
    state.readiness = state.engine.readiness
    state.upcoming = Upcoming()
    state.open_calls = OpenCalls()
    state.matches_limit = rate.Limit("matches", settings.matches_per_minute, 60)
    # A copy of all that is kept of somebody: so many an hour.
    state.copies_limit = rate.Limit("copies", 6, 3600)
    # Codes are short: a kiosk reads so many a minute.
    state.codes_limit = rate.Limit("codes", 30, 60)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as beside:
        tasks = [beside.create_task(_note_tokens(app)), beside.create_task(app.state.engine.follow())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
    await _note_tokens_once(app)


async def _note_tokens(app: FastAPI) -> None:
    while True:
        await asyncio.sleep(TOKENS_NOTED_EVERY)
        await _note_tokens_once(app)


async def _note_tokens_once(app: FastAPI) -> None:
    used, app.state.tokens_used = app.state.tokens_used, {}
    if not used:
        return
    try:
        async with app.state.database.writing.begin() as session:
            await tokens.note_use(session, used)
    except Exception as error:  # noqa: BLE001 -- when a token was last used is a courtesy; serving goes on
        log.warning("token_use_not_noted", because=repr(error))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """OpenAPI that tells the truth: every error is a problem+json document, 422 included."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        parts = made["components"]["schemas"]
        for gone in ("HTTPValidationError", "ValidationError"):
            parts.pop(gone, None)
        for message in (FieldError, RefusalDocument):
            described = message.model_json_schema(ref_template="#/components/schemas/{model}")
            described.pop("$defs", None)
            parts[message.__name__] = described
        document = {
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/RefusalDocument"}}}
        }
        for path, operations_of in made["paths"].items():
            for operation in operations_of.values():
                operation["responses"].pop("422", None)
                for parameter in operation.get("parameters", ()):
                    parameters.without_null(parameter)
                if path.startswith("/api/v1/meters/"):
                    operation["security"] = [{"metering": []}]
                elif "401" in operation["responses"] and operation is not made["paths"]["/api/v1/sessions"]["post"]:
                    operation["security"] = [{"bearer": []}]
                if path.startswith("/api/"):
                    operation["responses"]["default"] = {
                        "description": "任何错误 · any error (RFC 9457)",
                        **document,
                    }
        parts["RefusalDocument"].setdefault("additionalProperties", False)
        made["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "metering": {"type": "apiKey", "in": "header", "name": "Metering-Signature"},
        }
        made["security"] = [{"bearer": []}, {}]
        app.openapi_schema = made
    return app.openapi_schema
