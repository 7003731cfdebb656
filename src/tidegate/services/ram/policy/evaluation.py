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


class Question:
    """One action of one caller, to be decided for any number of resources.

    What does not depend on the resource is looked at once: a call on a hundred instances costs little more than on one.
    """

    def __init__(
        self,
        policies: Iterable[NamedPolicy],
        action: str,
        context: Mapping[str, str],
        names: frozenset[str] = frozenset(),
    ) -> None:
        action = action.lower()
        self._concerned = [
            (named, index, statement)
            for named in policies
            for index, statement in enumerate(named.policy.statements)
            if statement.concerns(action, context, names)
        ]

    def answer(self, resource: str) -> Verdict:
        """Return the verdict for a resource; of several statements that decide the same, the first one is named."""
        folded = fold_resource(resource)
        allowed: Verdict | None = None
        for named, index, statement in self._concerned:
            if (statement.allows and allowed is not None) or not statement.covers(folded):
                continue
            if not statement.allows:
                return Verdict("ExplicitDeny", named, index)
            allowed = Verdict("Allow", named, index)
        return allowed or _IMPLICIT_DENY


def evaluate(policies: Iterable[NamedPolicy], access: Access) -> Verdict:
    """Return the verdict about one access."""
    return Question(policies, access.action, access.context, access.names).answer(access.resource)
