"""One request on its way through the handlers, and what each of them has found out about it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.errors import CloudError
from tidegate.gateway.routes import Route
from tidegate.services.operation import Answer, Call, Principal, Request

#: Seconds after which a call is given up, over HTTP and inside this process; SDKs give up after 10 (wire.md 10).
CALL_LIMIT = 9.0


@dataclass(slots=True, kw_only=True)
class Claim:
    """Who a caller claims to be, and the proof: everything a signature check needs, except the secret."""

    dialect: str
    access_key_id: str
    signature: str
    nonce: str
    timestamp: str
    security_token: str
    string_to_sign: str
    sign: Callable[[str, str], str]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One call. Each handler reads what earlier ones wrote; ``principal`` is set only once it is proven."""

    request_id: str
    parameters: Mapping[str, str]
    action: str = ""
    version: str = ""
    # What arrived, when it came over HTTP.
    method: str = ""
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    secure: bool = False
    # What was found out.
    claim: Claim | None = None
    principal: Principal | None = None
    route: Route | None = None
    region: str = ""
    call: Call | None = None
    request: Request | None = None
    complaint: CloudError | None = None
    answer: Answer | None = None
    # What is sent back.
    xml: bool = False
    status: int = 200
    code: str = ""
    content: bytes = b""
    started: float = field(default_factory=time.perf_counter)

    @property
    def product(self) -> str:
        """The product's name, once the call is routed."""
        return self.route.operation.product.name if self.route else ""


Handler = Callable[[Exchange], Awaitable[None]]


def known(value: Any) -> Any:
    """Return what an earlier handler must have found out; a missing value is a wrong order of handlers."""
    assert value is not None, "a handler ran before the one it depends on"
    return value
