"""What every page has: who is visiting, in which language, and the frame around the content."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marketplace.funding.sheets import deadline
from marketplace.identity import tokens
from marketplace.kernel.actor import NOBODY, AccountSuspended, Actor, ReadOnlyToken
from marketplace.kernel.language import Language, preferred, reading, told
from marketplace.kernel.refusals import NotSignedIn
from marketplace.portal import assets, say, sent, why, words
from schemas.identity import Permission, Scope

LANGUAGE_COOKIE: Final = "duijie_language"
A_YEAR: Final = 365 * 24 * 3600
_HERE_ONLY: Final = re.compile(r"/(?![/\\])[^\x00-\x1f\\]{0,2000}")


@cache
def environment() -> Environment:
    """The templates, which escape whatever they are given."""
    made = Environment(
        loader=PackageLoader("marketplace.portal", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"t": say.t, "asset": assets.address, "w": words, "say": say, "why": why}
    made.filters |= {
        "day": say.day,
        "moment": say.moment,
        "yuan": say.yuan,
        "cents": say.cents,
        "code": say.code_name,
        "deadline": deadline,
    }
    return made


def language_of(request: Request) -> Language:
    """`?lang=`, then the switch's cookie, then what the browser asks for."""
    for wish in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wish in {"zh", "en"}:
            return cast(Language, wish)
    return preferred(request.headers.get("accept-language"))


def local(address: str | None, otherwise: str = "/") -> str:
    """The address if it leads to a page of ours; anything else would send people away after signing in."""
    return address if address and _HERE_ONLY.fullmatch(address) else otherwise


@dataclass
class Visit:
    """One request for a page."""

    request: Request
    actor: Actor = NOBODY
    language: Language = "zh"
    # The browser carries a cookie that opens nothing any more.
    lapsed: bool = False
    notices: list[str] = field(default_factory=list)

    @property
    def partly(self) -> bool:
        """Whether htmx asks for a part of a page, to be put into the one that is open."""
        return "hx-request" in self.request.headers and "hx-boosted" not in self.request.headers

    @property
    def signed_in(self) -> bool:
        return self.actor.person_id is not None

    def require(self) -> Actor:
        """The actor, for what takes an account; others are asked to sign in first."""
        if not self.signed_in:
            raise NotSignedIn
        if self.actor.scope is Scope.READ and self.request.method not in {"GET", "HEAD"}:
            raise ReadOnlyToken
        return self.actor

    def may(self, permission: Permission) -> bool:
        """Whether the actor may do this anywhere: for showing or leaving out a way there. Verbs decide."""
        return permission in self.actor.platform or bool(self.actor.organisations_where(permission))

    def where(self, **changes: str | None) -> str:
        """This page's address with some parameters changed; `None` leaves one out."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changes]
        kept += [(name, value) for name, value in changes.items() if value is not None]
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    def page(self, template: str, status: int = 200, *, here: str | None = None, **values: Any) -> Response:
        """A page in its frame (or, for htmx, whatever the template makes of `partly`)."""
        if here is None:
            here = self.where(lang=None, cursor=None) if self.request.method in {"GET", "HEAD"} else "/"
        context = {"visit": self, "actor": self.actor, "here": here, "P": Permission, "language": self.language}
        html = environment().get_template(template).render(context | values)
        response = HTMLResponse(html, status)
        response.headers["Cache-Control"] = "no-store" if self.signed_in else "no-cache"
        response.headers["Vary"] = "Accept-Language, Cookie, HX-Request"
        response.headers["Content-Language"] = "zh-CN" if self.language == "zh" else "en"
        return self.dressed(response)

    def go(self, address: str, said: str | None = None) -> Response:
        """Onward after something was done, with a line that says so."""
        if said is not None:
            joint = "&" if "?" in address else "?"
            path, hash_, place = address.partition("#")
            address = f"{path}{joint}{urlencode({'said': said})}{hash_}{place}"
        return self.dressed(RedirectResponse(address, 303))

    def dressed(self, response: Response) -> Response:
        secure = urlsplit(self.request.app.state.settings.public_url).scheme == "https"
        if self.request.query_params.get("lang") in {"zh", "en"}:
            response.set_cookie(
                LANGUAGE_COOKIE, self.language, max_age=A_YEAR, path="/", secure=secure, httponly=True, samesite="lax"
            )
        if self.lapsed:
            tokens.forget_in_browser(response, public_url=self.request.app.state.settings.public_url)
        return response

    @property
    def said(self) -> str | None:
        """What was just done, told in words of ours: only known keys are shown."""
        key = self.request.query_params.get("said")
        text = words.SAID.get(key) if key else None
        return told(text) if text else None


async def visit_of(request: Request) -> Visit:
    """The visit, tolerant of a session that has ended: such a visitor is simply nobody."""
    language = language_of(request)
    reading.set(language)
    tokens.refuse_foreign(request)
    await sent.note(request)
    visit = Visit(request, language=language)
    try:
        visit.actor = await tokens.actor_of(request.state.session, request)
    except NotSignedIn:
        request.state.actor = NOBODY
        visit.lapsed = tokens.COOKIE in request.cookies
    if visit.actor.suspended:
        raise AccountSuspended
    return visit


Visited = Annotated[Visit, Depends(visit_of)]
