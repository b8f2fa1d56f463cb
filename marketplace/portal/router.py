"""Every page, put together."""

from typing import Final

from fastapi import FastAPI

from marketplace.kernel.routing import gather
from marketplace.portal import (
    account,
    assets,
    benefits,
    browse,
    charges,
    coding,
    desk,
    docs,
    duplicate_check,
    event_desk,
    event_documents,
    event_door,
    event_meetings,
    event_partners,
    event_report,
    event_timetable,
    event_wishes,
    event_writing,
    events,
    home,
    keeping,
    kiosk,
    lab_files,
    labs,
    my_bookings,
    my_calendars,
    my_meetings,
    my_registrations,
    my_wishes,
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
    *lab_files.ROUTERS,
    duplicate_check.router,
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
    # Before the steps of a registration, which take any word.
    my_wishes.router,
    my_meetings.router,
    my_registrations.router,
    event_desk.router,
    event_door.router,
    event_wishes.router,
    event_timetable.router,
    event_meetings.router,
    event_partners.router,
    event_report.router,
    *event_documents.ROUTERS,
    event_writing.router,
    organisation.router,
    platform.router,
    account.router,
    my_calendars.router,
    docs.router,
)


def install(app: FastAPI) -> None:
    """Give the application its pages, and its refusals a page to be told on."""
    gather(app.router, *ROUTERS)
    app.state.page_of = refused.page_of
