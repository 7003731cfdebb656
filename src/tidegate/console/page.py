"""One request on its way to an answer: who asks, in which language, and the cloud as that person may see it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tidegate.clock import Clock
from tidegate.cloud.caller import Caller
from tidegate.console.rendering import Rendering
from tidegate.console.sessions import Session
from tidegate.console.surroundings import Surroundings
from tidegate.console.words import Language
from tidegate.errors import CloudError

PREFIX = "/console"
PER_PAGE = 20
MENU: Final[Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]]] = (
    ("", (("Overview", ("overview",)), ("Timeline", ("timeline",)), ("First steps", ("guide",)))),
    ("Auto Scaling", (("Scaling groups", ("ess",)),)),
    ("Computing", (("ECS instances", ("ecs",)), ("Load balancers", ("slb",)))),
    ("Databases", (("Redis instances", ("redis",)), ("Other databases", ("databases", "polardb")))),
    ("Message Service", (("Queues and topics", ("mns",)),)),
    ("Operation Orchestration", (("Executions", ("oos", "executions")), ("Templates", ("oos", "templates")))),
    (
        "Access control",
        (
            ("Users", ("ram", "users")),
            ("Groups", ("ram", "groups")),
            ("Roles", ("ram", "roles")),
            ("Policies", ("ram", "policies")),
            ("Simulator", ("ram", "simulator")),
            ("Settings", ("ram", "settings")),
        ),
    ),
)
#: Bytes of a form: a template has 64 KiB at most, percent-encoding triples it.
_MOST_FORM = 512 * 1024
_MOST_FIELDS = 500
_LONGEST_TRAIL = 50
_LIVE = re.compile("<!--live-->(.*?)<!--/live-->", re.DOTALL)


class Found(msgspec.Struct, frozen=True):
    """What a call returned, or the refusal."""

    tree: Mapping[str, Any] = {}
    refusal: CloudError | None = None

    def rows(self, outer: str, inner: str | None = None) -> Sequence[Any]:
        """Return a list of the answer, which most products wrap twice."""
        value = self.tree.get(outer) or []
        if inner is not None and isinstance(value, Mapping):
            value = value.get(inner) or []
        return value if isinstance(value, list) else []

    @property
    def total(self) -> int:
        """How many there are in all."""
        return int(self.tree.get("TotalCount") or 0)


async def nothing() -> Found:
    """Look at nothing, where there is nothing to look at."""
    return Found()


class Form(msgspec.Struct, frozen=True):
    """The fields of a posted form."""

    fields: Sequence[tuple[str, str]]

    def get(self, name: str, default: str = "") -> str:
        """Return the last field of this name."""
        return next((value for key, value in reversed(self.fields) if key == name), default)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything a handler needs."""

    request: Request
    session: Session
    cloud: Caller | None
    around: Surroundings
    rendering: Rendering
    language: Language
    zone: tzinfo
    theme: str
    said: str
    region: str

    @property
    def clock(self) -> Clock:
        """The cloud's clock."""
        return self.around.clock

    @property
    def account(self) -> str:
        """The id of the account that the reader belongs to."""
        return self.session.principal.account_id if self.session.principal else ""

    @property
    def query(self) -> Mapping[str, str]:
        """The address's parameters."""
        return self.request.query_params

    @property
    def number(self) -> int:
        """Which page of a list is asked for, from 1."""
        text = self.query.get("page", "1")
        return max(1, min(int(text), 50_000)) if text.isascii() and text.isdigit() and len(text) < 6 else 1

    def path(self, name: str) -> str:
        """Return a part of the address's path."""
        value: str = self.request.path_params[name]
        return value

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation as the person who looks. Raises CloudError."""
        assert self.cloud is not None
        return await self.cloud.call(product, action, {"RegionId": self.region, **parameters}, region=self.region)

    async def look(self, product: str, action: str, **parameters: Any) -> Found:
        """Call an operation; a refusal is shown in its place and not instead of the whole page."""
        try:
            return Found(await self.call(product, action, **parameters))
        except CloudError as error:
            return Found(refusal=error)

    async def together(self, *looks: Awaitable[Found]) -> list[Found]:
        """Look at several things at once."""
        return list(await asyncio.gather(*looks))

    def say(self, text: str, **values: object) -> str:
        """Return a text in the reader's language."""
        return self.rendering.words.say(self.language, text, values)

    def to(self, *parts: str, **query: object) -> str:
        """Return the address of a page; a region that is not the usual one stays in it."""
        if self.region != self.around.region:
            query.setdefault("region", self.region)
        path = "/".join((PREFIX, *(quote(part, safe="") for part in parts)))
        given = {key: value for key, value in query.items() if value not in (None, "")}
        return f"{path}?{urlencode(given)}" if given else path

    def here(self, **query: object) -> str:
        """Return this page's address with some parameters changed."""
        given: dict[str, object] = {**self.query, **query}
        left = {key: value for key, value in given.items() if value not in (None, "")}
        path = quote(self.request.url.path, safe="/")
        return f"{path}?{urlencode(left)}" if left else path

    def turns(self, next_token: str | None) -> tuple[str, str]:
        """Return the addresses of the page before and the page after, of a list that is paged by tokens; empty: none.

        Tokens lead forward only, so the address keeps those of the pages on the way, ``-`` for the first page.
        """
        trail = [one for one in self.query.get("trail", "").split("~") if one][-_LONGEST_TRAIL:]
        here = self.query.get("token", "")
        before = after = ""
        if here and trail:
            before = self.here(token="" if trail[-1] == "-" else trail[-1], trail="~".join(trail[:-1]))
        elif here:
            before = self.here(token="")
        if next_token:
            after = self.here(token=next_token, trail="~".join([*trail, here or "-"]))
        return before, after

    @property
    def zone_cookie(self) -> str:
        """The name of the cookie in which a browser says its time zone."""
        return cookie_name(self.request, "zone")

    @property
    def navigation(self) -> Iterator[tuple[str, list[tuple[str, Sequence[str], str]]]]:
        """The menu: sections of (label, path, address)."""
        for section, entries in MENU:
            yield section, [(label, parts, self.to(*parts)) for label, parts in entries]

    def is_under(self, parts: Sequence[str]) -> bool:
        """Tell whether this page belongs to an entry of the menu."""
        address = "/".join((PREFIX, *parts))
        path = self.request.url.path
        return path == address or path.startswith(f"{address}/")

    def digest(self, part: str) -> str:
        """Return what identifies the live part of a page."""
        return live_digest(str(part))

    def render(self, file: str, code: int = 200, /, **context: Any) -> Response:
        """Return a page. A live look at one that has not changed since is answered with nothing."""
        body = self.rendering.render(file, self, context)
        headers = {"cache-control": "no-store"}
        if self.request.headers.get("x-seen") is not None:
            digest = live_digest(body)
            if self.request.headers["x-seen"] == digest:
                return Response(status_code=204, headers=headers)
        return HTMLResponse(body, status_code=code, headers=headers)

    def go(self, address: str, said: str = "") -> Response:
        """Send the browser on, to be told ``said`` there."""
        if self.request.headers.get("hx-request"):
            answer = Response(status_code=204, headers={"hx-redirect": address})
        else:
            answer = RedirectResponse(address, status_code=303)
        if said:
            set_cookie(self.request, answer, "said", quote(said), seconds=30)
        return answer

    async def form(self) -> Form:
        """Return the posted form, read once. Raises CloudError when it is too large."""
        state = self.request.state
        if not hasattr(state, "form"):
            state.form = await read_form(self.request)
        form: Form = state.form
        return form


Handler = Callable[[Page], Awaitable[Response]]


def live_digest(body: str) -> str:
    """Return what identifies the live parts of a page: everything between their marks."""
    parts = "".join(_LIVE.findall(body))
    return hashlib.blake2s(parts.encode(), digest_size=9).hexdigest()


async def read_form(request: Request) -> Form:
    """Read a urlencoded body. Raises CloudError when it is too large or is something else."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM:
            raise CloudError("RequestEntityTooLarge", "The request is too large.", 413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise CloudError("InvalidParameter", "The form cannot be read.") from error
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])


def cookie_name(request: Request, name: str) -> str:
    """Return a cookie's name: cookies are shared by all ports of a host, so it carries the port."""
    server = request.scope.get("server")
    return f"tidegate_{name}_{server[1] if server else 0}"


def set_cookie(request: Request, answer: Response, name: str, value: str, *, seconds: int) -> None:
    """Set one of our cookies, for this site and its pages only."""
    answer.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path=PREFIX,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
