"""Who may change the platform's words. Everybody may read them: they are part of every ranking's reasons."""

from marketplace.kernel.actor import Actor
from schemas.identity import Permission


def lexicon_kept_by(actor: Actor) -> bool:
    return Permission.KEEP_LEXICON in actor.platform
