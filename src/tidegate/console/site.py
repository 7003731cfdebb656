"""The site: addresses, sign-in, and what every request and every answer goes through."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tidegate.console import calls, moments, sign_in, words
from tidegate.console.live import Live
from tidegate.console.page import PREFIX, Handler, Page, cookie_name
from tidegate.console.pages import table
from tidegate.console.rendering import Rendering
from tidegate.console.sessions import Sessions
from tidegate.console.surroundings import Surroundings
from tidegate.errors import CloudError
from tidegate.telemetry import get_logger

_log = get_logger("console")
_REGION_LENGTH = 32
#: What somebody may do who must change the password first.
_BEFORE_RESET = tuple(f"{PREFIX}/{page}" for page in ("password", "sign-out", "sign-in", "preferences"))
_SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Site:
    """The console as an ASGI application."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._words = words.Words()
        self._rendering = Rendering(self._words)
        self._sessions = Sessions(around.vault, around.authority, around.wall)
        self._live = Live(around.database)
        signing = sign_in.SignIn(self._sessions, around)
        open_to_all: list[tuple[str, str, Handler]] = [
            ("GET", "/sign-in", signing.show),
            ("POST", "/sign-in", signing.enter),
            ("POST", "/preferences", sign_in.prefer),
        ]
        signed_in: list[tuple[str, str, Handler]] = [
            *(("GET", address, handler) for address, handler in table.PAGES.items()),
            *(("POST", address, handler) for address, handler in table.FORMS.items()),
            ("POST", "/call/{product}/{action}", calls.call),
            ("POST", "/sign-out", signing.leave),
            ("GET", "/password", signing.password),
            ("POST", "/password", signing.change_password),
            ("GET", "/live", self._stream),
        ]
        self._app = Starlette(
            routes=[
                Route(PREFIX, _to_overview),
                Route(f"{PREFIX}/static/{{name}}", self._asset),
                *(_route(method, address, self._door(handler, False)) for method, address, handler in open_to_all),
                *(_route(method, address, self._door(handler, True)) for method, address, handler in signed_in),
                Route(f"{PREFIX}/{{rest:path}}", self._door(_nowhere, True)),
            ]
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; every answer carries the security headers."""

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    *((name.encode(), value.encode()) for name, value in _SECURITY.items()),
                ]
            await send(message)

        await self._app(scope, receive, guarded)

    async def close(self) -> None:
        """End every live stream."""
        await self._live.close()

    def _door(self, handler: Handler, signed_in: bool) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            session = await self._sessions.open(request.cookies.get(cookie_name(request, "session"), ""))
            if signed_in and (session is None or session.principal is None):
                return _to(request, "sign-in")
            if session is not None and session.reset and request.url.path not in _BEFORE_RESET:
                return _to(request, "password")
            page = self._page(request, session or self._sessions.begin())
            try:
                if request.method == "POST":
                    await _check_csrf(page)
                answer = await handler(page)
            except CloudError as error:
                answer = refuse(page, error)
            except Exception:
                _log.exception("a page failed", extra={"path": request.url.path})
                failure = CloudError("InternalError", page.say("The console made a mistake; its log says which."), 500)
                answer = refuse(page, failure)
            if page.said and answer.status_code == 200:
                answer.delete_cookie(cookie_name(request, "said"), path=PREFIX)
            return answer

        return serve

    def _page(self, request: Request, session: Any) -> Page:
        def cookie(name: str) -> str:
            return unquote(request.cookies.get(cookie_name(request, name), ""))

        said, theme = cookie("said"), cookie("theme")
        region = request.query_params.get("region", "")
        return Page(
            request=request,
            session=session,
            cloud=self._around.call_as(session.principal) if session.principal else None,
            around=self._around,
            rendering=self._rendering,
            language=words.choose(cookie("language"), request.headers.get("accept-language", "")),
            zone=moments.zone_of(cookie("zone")),
            theme=theme if theme in ("light", "dark") else "",
            said=said if self._words.knows(said) else "",
            region=region[:_REGION_LENGTH] or self._around.region,
        )

    async def _asset(self, request: Request) -> Response:
        found = self._rendering.assets.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("not found", 404)
        content, _, kind = found
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(content, media_type=kind, headers=headers)

    async def _stream(self, _page: Page) -> Response:
        if self._live.is_full:
            return PlainTextResponse("too many live pages", 503)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._live.stream(), media_type="text/event-stream", headers=headers)


def refuse(page: Page, error: CloudError) -> Response:
    """Show a refusal: as a page of its own, or in the form that asked."""
    asked_by_form = page.request.headers.get("hx-request") and page.request.method == "POST"
    template = "refused_part.html" if asked_by_form else "refused.html"
    return page.render(template, error.status, error=error)


async def _check_csrf(page: Page) -> None:
    """Refuse a form that was not made for this session, and one that another site sends."""
    site = page.request.headers.get("sec-fetch-site", "same-origin")
    form = await page.form()
    if site not in ("same-origin", "none") or not hmac.compare_digest(
        form.get("csrf").encode("utf-8", "surrogatepass"), page.session.csrf.encode()
    ):
        raise CloudError("InvalidForm", page.say("This form is out of date. Load the page again."), 403)


async def _to_overview(_request: Request) -> Response:
    return RedirectResponse(f"{PREFIX}/overview", 303)


async def _nowhere(page: Page) -> Response:
    raise CloudError("PageNotFound", page.say("There is no page at this address."), 404)


def _to(request: Request, page: str) -> Response:
    address = f"{PREFIX}/{page}"
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"hx-redirect": address})
    return RedirectResponse(address, 303)


def _route(method: str, address: str, endpoint: Callable[[Request], Any]) -> Route:
    return Route(PREFIX + address, endpoint, methods=[method])
