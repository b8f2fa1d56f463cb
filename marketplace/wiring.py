"""Which fact wakes which job, which jobs there are, and when the clock wakes one. All on one screen."""

from collections.abc import Mapping

from marketplace.identity import jobs as identity_jobs
from marketplace.imports import jobs as import_jobs
from marketplace.kernel import mail
from marketplace.kernel.facts import Listeners
from marketplace.kernel.jobs import Handler
from marketplace.listings import jobs as listing_jobs

LISTENERS: Listeners = {}

JOBS: Mapping[str, Handler] = {
    mail.DELIVER: mail.deliver,
    "identity.sweep": identity_jobs.sweep,
    "imports.run": import_jobs.run,
    "imports.sweep": import_jobs.sweep,
    "listings.expire": listing_jobs.expire,
    "listings.remind": listing_jobs.remind,
}

SCHEDULES: Mapping[str, str] = {
    "identity.sweep": "17 * * * *",
    "imports.sweep": "*/15 * * * *",
    "listings.expire": "*/10 * * * *",
    "listings.remind": "30 1 * * *",
}
