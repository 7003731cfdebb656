"""Names of groups, configurations, rules and hooks, and resource names (ess.md 1)."""

from __future__ import annotations

import re

from tidegate.services.ess import limits

# First a letter, a digit or a Chinese character, then also ``_ - .``; length counts characters.
_NAME = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff_.-]*")
_ARI = re.compile(r"ari:acs:ess:(?P<region>[^:]*):(?P<account>[^:]*):scalingrule/(?P<rule>.+)", re.IGNORECASE)


def is_name(name: str) -> bool:
    """Tell whether something may be called so."""
    low, high = limits.NAME
    return low <= len(name) <= high and _NAME.fullmatch(name) is not None


def rule_ari(region: str, account_id: str, rule_id: str) -> str:
    """Return the resource name of a rule."""
    return f"ari:acs:ess:{region}:{account_id}:scalingrule/{rule_id}"


def rule_of_ari(ari: str, account_id: str) -> tuple[str, str] | None:
    """Return region and id of the rule that ``ari`` names; None when it is malformed or of another account."""
    match = _ARI.fullmatch(ari)
    return (match["region"], match["rule"]) if match and match["account"] == account_id else None


def group_resource(region: str, account_id: str, group_id: str) -> str:
    """Return the RAM resource of everything in a group."""
    return f"acs:ess:{region}:{account_id}:scalinggroup/{group_id}"
