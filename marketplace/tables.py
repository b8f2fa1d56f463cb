"""Every table of every room, so that whoever needs the whole metadata imports one module."""

import marketplace.docking.extra_models
import marketplace.docking.meeting_models
import marketplace.docking.models
import marketplace.docking.outcome_models
import marketplace.docking.registration_models
import marketplace.docking.wish_models
import marketplace.experts.models
import marketplace.identity.models
import marketplace.imports.models
import marketplace.kernel.facts
import marketplace.kernel.idempotency
import marketplace.kernel.mail
import marketplace.kernel.operations
import marketplace.labs.booking_models
import marketplace.labs.device_models
import marketplace.labs.file_models
import marketplace.labs.models
import marketplace.labs.output_models
import marketplace.labs.rating_models
import marketplace.lexicon.models
import marketplace.listings.models
import marketplace.money.models
import marketplace.pairings.rematch_models
import marketplace.reservations.models
import marketplace.tuning.models
import marketplace.verdicts.models  # noqa: F401

METADATA_IS_COMPLETE = True
