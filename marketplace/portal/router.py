"""Every page, put together."""

from typing import Final

from fastapi import FastAPI

from marketplace.kernel.routing import gather
from marketplace.portal import (
    account,
    assets,
    browse,
    charges,
    coding,
    desk,
    docs,
    duplicate_check,
    event_desk,
    event_door,
    event_writing,
    events,
    home,
    lab_files,
    labs,
    my_bookings,
    my_registrations,
    organisation,
    platform,
    readers,
    record,
    refused,
    registering,
    writing,
    yearly,
)

ROUTERS: Final = (
    assets.router,
    home.router,
    browse.router,
    *record.ROUTERS,
    coding.router,
    desk.router,
    *writing.ROUTERS,
    *readers.ROUTERS,
    *lab_files.ROUTERS,
    duplicate_check.router,
    labs.router,
    my_bookings.router,
    charges.router,
    yearly.router,
    events.router,
    registering.router,
    my_registrations.router,
    event_desk.router,
    event_door.router,
    event_writing.router,
    organisation.router,
    platform.router,
    account.router,
    docs.router,
)


def install(app: FastAPI) -> None:
    """Give the application its pages, and its refusals a page to be told on."""
    gather(app.router, *ROUTERS)
    app.state.page_of = refused.page_of
