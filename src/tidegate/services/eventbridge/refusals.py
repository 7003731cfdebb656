"""The errors of EventBridge. ASSUMPTION on words and most codes: its pages list few."""

from __future__ import annotations

from tidegate.errors import CloudError


def bus_unknown(name: str) -> CloudError:
    """No such bus."""
    return CloudError("EventBusNotExisted", f"The event bus [{name}] not existed!", 404)


def bus_exists(name: str) -> CloudError:
    """There is a bus of this name."""
    return CloudError("EventBusExisted", f"The event bus [{name}] existed!", 409)


def bus_in_use(name: str) -> CloudError:
    """The bus has rules, or is the default one."""
    return CloudError("EventBusInUse", f"The event bus [{name}] is in use!", 409)


def rule_unknown(name: str) -> CloudError:
    """No such rule."""
    return CloudError("EventRuleNotExisted", f"The event rule [{name}] not existed!", 404)


def rule_exists(name: str) -> CloudError:
    """There is a rule of this name."""
    return CloudError("EventRuleExisted", f"The event rule [{name}] existed!", 409)


def too_many(what: str, limit: int) -> CloudError:
    """A quota is used up."""
    return CloudError("QuotaExceeded", f"The number of {what} exceeds the limit {limit}.", 409)


def pattern_invalid() -> CloudError:
    """The pattern is no JSON object of lists, or has expressions that do not exist."""
    return CloudError("InvalidEventPattern", "The specified event pattern is not valid.")


def target_invalid(name: str) -> CloudError:
    """A target of a kind that is not served, or without what it needs."""
    return CloudError("InvalidTarget", f"The specified event target [{name}] is not valid.")


def event_refused() -> CloudError:
    """Events of users go to buses of users."""
    return CloudError("PutEventsDenied", "Custom events cannot be put to the default event bus.", 403)
