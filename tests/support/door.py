"""A door with a small product behind it, and ways to knock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tidegate.clock import Clock, to_seconds
from tidegate.errors import CloudError
from tidegate.gateway.app import Gateway
from tidegate.gateway.ports import NonceBook
from tidegate.ids import Ids
from tidegate.services.operation import Answer, Call, Done, Principal, Product, Request
from tidegate.settings import Settings
from tidegate.wire.shapes import JsonText
from tidegate.wire.signatures import sign_acs3, sign_rpc

VERSION = "2024-01-01"
ACCOUNT = "1234567890123456"
KEY_ID, SECRET = "LTAITestKey00000001", "made-up-secret-0001"
ROOT = Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT)
USER = Principal(kind="RAMUser", account_id=ACCOUNT, id="2001", name="ada")

tide = Product(name="Tide", code="tide", versions=(VERSION,))


class Tag(Request):
    key: str
    value: str | None = None


class DescribeGaugesRequest(Request):
    gauge_ids: list[str] = msgspec.field(default_factory=list)
    tags: list[Tag] = msgspec.field(default_factory=list)
    names: JsonText[list[str]] | None = None
    page_size: int = 10
    verbose: bool = False
    region_id: str | None = None


class Gauge(Answer):
    gauge_id: str
    level: float
    open: bool
    note: str


class Gauges(Answer):
    gauge: list[Gauge]


class DescribeGaugesAnswer(Answer):
    gauges: Gauges
    page_size: int
    total_count: int


class OpenGateRequest(Request):
    gate_id: str
    amount: int = 1
    note: str | None = None
    client_token: str | None = None


class GateAnswer(Answer):
    gate_id: str
    region: str
    client_token: str | msgspec.UnsetType = msgspec.UNSET
    fingerprint: str | msgspec.UnsetType = msgspec.UNSET


@dataclass
class TideService:
    """Remembers which gates were opened."""

    opened: list[str] = field(default_factory=list)


@tide.operation("DescribeGauges", on=lambda _service, _call, request: [f"gauge/{g}" for g in request.gauge_ids or "*"])
async def describe_gauges(_service: TideService, _call: Call, request: DescribeGaugesRequest) -> DescribeGaugesAnswer:
    gauges = [Gauge(gauge_id=g, level=1.5, open=request.verbose, note="<a & b>") for g in request.gauge_ids]
    return DescribeGaugesAnswer(Gauges(gauges), request.page_size, len(gauges))


@tide.operation("OpenGate", on=lambda _service, _call, request: [f"gate/{request.gate_id}"])
async def open_gate(service: TideService, call: Call, request: OpenGateRequest) -> GateAnswer:
    service.opened.append(request.gate_id)
    if call.client_token:
        return GateAnswer(request.gate_id, call.region, call.client_token, call.fingerprint)
    return GateAnswer(request.gate_id, call.region)


def sluice(_service: TideService, _call: Call, request: OpenGateRequest) -> list[str]:
    if request.gate_id == "gone":
        raise CloudError("InvalidGateId.NotFound", "The gate does not exist.", 404)
    return [f"gate/{request.gate_id.removeprefix('g-')}"]


@tide.operation("LiftSluice", on=sluice)
async def lift_sluice(_service: TideService, call: Call, request: OpenGateRequest) -> GateAnswer:
    """Lift the sluice of a gate."""
    return GateAnswer(request.gate_id, call.region)


@tide.operation("CloseGate")
async def close_gate(_service: TideService, _call: Call, request: OpenGateRequest) -> Done:
    raise CloudError("IncorrectGateStatus", f'The gate "{request.gate_id}" is closed.', 403)


@tide.operation("BreakDam", actions=())
async def break_dam(_service: TideService, _call: Call, _request: Request) -> Done:
    raise RuntimeError("made-up-secret-0001 must never be seen")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    access_key_id: str
    secret: str
    principal: Principal
    active: bool = True
    security_token: str | None = None
    expires: datetime | None = None


class Decision(msgspec.Struct, frozen=True):
    allowed: bool
    detail: Mapping[str, str]
    resource: str


class FakeRam:
    """Knows some keys and allows root everything, others what is listed in ``allowed`` as (action, resource)."""

    def __init__(self, *credentials: Credential) -> None:
        self.credentials = {credential.access_key_id: credential for credential in credentials}
        self.allowed: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.contexts: list[Mapping[str, str]] = []
        self.refreshed = 0
        self.used: list[str] = []

    async def credential(self, access_key_id: str, epoch: int | None = None) -> Credential | None:
        return self.credentials.get(access_key_id)

    async def refresh(self, epoch: int | None = None) -> None:
        self.refreshed += 1

    async def note_use(self, access_key_id: str) -> None:
        self.used.append(access_key_id)

    async def decide_all(
        self, principal: Principal, action: str, resources: Sequence[str], context: Mapping[str, str]
    ) -> Decision:
        for resource in resources:
            self.asked.append((action, resource))
            self.contexts.append(context)
            if principal.kind != "Account" and (action, resource) not in self.allowed:
                return Decision(False, {"AuthAction": action, "NoPermissionType": "ImplicitDeny"}, resource)
        return Decision(True, {}, resources[-1])


class FakeNonces:
    """A nonce book for one process."""

    def __init__(self) -> None:
        self.spent: set[tuple[str, str]] = set()

    async def spend(self, access_key_id: str, nonce: str, now: datetime) -> int | None:
        name = (access_key_id, nonce)
        if name in self.spent:
            return None
        self.spent.add(name)
        return 1

    async def epoch(self) -> int:
        return 1


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.tree["Code"])


@dataclass
class Knock:
    """One HTTP request, ready to be sent, changed or repeated."""

    method: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    path: str = "/"

    async def at(self, gateway: Gateway) -> Reply:
        pieces = [self.body]
        sent: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": pieces.pop(), "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        headers = list(self.headers)
        if self.body:
            headers.append((b"content-length", str(len(self.body)).encode()))
        scope = {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": self.query,
            "headers": headers,
            "client": ("127.0.0.1", 5000),
            "scheme": "http",
        }
        await gateway(scope, receive, send)
        start, body = sent
        return Reply(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"])


@dataclass
class Door:
    """A gateway with everything behind it at hand."""

    ram: FakeRam
    nonces: FakeNonces
    clock: Clock
    service: TideService
    ids: Ids = field(default_factory=lambda: Ids(7))
    gateway: Gateway = field(init=False)

    def rpc(
        self,
        action: str | None,
        *,
        form: Mapping[str, str] | None = None,
        key: tuple[str, str] = (KEY_ID, SECRET),
        drop: Sequence[str] = (),
        method: str = "POST",
        **parameters: str,
    ) -> Knock:
        """Return an RPC v1 request; ``drop`` names system parameters that are left out before signing."""
        everything = {
            "Action": action or "",
            "Version": VERSION,
            "Format": "JSON",
            "AccessKeyId": key[0],
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": self.ids.text(32),
            "Timestamp": to_seconds(self.clock.now()),
            **parameters,
        }
        query = {name: value for name, value in everything.items() if name not in drop}
        signature = sign_rpc(key[1], method, {**query, **(form or {})})
        if "Signature" not in drop:
            query["Signature"] = signature
        headers = [(b"host", b"127.0.0.1:4599")]
        if form is not None:
            headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        return Knock(method, urlencode(query).encode(), headers, urlencode(form or {}).encode())

    def acs3(
        self,
        action: str,
        parameters: Mapping[str, str] | None = None,
        *,
        form: Mapping[str, str] | None = None,
        key: tuple[str, str] = (KEY_ID, SECRET),
        method: str = "POST",
        host: str = "127.0.0.1:4599",
        drop: Sequence[str] = (),
        **headers: str,
    ) -> Knock:
        """Return an ACS3 request; more ``headers`` may be given with ``_`` for ``-``."""
        body = urlencode(form or {}).encode()
        digest = sha256(body).hexdigest()
        signed = {
            "host": host,
            "accept": "application/json",
            "x-acs-action": action,
            "x-acs-version": VERSION,
            "x-acs-date": to_seconds(self.clock.now()),
            "x-acs-signature-nonce": self.ids.text(32),
            "x-acs-content-sha256": digest,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if form is not None:
            signed["content-type"] = "application/x-www-form-urlencoded"
        signed = {name: value for name, value in signed.items() if name not in drop}
        query = dict(parameters or {})
        authorization = sign_acs3(*key, method=method, query=query, headers=signed, body_digest=digest)
        raw = [(name.encode(), value.encode()) for name, value in signed.items()]
        raw.append((b"authorization", authorization.encode()))
        return Knock(method, urlencode(query, quote_via=quote).encode(), raw, body)


def open_door(
    *credentials: Credential,
    clock: Clock | None = None,
    nonces: NonceBook | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Door:
    """Return a door that knows the root key and ``credentials``."""
    ram = FakeRam(Credential(access_key_id=KEY_ID, secret=SECRET, principal=ROOT), *credentials)
    door = Door(ram=ram, nonces=FakeNonces(), clock=clock or FixedClock(), service=TideService())
    door.gateway = Gateway(
        {tide: door.service},
        ram=ram,
        nonces=nonces or door.nonces,
        clock=door.clock,
        ids=Ids(1),
        settings=settings or Settings(data_dir=Path("/nonexistent")),
        **options,
    )
    return door
