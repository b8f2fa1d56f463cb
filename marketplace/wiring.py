"""Which fact wakes which job, which jobs there are, and when the clock wakes one. All on one screen."""

from collections.abc import Mapping

from marketplace.docking import facts as docking
from marketplace.docking import feeds, meeting_facts, meetings, planning, proposing
from marketplace.docking import jobs as docking_jobs
from marketplace.experts import facts as experts
from marketplace.experts import jobs as expert_jobs
from marketplace.funding import jobs as funding_jobs
from marketplace.identity import facts as identity
from marketplace.identity import jobs as identity_jobs
from marketplace.imports import jobs as import_jobs
from marketplace.imports import remembering
from marketplace.kernel import mail
from marketplace.kernel.facts import Listeners, Within
from marketplace.kernel.jobs import Handler
from marketplace.labs import calendars
from marketplace.labs import facts as labs
from marketplace.labs import jobs as lab_jobs
from marketplace.listings import facts as listings
from marketplace.listings import jobs as listing_jobs
from marketplace.money import charging
from marketplace.money import facts as money
from marketplace.money import jobs as money_jobs
from marketplace.pairings import discovery, rematch_job
from marketplace.verdicts import lessons

LISTENERS: Listeners = {
    # What the platform or an owner decided: whoever waits for it is told.
    identity.VerificationDecided: ("identity.tell_verification", "funding.organisation_changed"),
    # What asks for a new verification hides what the organisation offers.
    identity.OrganisationEdited: ("funding.organisation_changed",),
    listings.ListingReviewed: ("listings.tell_review",),
    listings.AdmissionAsked: ("listings.tell_admission",),
    listings.ReaderAdmitted: ("listings.tell_admission",),
    listings.AdmissionRefused: ("listings.tell_admission",),
    # What gives time back on an instrument: whoever waits for it is offered it.
    labs.BookingCancelled: ("labs.promote", "labs.invite"),
    labs.BookingMoved: ("labs.promote", "labs.invite"),
    labs.BookingReleased: ("labs.promote", "labs.invite"),
    labs.BookingRefused: ("labs.promote",),
    # What holds or no longer does: the calendar of whoever booked is told.
    labs.BookingConfirmed: ("labs.invite",),
    labs.BookingEdited: ("labs.invite",),
    labs.OfferDeclined: ("labs.promote",),
    labs.OfferExpired: ("labs.promote",),
    labs.OutageEnded: ("labs.promote",),
    # What is owed back of a voucher, or came back: whoever was paid is told.
    money.RedemptionCorrected: ("money.tell_owed",),
    money.RedemptionReturned: ("money.tell_owed",),
    # Whoever registered is told what became of it; what gives places back has them offered to those who wait.
    docking.RegistrationRequested: ("docking.tell",),
    docking.RegistrationQueued: ("docking.tell", "docking.promote"),
    docking.RegistrationConfirmed: ("docking.tell",),
    docking.RegistrationRefused: ("docking.tell", "docking.promote"),
    docking.RegistrationCancelled: ("docking.tell", "docking.promote"),
    docking.RegistrationEdited: ("docking.promote",),
    docking.PlaceOffered: ("docking.tell",),
    docking.PlaceDeclined: ("docking.tell", "docking.promote"),
    docking.PlaceLapsed: ("docking.tell", "docking.promote"),
    docking.EventEdited: ("docking.promote",),
    docking.AnnouncementWritten: ("docking.announce",),
    # Those who meet are told when and where: all of them at once, or the two whose meeting changed.
    meeting_facts.SchedulePublished: ("docking.tell_schedule",),
    meeting_facts.PublicationWithdrawn: ("docking.tell_schedule",),
    meeting_facts.MeetingArranged: ("docking.tell_meeting",),
    meeting_facts.MeetingMoved: ("docking.tell_meeting",),
    meeting_facts.MeetingCancelled: ("docking.tell_meeting",),
}

# In the same transaction. Money: no booking without its hold, no use without its charge. Meetings: nobody waits at a
# table for who does not come. Experts: no import remembers whoever was erased.
WITHIN: Within = {
    docking.EventCancelled: meetings.event_cancelled,
    docking.RegistrationCancelled: meetings.registration_over,
    docking.RegistrationEdited: meetings.people_changed,
    labs.BookingConfirmed: charging.hold,
    labs.BookingMoved: charging.leave,
    labs.BookingCancelled: charging.cancel,
    labs.BookingReleased: charging.miss,
    labs.UsageEntered: charging.charge,
    labs.AdjustmentDecided: charging.correct,
    experts.ExpertErased: remembering.expert_erased,
}

# What somebody's own calendar holds beside their bookings.
CALENDARS: tuple[calendars.Source, ...] = (feeds.of_person,)

JOBS: Mapping[str, Handler] = {
    mail.DELIVER: mail.deliver,
    "docking.announce": docking_jobs.announce,
    "docking.expire_offers": docking_jobs.expire_offers,
    "docking.keep_time": docking_jobs.keep_time,
    "docking.promote": docking_jobs.promote,
    "docking.remind": docking_jobs.remind,
    "docking.tell": docking_jobs.tell,
    "docking.tell_meeting": docking_jobs.tell_meeting,
    "docking.tell_schedule": docking_jobs.tell_schedule,
    "docking.tell_wishes": docking_jobs.tell_wishes,
    planning.JOB: planning.run,
    proposing.JOB: proposing.run,
    "experts.expire": expert_jobs.expire,
    "experts.remind": expert_jobs.remind,
    "funding.keep_time": funding_jobs.keep_time,
    "funding.organisation_changed": funding_jobs.organisation_changed,
    "funding.remind": funding_jobs.remind,
    "funding.tell_changes": funding_jobs.tell_changes,
    "identity.sweep": identity_jobs.sweep,
    "identity.tell_verification": identity_jobs.tell_verification,
    "imports.run": import_jobs.run,
    "imports.sweep": import_jobs.sweep,
    "labs.expire_offers": lab_jobs.expire_offers,
    "labs.invite": lab_jobs.invite,
    "labs.promote": lab_jobs.promote,
    "labs.release_no_shows": lab_jobs.release_no_shows,
    "labs.warn_next": lab_jobs.warn_next,
    "listings.expire": listing_jobs.expire,
    "listings.remind": listing_jobs.remind,
    discovery.JOB: discovery.run,
    "money.tell_owed": money_jobs.tell_owed,
    "listings.tell_admission": listing_jobs.tell_admission,
    "listings.tell_review": listing_jobs.tell_review,
    lessons.JOB: lessons.run,
    rematch_job.JOB: rematch_job.run,
}

SCHEDULES: Mapping[str, str] = {
    "docking.expire_offers": "* * * * *",
    "docking.keep_time": "* * * * *",
    "docking.remind": "*/10 * * * *",
    "docking.tell_wishes": "*/5 * * * *",
    "experts.expire": "*/10 * * * *",
    "experts.remind": "35 1 * * *",
    "funding.keep_time": "* * * * *",
    "funding.remind": "*/10 * * * *",
    "funding.tell_changes": "* * * * *",
    "identity.sweep": "17 * * * *",
    "imports.sweep": "*/15 * * * *",
    "labs.expire_offers": "* * * * *",
    "labs.release_no_shows": "* * * * *",
    "labs.warn_next": "* * * * *",
    "listings.expire": "*/10 * * * *",
    "listings.remind": "30 1 * * *",
}
