"""What an owner wrote, as columns of the table, and what a reader will miss in it. No database is needed for either."""

from functools import partial

from marketplace.listings import bodies
from marketplace.listings import completeness as complete
from schemas.listings import ListingKind

columns = bodies.columns
completeness = partial(complete.of, ListingKind.ACHIEVEMENT)
