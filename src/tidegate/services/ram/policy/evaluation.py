"""Decides one request against compiled policies: explicit deny before allow before implicit deny (ram.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tidegate.services.ram.policy.grammar import Policy
from tidegate.services.ram.policy.patterns import fold_resource

Kind = Literal["Allow", "ExplicitDeny", "ImplicitDeny"]


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked for: an action on a resource, in a request that carries ``context``.

    ``names`` are the caller's names as a principal; only trust policies look at them.
    """

    action: str
    resource: str
    context: Mapping[str, str]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A compiled policy and what people call it. ``type`` is System or Custom; empty for a document without a name."""

    policy: Policy
    name: str = ""
    type: str = ""
    version: str = ""
    attached_to: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies say, and which statement of which policy said it (None for an implicit deny)."""

    kind: Kind
    policy: NamedPolicy | None = None
    statement: int | None = None


_IMPLICIT_DENY = Verdict("ImplicitDeny")


def evaluate(policies: Iterable[NamedPolicy], access: Access) -> Verdict:
    """Return the verdict; of several statements that decide the same, the first one is named."""
    action, resource = access.action.lower(), fold_resource(access.resource)
    allowed: Verdict | None = None
    for named in policies:
        for index, statement in enumerate(named.policy.statements):
            if statement.allows and allowed is not None:
                continue
            if not statement.applies(action, resource, access.context, access.names):
                continue
            if not statement.allows:
                return Verdict("ExplicitDeny", named, index)
            allowed = Verdict("Allow", named, index)
    return allowed or _IMPLICIT_DENY
