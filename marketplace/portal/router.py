"""Every page, put together."""

from typing import Final

from fastapi import FastAPI

from marketplace.portal import (
    account,
    assets,
    benefits,
    browse,
    charges,
    coding,
    desk,
    docs,
    event_desk,
    event_door,
    event_writing,
    events,
    home,
    keeping,
    kiosk,
    labs,
    my_bookings,
    my_registrations,
    organisation,
    platform,
    prices,
    readers,
    record,
    redeeming,
    refused,
    registering,
    use,
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
    keeping.router,
    prices.router,
    benefits.router,
    labs.router,
    kiosk.router,
    my_bookings.router,
    use.router,
    use.uploads,
    redeeming.router,
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
    for router in ROUTERS:
        app.include_router(router)
    app.state.page_of = refused.page_of
