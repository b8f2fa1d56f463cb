"""Rows of experts: what each says of a person, and by what they are known again."""

from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from marketplace.imports.expert_fields import ACHIEVEMENTS, CONSENT
from marketplace.imports.findings import Place
from marketplace.imports.patch_checking import PatchChecker, never_nothing
from schemas.experts import ExpertPatch, NoIdNumber
from schemas.listings import CompletenessItem, ExternalId
from schemas.text import Line

_achievements: Final = TypeAdapter[list[str]](Annotated[list[Annotated[str, Line(300)]], Field(max_length=10)])


class ExpertChecker(PatchChecker):
    """A record is what its row says of an expert. `achievements` beside it are named as the file names them."""

    shape: ClassVar[type[BaseModel]] = ExpertPatch
    kept_when_blank: ClassVar[frozenset[str]] = never_nothing(ExpertPatch, "name", "focus", CONSENT)
    # Whoever was erased is not to be found again by the id that the platform gave them.
    keeps_foreign_ids: ClassVar[bool] = False
    origin: ClassVar[TypeAdapter[str]] = TypeAdapter(Annotated[ExternalId, NoIdNumber])

    def required(self, whole: dict[str, Any]) -> list[CompletenessItem]:  # noqa: ARG002 -- no import publishes an expert
        return []

    def _beside(self, said: dict[str, Any], places: dict[str, Place]) -> dict[str, Any]:
        said.pop(CONSENT, None)
        named = said.pop(ACHIEVEMENTS, None)
        if named is None:
            return {}
        try:
            return {"achievements": _achievements.validate_python(named)}
        except ValidationError as wrong:
            self._wrong(wrong, places, within=(ACHIEVEMENTS,))
            return {}
