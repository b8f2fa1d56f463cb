"""`/docs`: the API's documentation, drawn in the browser from our own copy of Swagger UI."""

from fastapi import APIRouter, Response

from marketplace.portal.frame import Visited
from marketplace.portal.routes import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/docs", response_class=Response)
async def docs(visit: Visited) -> Response:
    return visit.page("docs.html")
