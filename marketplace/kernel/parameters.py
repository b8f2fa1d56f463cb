"""Query parameters that no route asks for are refused: a misspelt filter must not look like an answer."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError


def known(dependant: Dependant) -> dict[str, bool]:
    """The names a route reads from its query, and whether each may stand there more than once."""
    return {
        name: any(get_origin(part) is list for part in (kind, *get_args(kind))) for name, kind in _parameters(dependant)
    }


def _parameters(dependant: Dependant) -> Iterator[tuple[str, object]]:
    for parameter in dependant.query_params:
        kind = parameter.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                yield field.alias or name, field.annotation
        else:
            yield parameter.alias, kind
    for deeper in dependant.dependencies:
        yield from _parameters(deeper)


def check(request: Request, takes: Mapping[str, bool]) -> None:
    """Refuse what is unknown, and a second value where one is meant."""
    seen: set[str] = set()
    errors = []
    for name, _ in request.query_params.multi_items():
        if name not in takes:
            errors.append(
                FieldError(
                    pointer=name[:100],
                    code="unknown_parameter",
                    detail="没有这个参数，请检查拼写。 · There is no such parameter; check its spelling.",
                )
            )
        elif name in seen and not takes[name]:
            errors.append(
                FieldError(
                    pointer=name, code="repeated_parameter", detail="只能写一次。 · This may be given only once."
                )
            )
        seen.add(name)
    if errors:
        raise Invalid(errors=errors[:50])


class CheckedRoute(APIRoute):
    """A route that asks nothing of the database, and no less strict."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        takes = known(self.dependant)

        async def checked(request: Request) -> Response:
            check(request, takes)
            return await handler(request)

        return checked
