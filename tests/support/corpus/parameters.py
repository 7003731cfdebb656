"""Parameters of a template as somebody would fill in its form (oos.md 2.5)."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from support.corpus.names import text_for
from tidegate.services.oos.model import ParameterDefinition, Template
from tidegate.services.oos.values import to_json

_WORDS = (
    "TID",
    "a1b2",
    "ecs.g6.large",
    "vsw-bp1tide",
    "{{oos-secret:tide}}",
    "Tide12345gate",
    "tide-1",
    "i-bp1tide",
    "sg-bp1tide",
    "vpc-bp1tide",
    "m-bp1tide",
    "cn-hangzhou",
    "10.0.0.1",
    "10.0.0.0/24",
    "22/22",
    "80",
    "08:00:00Z",
    "2030-01-01T00:00:00Z",
    "https://example.test/a",
    "/home/tide/a.txt",
    "oss://bucket/a",
    "PT1M",
    "a@example.test",
    "13800000000",
    '["a"]',
)


#: what people write into fields whose form the template tells in words only
_TARGETS = '{Type: "ResourceIds", ResourceIds: ["i-bp1tide1"], RegionId: "cn-hangzhou"}'
_WRITTEN: dict[str, Any] = {
    "eventOutputTransformer": {"targets": _TARGETS},
    "alarmOutputTransformer": {"targets": _TARGETS},
    "eventTriggerProperties": {"product": "ECS", "name": ["Instance:StateChange"], "level": ["INFO"], "content": {}},
    "alarmTriggerProperties": {
        "namespace": "acs_ecs_dashboard",
        "metricName": "CPUUtilization",
        "statistics": "Average",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 90,
        "resources": [{"instanceId": "i-bp1tide1"}],
        "times": 1,
        "period": 60,
        "interval": 60,
        "silenceTime": 300,
        "effectiveInterval": "00:00-23:59",
    },
    "upgradeSteps": [
        {"Type": "RunCommand", "ApplicationGroupName": "app", "CommandContent": "uptime", "Parameters": {}}
    ],
    "instanceInfos": [{"instanceId": "i-bp1tide1", "commandContent": "dXB0aW1l"}],
    "modifyInstanceSpecInfo": {"ecs.g6.large": "ecs.g6.xlarge"},
    "refererList": ["https://example.test"],
    "templateName": "ACS-ECS-BulkyRebootInstances",
    "templateParameters": {
        "targets": {"Type": "ResourceIds", "ResourceIds": ["i-bp1tide1"], "RegionId": "cn-hangzhou"}
    },
}


def fill_in(template: Template, region: str, chance: random.Random) -> dict[str, Any]:
    """Return a value for every parameter that has no default; later tries also change those that have one."""
    return {
        name: _value(definition, region, chance)
        for name, definition in template.parameters.items()
        if definition.is_required or name in _WRITTEN
    }


def vary(template: Template, region: str, chance: random.Random) -> dict[str, Any]:
    """Return other values, also for some of the parameters with a choice and for empty defaults."""
    varied = fill_in(template, region, chance)
    for name, definition in template.parameters.items():
        if name in varied:
            continue
        if (definition.default in ("", [], {}) and chance.random() < 0.5) or (
            (definition.allowed_values or definition.type == "Boolean") and chance.random() < 0.5
        ):
            varied[name] = _value(definition, region, chance)
    return varied


def _value(definition: ParameterDefinition, region: str, chance: random.Random) -> Any:
    if (definition.name in _WRITTEN and definition.type != "String") or definition.name == "templateName":
        return _WRITTEN[definition.name]
    if definition.allowed_values:
        chosen = chance.choice(definition.allowed_values)
        return [chosen] if definition.type == "List" else chosen
    if (known := _of_widget(definition, region, chance)) is not None:
        return to_json(known) if definition.type == "String" and not isinstance(known, str) else known
    match definition.type:
        case "Number":
            return definition.min_value if definition.min_value is not None else 1
        case "Boolean":
            return chance.random() < 0.5
        case "List":
            return [_word(definition)]
        case "Json":
            return chance.choice([{}, [], {"key": "value"}, ["value"]])
    return _word(definition)


def _of_widget(definition: ParameterDefinition, region: str, chance: random.Random) -> Any:
    """Return what the form's widget produces."""
    metadata = definition.source.get("AssociationPropertyMetadata") or {}
    match definition.source.get("AssociationProperty"):
        case "Targets":
            return {"Type": "ResourceIds", "ResourceIds": ["i-bp1tide1", "i-bp1tide2"], "RegionId": region}
        case "RateControl":
            return {"Mode": "Concurrency", "Concurrency": 10, "MaxErrors": 0}
        case "Tags":
            return [{"Key": "env", "Value": "dev"}]
        case "RegionId" | "ALIYUN::ECS::RegionId":
            return [region] if definition.type == "List" else region
        case "DateTime":
            return _moment(str(metadata.get("Format", "")), 1 + chance.randrange(22))
        case "Cron":
            return "0 0 12 ? * *"
        case "TimeZone":
            return "Asia/Shanghai"
        case "TimeTriggerWeekly":
            return "MON,TUE"
        case "ALIYUN::OOS::Component::TimerTrigger":
            return {"type": "cron", "expression": "0 0 12 ? * *", "endDate": "2099-01-01T00:00:00Z", "timeZone": "UTC"}
        case "List[Parameters]":
            return [{name: _inner(inner) for name, inner in (metadata.get("Parameters") or {}).items()}]
    return None


def _inner(source: Mapping[str, Any]) -> Any:
    allowed = source.get("AllowedValues")
    if allowed:
        return allowed[0]
    if source.get("Default") is not None:
        return source["Default"]
    return {"Number": 1, "Boolean": True, "List": ["a"], "Json": {}}.get(str(source.get("Type")), "a")


def _moment(form: str, hour: int) -> str:
    for letters, digits in (
        ("YYYY", "2099"),
        ("MM", "01"),
        ("DD", "02"),
        ("HH", f"{hour:02}"),
        ("mm", "30"),
        ("ss", "00"),
    ):
        form = form.replace(letters, digits)
    return form or "2099-01-02T12:30:00Z"


def _word(definition: ParameterDefinition) -> str:
    pattern = definition.allowed_pattern
    least, most = definition.min_length or 0, definition.max_length or 1000
    for word in (text_for(definition.name), *_WORDS):
        if (pattern is None or re.fullmatch(pattern, word)) and (
            definition.type == "List" or least <= len(word) <= most
        ):
            return word
    return "a" * max(least, 1)
