"""Query parameters that no route asks for are refused: a misspelt filter must not look like an answer."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from fastapi import Query
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from marketplace.kernel.refusals import Invalid
from schemas.base import FieldError

M = TypeVar("M", bound=BaseModel)


class Asked(Generic[M]):
    """A filter read from the address, as `Annotated[Filter, Query()]` reads it, at a third of the cost.

    For the lists that are asked for most: FastAPI looks into the type of every field on every request. What it writes
    of such a filter into the API's document is `documented`.
    """

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self._takes = dict(_repeatable(_fields(model)))

    async def __call__(self, request: Request) -> M:
        query = request.query_params
        said = {
            name: query.getlist(name) if many else query[name] for name, many in self._takes.items() if name in query
        }
        try:
            return self.model.model_validate(said)
        except ValidationError as wrong:
            errors = [{**error, "loc": ("query", *error["loc"])} for error in wrong.errors(include_url=False)]
            raise RequestValidationError(errors) from wrong


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """What FastAPI would write of the parameters that a filter has."""

    async def asking(wish: Annotated[model, Query()]) -> None:  # type: ignore[valid-type]
        raise AssertionError

    document = get_openapi(title="-", version="-", routes=[APIRoute("/", asking)])
    return {"parameters": document["paths"]["/"]["get"]["parameters"]}


def without_null(parameter: dict[str, Any]) -> None:
    """Take null out of what a parameter may be: what is not asked for is left out, and null has no spelling there."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema.update(kinds[0] | schema)
    elif kinds:
        schema["anyOf"] = kinds


def known(dependant: Dependant) -> dict[str, bool]:
    """The names a route reads from its query, and whether each may stand there more than once."""
    return dict(_repeatable(_parameters(dependant)))


def _repeatable(fields: Iterator[tuple[str, object]]) -> Iterator[tuple[str, bool]]:
    for name, kind in fields:
        yield name, any(get_origin(part) is list for part in (kind, *get_args(kind)))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.annotation


def _parameters(dependant: Dependant) -> Iterator[tuple[str, object]]:
    for parameter in dependant.query_params:
        kind = parameter.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind)
        else:
            yield parameter.alias, kind
    for deeper in dependant.dependencies:
        if isinstance(deeper.call, Asked):
            yield from _fields(deeper.call.model)
        yield from _parameters(deeper)


def check(request: Request, takes: Mapping[str, bool]) -> None:
    """Refuse what is unknown, and a second value where one is meant."""
    if not request.scope["query_string"]:
        return
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
