"""Who may change how everything is ranked, and who may look into it."""

from marketplace.kernel.actor import Actor
from marketplace.kernel.refusals import Forbidden
from schemas.identity import Permission


class NotTheirTuning(Forbidden):
    """只有平台管理员可以调整匹配。 · Only a platform administrator changes how records are ranked."""


class NotTheirsToRead(Forbidden):
    """匹配的各个版本只给平台管理员和审计员看。 · Versions of the ranking are for the platform's administrators and auditors."""


def tuning_kept_by(actor: Actor) -> bool:
    return Permission.TUNE_RANKING in actor.platform


def tuning_read_by(actor: Actor) -> bool:
    return Permission.READ_ALL in actor.platform


def require_keeper(actor: Actor) -> None:
    if not tuning_kept_by(actor):
        raise NotTheirTuning


def require_reader(actor: Actor) -> None:
    if not tuning_read_by(actor):
        raise NotTheirsToRead
