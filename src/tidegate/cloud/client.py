"""Calls any Alibaba-compatible cloud over HTTP, local or real: signed with ACS3, answered in JSON, tried again if safe."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from tidegate.clock import Clock, SystemClock, to_seconds
from tidegate.cloud.caller import PathCall
from tidegate.cloud.credentials import Keys, Profile
from tidegate.cloud.products import Product, product_named, spell
from tidegate.cloud.retries import Failure, pause_before_next
from tidegate.cloud.sessions import KeySource
from tidegate.errors import CloudError, UnreachableError
from tidegate.ids import Ids
from tidegate.wire.signatures import canonical_query, sign_acs3

#: Seconds to connect and to wait for an answer: what the SDKs allow (wire.md 10).
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0

_NO_BODY = sha256(b"").hexdigest()

#: Writes the parameters of one call as they travel.
Spell = Callable[[Product, str, Mapping[str, Any]], Mapping[str, str]]


class Client:
    """A ``Caller`` of one cloud as one identity; an asynchronous context manager.

    ``spell`` finds the wire names of parameters where more is known about the operations than ``products.spell`` does.
    ``pause`` waits between two tries.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        spell: Spell = spell,
        timeout: float = READ_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.profile = profile
        self._clock = clock or SystemClock()
        self._ids = ids or Ids()
        self._spell = spell
        self._pause = pause
        self._keys = KeySource(profile, self._clock, self._assume)
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
            # A proxy has no business between us and our own machine.
            trust_env=profile.endpoint is None or not _is_loopback(base_url(profile.endpoint)),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def call(
        self,
        product: str,
        action: str,
        parameters: Mapping[str, Any],
        *,
        region: str | None = None,
        version: str | None = None,
    ) -> dict[str, Any]:
        """Call an operation; see ``cloud.caller.Caller``. ``version`` chooses another API version than the usual one.

        Raises CloudError for an API error, UnreachableError when there is no answer, ConfigurationError for a product
        that is not known.
        """
        known = product_named(product)
        region = str(parameters.get("RegionId") or region or self.profile.region)
        query = {**self._spell(known, action, parameters), "RegionId": region}
        url = base_url(self.profile.endpoint or known.address(region))
        return await self._insist(url, action, version or known.version, query, await self._keys.present())

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str | None = None) -> Any:
        """Call an operation in ROA style; see ``cloud.caller.Caller``. Raises what ``call`` raises. Tried once only."""
        known = product_named(product)
        url = base_url(self.profile.endpoint or known.address(region or self.profile.region))
        outcome = await self._send(url, action, known.version, request, await self._keys.present())
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    async def _assume(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        sts = product_named("sts")
        url = base_url(self.profile.endpoint or sts.address(self.profile.region))
        query = self._spell(sts, "AssumeRole", parameters)
        return await self._insist(url, "AssumeRole", sts.version, query, self.profile.keys)

    async def _insist(
        self, url: str, action: str, version: str, query: Mapping[str, str], keys: Keys
    ) -> dict[str, Any]:
        tries = 0
        while True:
            outcome = await self._try(url, action, version, query, keys)
            if not isinstance(outcome, Failure):
                return outcome
            tries += 1
            pause = pause_before_next(outcome, action, query, tries)
            if pause is None:
                raise outcome.error
            await self._pause(pause)

    async def _try(
        self, url: str, action: str, version: str, query: Mapping[str, str], keys: Keys
    ) -> dict[str, Any] | Failure:
        outcome = await self._send(url, action, version, PathCall(method="POST", path="/", query=query), keys)
        if isinstance(outcome, dict | Failure):
            return outcome
        return Failure(error=UnreachableError(f"{url} answered no JSON object"), status=500)

    async def _send(self, url: str, action: str, version: str, request: PathCall, keys: Keys) -> Any:
        body = request.body.encode()
        digest = sha256(body).hexdigest() if body else _NO_BODY
        headers = {
            "accept": "application/json",
            **({"content-type": "application/json"} if body else {}),
            **{name.lower(): value for name, value in request.headers.items()},
            "host": urlsplit(url).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": digest,
            "x-acs-date": to_seconds(self._clock.now()),
            "x-acs-signature-nonce": self._ids.text(32),
            "x-acs-version": version,
        }
        if keys.security_token:
            headers["x-acs-security-token"] = keys.security_token
        path = quote(request.path, safe="/-_.~")
        headers["authorization"] = sign_acs3(
            keys.access_key_id,
            keys.access_key_secret,
            method=request.method,
            path=path,
            query=request.query,
            headers=headers,
            body_digest=digest,
        )
        address = f"{url}{path}?{canonical_query(request.query)}" if request.query else f"{url}{path}"
        try:
            answer = await self._http.request(request.method, address, headers=headers, content=body or None)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            return Failure(error=UnreachableError(f"{url} does not answer: {reason}"), sent=not unsent)
        return _read(answer)


def base_url(endpoint: str) -> str:
    """Complete an endpoint: ``127.0.0.1:4599`` is plain HTTP on this machine, everything else HTTPS unless it says so."""
    if "://" in endpoint:
        return endpoint.rstrip("/")
    plain = f"http://{endpoint.rstrip('/')}"
    return plain if _is_loopback(plain) else plain.replace("http", "https", 1)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(answer: httpx.Response) -> Any:
    """Return what the answer's JSON holds, nothing being an empty object; or a Failure."""
    try:
        tree = msgspec.json.decode(answer.content) if answer.content.strip() or not answer.is_success else {}
    except msgspec.MsgspecError:
        tree = None
    if answer.is_success and tree is not None:
        return tree
    if not isinstance(tree, dict):
        message = f"{answer.url.host} answered with status {answer.status_code} and no JSON"
        return Failure(error=UnreachableError(message), status=max(answer.status_code, 500))
    # Services in ROA style write the words in lower case.
    code, message = str(tree.get("Code") or tree.get("code", "")), str(tree.get("Message") or tree.get("message", ""))
    detail = tree.get("AccessDeniedDetail")
    error = CloudError(code, message, answer.status_code, detail=detail if isinstance(detail, dict) else None)
    after = answer.headers.get("x-acs-retry-after", "")
    return Failure(
        error=error,
        code=code,
        status=answer.status_code,
        retry_after=int(after) / 1000 if after.isdigit() else None,  # milliseconds (wire.md 10)
    )
