"""Where a hook's message goes and what a runbook is started with (ess.md 4.1, 4.4). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tidegate.ids import derived_uuid
from tidegate.store.ess.records import Action, Activity, Group

Kind = Literal["none", "template", "queue", "topic", "eventbus", "cloudmonitor"]

_ARN = re.compile(r"acs:(?P<service>[a-z]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<type>[a-z]+)/(?P<name>.+)")
_KINDS: dict[tuple[str, str], Kind] = {
    ("oos", "template"): "template",
    ("ess", "oos"): "template",
    ("mns", "queue"): "queue",
    ("ess", "queue"): "queue",
    ("mns", "topic"): "topic",
    ("ess", "topic"): "topic",
    ("eventbridge", "eventbus"): "eventbus",
    ("ess", "null"): "none",
}


class Target(msgspec.Struct, frozen=True):
    """A parsed NotificationArn."""

    kind: Kind
    name: str = ""


def parse_arn(arn: str | None, region: str, account_id: str) -> Target | None:
    """Return what ``arn`` names; None when it is malformed or points to another region or account."""
    if not arn:
        return Target("none")
    match = _ARN.fullmatch(arn)
    if match is None or match["region"] != region or match["account"] != account_id:
        return None
    kind = _KINDS.get((match["service"], match["type"]))
    if kind is None or (kind == "eventbus" and match["name"] != "default"):
        return None
    return Target(kind, match["name"])


def receiver_of(arn: str, region: str, account_id: str) -> Target | None:
    """Return what the NotificationArn of an event notification names: a queue, a topic or CloudMonitor (ess.md 10)."""
    if arn == f"acs:ess:{region}:{account_id}:cloudmonitor":
        return Target("cloudmonitor")
    target = parse_arn(arn, region, account_id)
    return target if target is not None and target.kind in ("queue", "topic") else None


def shown_arn(arn: str | None, region: str, account_id: str) -> str:
    """Return the NotificationArn as Describe calls print it."""
    return arn or f"acs:ess:{region}:{account_id}:null/null"


def parse_metadata(text: str | None) -> dict[str, Any] | None:
    """Return the metadata of a template hook; None unless it is a JSON object. Absent or empty is ``{}``.

    A NUL character is no part of any parameter and cannot be kept.
    """
    if not text:
        return {}
    if "\\u0000" in text:
        return None
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return metadata if isinstance(metadata, dict) else None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What placeholders can name: one lifecycle action and everything around it."""

    account_id: str
    region_id: str
    request_id: str
    scaling_group_id: str
    scaling_group_name: str
    scaling_activity_id: str
    lifecycle_hook_id: str
    lifecycle_hook_name: str
    lifecycle_transition: str
    lifecycle_action_token: str
    default_result: str
    instance_ids: list[str]


def facts_of(group: Group, activity: Activity, action: Action) -> Facts:
    """Return the facts of a lifecycle action."""
    return Facts(
        account_id=group.account_id,
        region_id=group.region,
        request_id=activity.request_id or derived_uuid("request", activity.id),
        scaling_group_id=group.id,
        scaling_group_name=group.name,
        scaling_activity_id=activity.id,
        lifecycle_hook_id=action.hook_id,
        lifecycle_hook_name=action.hook_name,
        lifecycle_transition=action.transition,
        lifecycle_action_token=action.token,
        default_result=action.default_result,
        instance_ids=action.instance_ids,
    )


_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def _values(facts: Facts) -> dict[str, str | list[str]]:
    return {
        "regionId": facts.region_id,
        "instanceIds": facts.instance_ids,
        "lifecycleHookId": facts.lifecycle_hook_id,
        "lifecycleActionToken": facts.lifecycle_action_token,
        "scalingGroupId": facts.scaling_group_id,
        "lifecycleActionResult": facts.default_result,
        # ASSUMPTION from here on: the fields of queue messages, accepted as placeholders too.
        "accountId": facts.account_id,
        "requestId": facts.request_id,
        "scalingActivityId": facts.scaling_activity_id,
        "lifecycleTransition": facts.lifecycle_transition,
        "defaultResult": facts.default_result,
        "scalingGroupName": facts.scaling_group_name,
        "lifecycleHookName": facts.lifecycle_hook_name,
        "instanceId": facts.instance_ids,
        "essTaskType": facts.lifecycle_transition,
    }


def filled(value: Any, facts: Facts) -> Any:
    """Replace placeholders in ``value``, once: what a placeholder brings in is not looked at again.

    A text that is exactly a list placeholder becomes the list, inside a list it is spliced, inside longer text the ids
    are joined with commas (A10). Unknown placeholders stay.
    """
    return _fill(value, _values(facts))


def _fill(value: Any, values: Mapping[str, str | list[str]]) -> Any:
    if isinstance(value, str):
        return _fill_text(value, values)
    if isinstance(value, dict):
        return {key: _fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        result: list[Any] = []
        for item in value:
            new = _fill(item, values)
            # Only a placeholder splices; a nested list of the template stays nested.
            if isinstance(item, str) and isinstance(new, list):
                result.extend(new)
            else:
                result.append(new)
        return result
    return value


def _fill_text(text: str, values: Mapping[str, str | list[str]]) -> str | list[str]:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and isinstance(found := values.get(whole[1]), list):
        return list(found)

    def replace(match: re.Match[str]) -> str:
        new = values.get(match[1])
        return match[0] if new is None else new if isinstance(new, str) else ",".join(new)

    return _PLACEHOLDER.sub(replace, text)


def template_parameters(
    defaults: Mapping[str, Any | msgspec.UnsetType], metadata: Mapping[str, Any], facts: Facts
) -> dict[str, Any]:
    """Return the parameters a runbook is started with (ess.md 4.4, steps 3 to 6).

    ``defaults`` has one entry per declared parameter, UNSET when it has no default. Only declared parameters are
    passed, because OOS refuses others; a missing one is OOS's to complain about. A default with references is OOS's to
    resolve: what is passed is data to it (oos.md 2.3).
    """
    values: dict[str, Any] = {}
    for name, default in defaults.items():
        if name in metadata:
            values[name] = metadata[name]
        elif name == "lifecycleActionResult":
            # Overrides the template's own default (ASSUMPTION on precedence): what the template reports on failure.
            values[name] = "ROLLBACK" if facts.default_result == "ROLLBACK" else "ABANDON"
        elif default is not msgspec.UNSET and not _refers(default):
            values[name] = default
    return {name: filled(value, facts) for name, value in values.items()}


def _refers(default: Any) -> bool:
    match default:
        case str():
            return "{{" in default
        case list():
            return any(map(_refers, default))
        case dict():
            return any(map(_refers, default.values()))
    return False
