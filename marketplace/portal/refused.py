"""What a person sees when something is refused: what happened, and what to do next."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marketplace.identity import tokens
from marketplace.kernel.actor import NOBODY, AccountSuspended
from marketplace.kernel.language import reading, told
from marketplace.kernel.refusals import NotSignedIn, Refusal
from marketplace.portal import sent
from marketplace.portal.frame import Visit, environment, language_of
from schemas.identity import Permission

log = structlog.get_logger("portal")

NOT_PAGES: Final = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/static/")

# What may pass by itself, or with signing in: the form is offered to be sent once more.
AGAIN: Final = frozenset({401, 429, 500, 503})

_NEXT: Final[dict[int, str]] = {
    400: "请检查地址是否完整，或从首页重新开始。 · Check that the address is complete, or start again from the first page.",
    401: "请登录后再试。 · Sign in, then try again.",
    403: "如果您认为应当有权限，请联系本单位管理员或平台管理员。 · If you think you should be able to, ask your organisation's or the platform's administrator.",
    404: "它可能已被撤回，或地址有误；草稿只有所属单位能看到。可以搜索，或从列表里找。 · It may have been withdrawn, or the address is wrong; drafts are seen by their own organisation alone. Search, or look through the lists.",
    405: "请从页面上的按钮或链接操作。 · Use the buttons and links of the pages.",
    409: "请返回上一页，重新载入后再试。 · Go back, reload the page and try again.",
    412: "请返回上一页，重新载入后再改。 · Go back, reload the page, then make your change.",
    413: "请缩短内容，或换一个更小的文件。 · Shorten the text, or choose a smaller file.",
    422: "请返回上一页修改后重试；您填写的内容仍在那里。 · Go back and mend it; what you typed is still there.",
    429: "请稍等片刻再试。 · Wait a moment, then try again.",
    500: "不是您的操作有误。请稍后重试；如果反复出现，请把下面的编号告诉管理员。 · It was not your doing. Try again shortly; if it keeps happening, give the administrator the number below.",
    503: "请过几秒钟重新载入本页；您的数据没有受到影响。 · Reload this page in a few seconds; your data is not affected.",
}


def wants_page(request: Request) -> bool:
    """Whether a person with a browser is asking for one of our pages, rather than a program for an answer."""
    return not request.url.path.startswith(NOT_PAGES) and (
        "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers
    )


def page_of(refusal: Refusal, request: Request) -> Response | None:
    """The refusal as a page; None where the client did not come with a browser."""
    if not wants_page(request):
        return None
    try:
        return _page(refusal, request)
    except Exception:  # the refusal has to be told one way or the other
        log.exception("refusal_without_page", code=refusal.slug())
        return None


def _page(refusal: Refusal, request: Request) -> Response:
    language = language_of(request)
    reading.set(language)
    actor = getattr(request.state, "actor", NOBODY)
    visit = Visit(request, actor=actor, language=language)
    again = sent.again(request) if request.method == "POST" and refusal.status in AGAIN else {}
    if type(refusal) is NotSignedIn and not again and not visit.partly:
        there = request.url.path if request.method in {"GET", "HEAD"} else "/desk"
        if request.method in {"GET", "HEAD"} and request.url.query:
            there += f"?{request.url.query}"
        return RedirectResponse(f"/sign-in?next={quote(there, safe='')}", HTTPStatus.SEE_OTHER)
    values: dict[str, Any] = {
        "visit": visit,
        "actor": actor,
        "language": language,
        "P": Permission,
        "here": "/",
        "status": refusal.status,
        "title": told(refusal.title()),
        "detail": told(refusal.detail) if refusal.detail else None,
        "errors": [told(error.detail) for error in refusal.errors],
        "advice": told(_NEXT.get(refusal.status, _NEXT[400])),
        "trace_id": getattr(request.state, "trace_id", ""),
        "again": again,
        "there": request.url.path,
        "suspended": isinstance(refusal, AccountSuspended) and tokens.COOKIE in request.cookies,
    }
    template = "parts/refused.html" if visit.partly else "refused.html"
    html = environment().get_template(template).render(values)
    headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language, Cookie, HX-Request"} | refusal.headers
    return visit.dressed(HTMLResponse(html, refusal.status, headers))
