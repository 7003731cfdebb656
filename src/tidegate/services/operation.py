"""What an API operation is: a typed request in, a typed answer out, an action and the resources it touches.

A product's ``api.py`` makes one ``Product`` and registers one function per operation with it. The gateway and the
in-process caller of the runbook engine find operations here and nowhere else, so each call of each client is decoded,
authorized and encoded in the same way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

import msgspec

from tidegate.errors import CloudError

# Words whose spelling on the wire is not "first letter upper case".
_WIRE_WORDS = {"vswitch": "VSwitch", "db": "DB", "os": "OS", "gpu": "GPU", "qps": "QPS", "oos": "OOS", "arn": "Arn"}


def wire_name(name: str) -> str:
    """Return the wire spelling of a Python name: ``scaling_group_id`` → ``ScalingGroupId``.

    Names this rule gets wrong are written out with ``msgspec.field(name=…)``.
    """
    return "".join(_WIRE_WORDS.get(word) or word[:1].upper() + word[1:] for word in name.split("_"))


class Request(msgspec.Struct, rename=wire_name):
    """Base of all requests. A field without default is mandatory; ``None`` means "not given"."""


def given(request: Request, kind: type[Request]) -> dict[str, Any]:
    """Return the fields of ``kind`` that ``request`` was given, under their wire names, as plain values."""
    tree = msgspec.to_builtins(request)
    return {name: _without_gaps(tree[name]) for name in kind.__struct_encode_fields__ if tree[name] is not None}


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_gaps(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_gaps(item) for item in value]
    return value


class Answer(msgspec.Struct, rename=wire_name):
    """Base of all answers and of the objects inside them. A field left ``msgspec.UNSET`` is not sent."""


class Done(Answer):
    """An answer that carries nothing but the request id, which the gateway adds to every answer."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling (ram.md 1).

    ``id`` is the account id, user id or role id; ``name`` the user or role name; ``session`` the RoleSessionName of an
    assumed role; ``session_policy`` the Policy text given to AssumeRole. ``Service`` is the cloud itself acting under
    a service-linked role, whose name is in ``name``.
    """

    kind: Literal["Account", "RAMUser", "AssumedRoleUser", "Service"]
    account_id: str
    id: str
    name: str = ""
    session: str = ""
    session_policy: str | None = None

    @property
    def arn(self) -> str:
        """The caller's ARN as GetCallerIdentity prints it."""
        match self.kind:
            case "Account":
                return f"acs:ram::{self.account_id}:root"
            case "RAMUser":
                return f"acs:ram::{self.account_id}:user/{self.name}"
            case _:
                return f"acs:ram::{self.account_id}:assumed-role/{self.name.lower()}/{self.session or 'service'}"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as an operation sees it: who, where, which, and what makes a repeat recognisable."""

    principal: Principal
    region: str
    request_id: str
    product: str
    action: str
    version: str
    source_ip: str = "127.0.0.1"
    secure: bool = False
    #: ClientToken (R-kvstore: Token) when given, and a digest of the business parameters; see ``store.tokens``
    client_token: str | None = None
    fingerprint: str = ""

    @property
    def account_id(self) -> str:
        """The account whose resources this call sees."""
        return self.principal.account_id


RequestT = TypeVar("RequestT", bound=Request)
Handler = Callable[[Any, Call, Any], Awaitable[Answer]]
#: Names what a call touches: relative ids (``instance/i-1``) completed to ARNs by the product, or whole ARNs.
Resources = Callable[[Any, Call, Any], Sequence[str] | Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Operation:
    """One registered operation."""

    product: Product
    name: str
    handler: Handler
    request: type[Request]
    resources: Resources | None
    #: RAM actions to check; empty = no permission needed (GetCallerIdentity)
    actions: tuple[str, ...]
    versions: tuple[str, ...]


def invalid_parameter(name: str) -> CloudError:
    """The common wording for a bad value (wire.md 8)."""
    return CloudError("InvalidParameter", f'The specified value of parameter "{name}" is not valid.')


def missing_parameter(name: str) -> CloudError:
    """The common wording for a missing value (wire.md 8, ECS and ESS family)."""
    return CloudError(
        "MissingParameter",
        f'The input parameter "{name}" that is mandatory for processing this request is not supplied.',
    )


def forbidden_ram(_action: str, _resource: str) -> CloudError:
    """The denial of ECS, R-kvstore and most older services (ram.md 12)."""
    return CloudError(
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        403,
    )


def unchanged_parameters(_version: str, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Leave the parameters as they are: the product has one spelling for all its versions."""
    return parameters


def unchanged_answer(_version: str, _operation: str, tree: Any) -> Any:
    """Leave the answer as it is: the product has one spelling for all its versions."""
    return tree


@dataclass(eq=False)
class Product:
    """A cloud product: its names, its words for common errors, and its operations.

    ``enter`` rewrites the raw parameters of one API version to the product's own spelling, ``leave`` rewrites the
    answer tree back; both are identity for products with a single version.
    """

    name: str  # as in SDKs and OOS templates: "ess", "R-kvstore"
    code: str  # RAM code: "ess", "kvstore"
    versions: tuple[str, ...]
    missing: Callable[[str], CloudError] = missing_parameter
    invalid: Callable[[str], CloudError] = invalid_parameter
    denial: Callable[[str, str], CloudError] = forbidden_ram
    enter: Callable[[str, Mapping[str, str]], Mapping[str, str]] = unchanged_parameters
    leave: Callable[[str, str, Any], Any] = unchanged_answer
    #: spoken to over HTTP at a REST door of its own, and not by Action and Version at ``/``
    rest: bool = False
    operations: dict[str, Operation] = field(default_factory=dict)

    def operation(
        self,
        name: str,
        *,
        on: Resources | None = None,
        actions: Sequence[str] | None = None,
        versions: Sequence[str] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Register ``async def handler(service, call, request) -> Answer`` under its wire name.

        ``on`` names the resources to authorize (default: ``*``); ``actions`` replaces the default ``<code>:<name>``.
        The request type is read from the annotation of the handler's ``request`` (or ``_request``).
        """

        def register(handler: Handler) -> Handler:
            hints = get_type_hints(handler)
            request = hints.get("request") or hints["_request"]  # underscored where nothing is read from it
            self.operations[name] = Operation(
                product=self,
                name=name,
                handler=handler,
                request=request,
                resources=on,
                actions=(f"{self.code}:{name}",) if actions is None else tuple(actions),
                versions=self.versions if versions is None else tuple(versions),
            )
            return handler

        return register

    def arn(self, call: Call, relative: str) -> str:
        """Complete ``instance/i-1`` to ``acs:<code>:<region>:<account>:instance/i-1``; an ARN or ``*`` stays itself."""
        if relative == "*" or relative.startswith("acs:"):
            return relative
        return f"acs:{self.code}:{call.region}:{call.account_id}:{relative}"
