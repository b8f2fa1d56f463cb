"""Which fact wakes which job, which jobs there are, and when the clock wakes one. All on one screen."""

from collections.abc import Mapping

from marketplace.identity import jobs as identity_jobs
from marketplace.kernel import mail
from marketplace.kernel.facts import Listeners
from marketplace.kernel.jobs import Handler

LISTENERS: Listeners = {}

JOBS: Mapping[str, Handler] = {
    mail.DELIVER: mail.deliver,
    "identity.sweep": identity_jobs.sweep,
}

SCHEDULES: Mapping[str, str] = {
    "identity.sweep": "17 * * * *",
}
