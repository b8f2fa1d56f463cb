"""Who may change the platform's words. Everybody may read them: they are part of every ranking's reasons."""

from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Forbidden
from schemas.identity import Permission


class NotTheirTerms(Forbidden):
    """只有平台管理员可以修改术语表。 · Only a platform administrator changes the lexicon."""


class NotTheirsToDecide(Forbidden):
    """术语提议只给平台管理员和审计员看。 · Proposed terms are for the platform's administrators and auditors."""


def lexicon_kept_by(actor: Actor) -> bool:
    return Permission.KEEP_LEXICON in actor.platform


def proposals_read_by(actor: Actor) -> bool:
    return Permission.READ_ALL in actor.platform


def require_keeper(actor: Actor) -> None:
    if not lexicon_kept_by(actor):
        raise NotTheirTerms


def require_reader(actor: Actor) -> None:
    if not proposals_read_by(actor):
        raise NotTheirsToDecide
