"""The SQL of imports of listings. The chunks of the spool go to PostgreSQL as they are: it reads the JSON into rows of the table itself."""

import re
from typing import Any, Final

import orjson
from sqlalchemy import ARRAY, Date, DateTime, Integer, Numeric, String, TextClause, Uuid, bindparam, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.type_api import TypeEngine

from marketplace.imports.checking import unsaid
from marketplace.listings.models import Achievement, Listing, Problem
from marketplace.listings.records import NOT_CONTENT
from schemas.listings import ListingKind

MODELS: Final[dict[ListingKind, type[Listing]]] = {
    ListingKind.ACHIEVEMENT: Achievement,
    ListingKind.PROBLEM: Problem,
}
_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "kind": String(),
    "state": String(),
    "organisation_id": Uuid(),
    "by": Uuid(),
    "now": DateTime(timezone=True),
    "published_at": DateTime(timezone=True),
    "confirmed_until": DateTime(timezone=True),
    "ids": ARRAY(Uuid()),
    "changed_ids": ARRAY(Uuid()),
    "forgotten_ids": ARRAY(Uuid()),
    "import_id": Uuid(),
    "before": Integer(),
}


def _sql(statement: str) -> TextClause:
    """A statement whose parameters have types: a missing moment is a moment still."""
    named = set(re.findall(r"(?<!:):(\w+)", statement)) & _TYPES.keys()
    return text(statement).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in sorted(named)))


class Statements:
    """The SQL for one kind. Every name in it is a column of our own table."""

    def __init__(self, kind: ListingKind) -> None:
        columns = [column for column in inspect(MODELS[kind]).columns if column.key not in NOT_CONTENT]
        self.names = tuple(column.key for column in columns)
        textual = {column.key for column in columns if isinstance(column.type, Numeric | Date)}
        self.unsaid = orjson.dumps(unsaid(kind), default=str).decode()

        def of(alias: str) -> str:
            return ", ".join(f"{alias}.{name}" for name in self.names)

        def content(alias: str) -> str:
            pairs = (f"'{name}', {alias}.{name}{'::text' if name in textual else ''}" for name in self.names)
            return f"jsonb_build_object({', '.join(pairs)})"

        listed = ", ".join(self.names)

        def known(lock: str) -> str:
            # The keys go in as arrays, so that the worst a planner can do with a table that has just grown is one scan.
            # What the file says takes the place of what is there, column by column; what it does not say stays.
            return f"""
            with i as materialized (
                select place, record->'at' as at, record->'given' as given, record ? 'draft' as short,
                    record->'fresh'->>'source' as source, record->'fresh'->>'external_id' as external_id
                from jsonb_array_elements(cast(:chunk as jsonb)) with ordinality as e(record, place)
            ), k as materialized (
                select l, l.source, l.external_id from listing l
                where l.kind = :kind and l.organisation_id = :organisation_id
                    and l.source = any(array(select distinct source from i))
                    and l.external_id = any(array(select external_id from i)) {lock}
            )
            select i.place, i.at, (k.l).id, (k.l).state, d.changed, i.short,
                case when d.changed or (k.l).state = 'draft' then {content("(k.l)")} end as says,
                case when d.changed or (k.l).state = 'draft' then {content("m")} end as becomes
            from i join k using (source, external_id)
            cross join lateral jsonb_populate_record(k.l, i.given) as m
            cross join lateral (select ({of("(k.l)")}) is distinct from ({of("m")})) as d(changed)
            order by i.place"""  # noqa: S608

        self.known = _sql(known("")).columns(at=JSONB(), says=JSONB(), becomes=JSONB())
        self.lock = _sql(known("for update")).columns(at=JSONB(), says=JSONB(), becomes=JSONB())
        # What is new is remembered in the statement that writes it, so that an import can be undone (`undoing`).
        self.create = _sql(f"""
            with i as materialized (
                select place, record, cast(record->'fresh'->>'id' as uuid) as id
                from jsonb_array_elements(cast(:chunk as jsonb)) with ordinality as e(record, place)
            ), made as (
                insert into listing (id, kind, organisation_id, created_by, state, source, external_id, listed_at, published_at,
                    confirmed_at, confirmed_until, confidential_part, facets, words, sketch, version, created_at, updated_at, {listed})
                select r.id, :kind, :organisation_id, :by, case when d.draft then 'draft' else :state end,
                    r.source, r.external_id, :now, case when not d.draft then :published_at end,
                    case when not d.draft then :published_at end, case when not d.draft then :confirmed_until end, false, r.facets, r.words, r.sketch, 1, :now, :now, {of("r")}
                from i cross join lateral (select i.record ? 'draft') as d(draft)
                cross join lateral jsonb_populate_record(
                    null::listing, cast(:unsaid as jsonb) || (i.record->'given') || (i.record->'fresh')) as r
                order by i.place
                on conflict (kind, organisation_id, source, external_id) where source is not null do nothing
                returning id, title, state
            ), remembered as (
                insert into imported_instrument
                    (import_id, number, sheet, "row", instrument_id, name, created, published, before, after, version)
                select :import_id, :before + row_number() over (order by i.place), i.record->'at'->>0,
                    cast(i.record->'at'->>1 as int), made.id, made.title, true, made.state = 'published', '{{}}', '{{}}', 1
                from made join i using (id)
            )
            select id from made""")  # noqa: S608
        self.remember = _sql(f"""
            insert into imported_instrument
                (import_id, number, sheet, "row", instrument_id, name, created, published, before, after, version)
            select :import_id, c.number, c.sheet, c."row", l.id, l.title, false, c.published, c.said,
                (select coalesce(jsonb_object_agg(name, s.content->name), '{{}}') from jsonb_object_keys(c.said) as name), l.version
            from jsonb_to_recordset(cast(:changed as jsonb))
                as c(id uuid, number int, sheet text, "row" int, published boolean, said jsonb)
            join listing l on l.id = c.id cross join lateral (select {content("l")}) as s(content)""")  # noqa: S608
        self.stand = _sql(f"""
            select l.id, l.state, l.version, case when l.id = any(:changed_ids) then {content("l")} end as says
            from listing l where l.id = any(:ids) order by l.id for update""").columns(says=JSONB())  # noqa: S608
        self.keep = _sql(f"""
            insert into listing_revision (listing_id, version, body, by)
            select l.id, l.version, {content("l")}, :by from listing l where l.id = any(:ids)""")  # noqa: S608
        self.change = _sql(f"""
            update listing l set ({listed}, facets, words, sketch) = ({of("r")}, r.facets, r.words, r.sketch),
                version = l.version + 1, updated_at = :now
            from jsonb_populate_recordset(null::listing, cast(:changed as jsonb)) as r where l.id = r.id""")  # noqa: S608


PUBLISH: Final = _sql(
    """
    update listing set state = :state, state_note = null, published_at = coalesce(published_at, :published_at),
        listed_at = coalesce(published_at, :published_at, listed_at), confirmed_at = coalesce(:published_at, confirmed_at),
        confirmed_until = coalesce(:confirmed_until, confirmed_until), reminded_at = null, updated_at = :now,
        version = version + case when id = any(:changed_ids) then 0 else 1 end
    where id = any(:ids)"""
)
# Out of lists and rankings, or out of review. What is forgotten gives its external number free: the same file is new again.
SHUT: Final = _sql(
    """
    update listing set
        state = case when state = 'in_review' then 'draft' when kind = 'achievement' then 'withdrawn' else 'closed' end,
        source = case when id = any(:forgotten_ids) then null else source end,
        external_id = case when id = any(:forgotten_ids) then null else external_id end,
        version = version + case when id = any(:changed_ids) then 0 else 1 end, updated_at = :now
    where id = any(:ids)"""
)
