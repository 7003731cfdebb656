"""Writes ``docs/reference/coverage.md``: every operation of Auto Scaling, served or not and why, and how far others go.

What is served is read from the registered operations, what there is on the cloud from the official SDKs; only the
reasons are written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tidegate.services.operation import Operation, Product
from tidegate.wire.shapes import record_of

_HEAD = """# Coverage

Written by `make docs`; do not edit. What is served is read from the registered operations, what there is from the
official SDKs. An operation that is not served answers `InvalidApi.NotFound` (404), as the cloud answers an unknown one.
A parameter that is not read is accepted and changes nothing. [operations.md](operations.md) has the parameters that are.

What a group cannot have here: container groups as members (`GroupType` `ECI` is `InvalidParameter`); a custom removal
policy (`CustomPolicy` with a `CustomPolicyARN` of Function Compute is `InvalidParameter` `"CustomPolicyARN"`: there are no
functions); spot instances that the cloud takes back, so that `SpotInstanceRemedy` and `SpotAutoReplaceOnDemand` are kept,
shown, and have nothing to do. `EnterStandby` and `ExitStandby` are done at once, with `Async` as without.
"""
_ECI = "container groups are no members of scaling groups here"
_LATER = "not reached yet"

#: Why operations of Auto Scaling are not served.
REASONS: Mapping[str, str] = dict.fromkeys(
    [
        "ApplyEciScalingConfiguration",
        "ApplyScalingGroup",
        "CreateEciScalingConfiguration",
        "DeleteEciScalingConfiguration",
        "DescribeEciScalingConfigurationDetail",
        "DescribeEciScalingConfigurations",
        "ModifyEciScalingConfiguration",
    ],
    _ECI,
)
#: What the served part of every other product is for.
SCOPES: Mapping[str, str] = {
    "adb": "the whitelists that runbooks change",
    "alb": "the server groups that scaling groups are tied to",
    "cms": "the metrics of hosts and groups, custom metrics and events, system events",
    "dds": "the whitelists that runbooks change",
    "eci": "container groups with an address, as runbooks look at them",
    "ecs": "instances and what they are made of and reached by; Cloud Assistant; no billing, no migration",
    "eventbridge": "buses, rules that hand events on to queues and topics, events of one's own",
    "kvstore": "instances with real servers, accounts and whitelists; no backups, no clusters",
    "mns": "queues, topics and subscriptions over its own REST API",
    "oos": "templates, executions, triggers, parameters; no patches, no packages, no state configurations",
    "polardb": "the whitelists that runbooks change",
    "ram": "identities, policies, roles, keys, sign-in; no multi-factor devices",
    "rds": "the whitelists that runbooks and scaling groups change",
    "slb": "load balancers with listeners, backend servers and their health; no certificates of its own",
    "sts": "roles taken on, and who is calling",
    "vpc": "networks and elastic addresses that instances need",
}
#: Accepted by every operation and meant for no one.
_FOR_NO_ONE = {"OwnerId", "OwnerAccount", "ResourceOwnerAccount", "ResourceOwnerId", "ClientToken", "RegionId"}
_REQUEST = re.compile(r"^class (\w+)Request\(\w+\):\n(.*?)(?=^class |\Z)", re.DOTALL | re.MULTILINE)
_PARAMETER = re.compile(r"""result\['([^']+)'\]""")

#: Product → version → names of all operations, and the package that knows their parameters.
Known = Mapping[str, Mapping[str, tuple[set[str], str]]]


def render(products: Iterable[Product], known: Known) -> str:
    """Return the page."""
    listed = list(products)
    [ess] = [product for product in listed if product.code == "ess"]
    lines = [_HEAD, *_detailed(ess, known.get("ess", {})), *_overview(listed, known)]
    return "\n".join(lines) + "\n"


def unexplained(product: Product, known: Known) -> set[str]:
    """Return the operations of a product that are neither served nor have a reason."""
    every = {name for names, _ in known.get(product.code, {}).values() for name in names}
    return every - product.operations.keys() - REASONS.keys()


def _detailed(product: Product, versions: Mapping[str, tuple[set[str], str]]) -> Iterator[str]:
    yield f"## {product.name}\n"
    yield f"| operation | {' | '.join(product.versions)} | remarks |"
    yield f"| --- |{' --- |' * len(product.versions)} --- |"
    every = set(product.operations).union(*(names for names, _ in versions.values()))
    for name in sorted(every):
        operation = product.operations.get(name)
        marks = [_mark(operation, version, name, versions) for version in product.versions]
        yield f"| {name} | {' | '.join(marks)} | {_remark(operation, name, versions)} |"
    yield ""


def _mark(operation: Operation | None, version: str, name: str, versions: Mapping[str, tuple[set[str], str]]) -> str:
    if operation is not None and version in operation.versions:
        return "yes"
    return "**no**" if name in versions.get(version, (set(), ""))[0] else "–"


def _remark(operation: Operation | None, name: str, versions: Mapping[str, tuple[set[str], str]]) -> str:
    if operation is None:
        return REASONS.get(name, _LATER)
    unread = sorted(set().union(*(_unread(operation, package) for _, package in versions.values())))
    return f"not read: {' '.join(f'`{one}`' for one in unread)}" if unread else ""


def _unread(operation: Operation, package: str) -> set[str]:
    given = parameters(package).get(operation.name, set()) - _FOR_NO_ONE
    return given - {field.wire for field in record_of(operation.request).fields}


@cache
def parameters(package: str) -> Mapping[str, set[str]]:
    """Return the parameters of every operation as an SDK's models write them; none for packages of the older kind."""
    found: dict[str, set[str]] = {}
    for path in Path(package).glob("models/_*_request.py"):
        for name, body in _REQUEST.findall(path.read_text(encoding="utf-8")):
            found[name] = set(_PARAMETER.findall(body))
    return found


def _overview(products: Iterable[Product], known: Known) -> Iterator[str]:
    yield "## The other products\n"
    yield "| product | version | served | of | what the served part is for |"
    yield "| --- | --- | --- | --- | --- |"
    for product in products:
        if product.code == "ess":
            continue
        for version in product.versions:
            served = {name for name, one in product.operations.items() if version in one.versions}
            every = known.get(product.code, {}).get(version, (set(), ""))[0]
            of = str(len(every | served)) if every else ""
            yield f"| {product.name} | {version} | {len(served)} | {of} | {SCOPES.get(product.code, '')} |"
