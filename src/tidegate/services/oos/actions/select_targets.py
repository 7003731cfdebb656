"""``ACS::SelectTargets``: resources by id, tag, group, or all of them (oos.md 5.9).

The answer is that of the resource's own list operation, and beside it ``Instances.Instance`` with an ``InstanceId`` in
every record: that is what all public templates select, also of RDS and Redis, whose own answers look different.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import msgspec

from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.actions.execute_api import call
from tidegate.services.oos.values import from_json

#: identifiers in one call of a list operation
_IDS_IN_A_CALL: Final = 100


class _Resource(msgspec.Struct, frozen=True):
    """How one type of resource is listed. ``path`` leads to the list in the answer, ``id`` is a field of its records."""

    service: str
    api: str
    path: tuple[str, ...]
    id: str
    #: the parameter that takes several identifiers; None: all are listed, and the wanted ones kept
    ids: str | None
    #: whether that parameter takes them with commas between them
    joined: bool = False

    def with_ids(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return the parameter that asks for these identifiers."""
        return {} if self.ids is None else {self.ids: ",".join(ids) if self.joined else list(ids)}

    def records(self, answer: Any) -> list[dict[str, Any]]:
        """Return the records of an answer."""
        for key in self.path:
            answer = answer.get(key) if isinstance(answer, dict) else None
        return answer if isinstance(answer, list) else []

    def answer(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Return records as the operation answers them."""
        answer: Any = records
        for key in reversed(self.path):
            answer = {key: answer}
        return dict(answer)

    def with_instances(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer with its records also where those of ECS stand."""
        records = [{**record, "InstanceId": record.get(self.id)} for record in self.records(answer)]
        instances = answer.get("Instances")
        return {**answer, "Instances": {**(instances if isinstance(instances, dict) else {}), "Instance": records}}


_RESOURCES: Final[Mapping[str, _Resource]] = MappingProxyType(
    {
        "aliyun::ecs::instance": _Resource(
            "ECS", "DescribeInstances", ("Instances", "Instance"), "InstanceId", "InstanceIds"
        ),
        "aliyun::redis::instance": _Resource(
            "R-KVSTORE",
            "DescribeInstances",
            ("Instances", "KVStoreInstance"),
            "InstanceId",
            "InstanceIds",
            joined=True,
        ),
        "aliyun::rds::instance": _Resource("RDS", "DescribeDBInstances", ("Items", "DBInstance"), "DBInstanceId", None),
        "aliyun::ecs::managedinstance": _Resource(
            "ECS", "DescribeManagedInstances", ("Instances", "Instance"), "InstanceId", "InstanceId"
        ),
        "aliyun::ecd::desktop": _Resource("ECD", "DescribeDesktops", ("Desktops",), "DesktopId", "DesktopId"),
        "aliyun::computenestsupplier::instance": _Resource(
            "ComputeNestSupplier", "ListServiceInstances", ("ServiceInstances",), "ServiceInstanceId", None
        ),
    }
)


def list_operation(kind: Any) -> tuple[str, str] | None:
    """Return service and operation that list a type of resource; None when it is not known."""
    resource = _RESOURCES.get(str(kind).lower())
    return None if resource is None else (resource.service, resource.api)


async def perform(situation: Situation) -> Finished | LookAgain:
    """List what the filter asks for."""
    kind = str(situation.properties.get("ResourceType"))
    resource = _RESOURCES.get(kind.lower())
    if resource is None:
        raise ActionFailedError(f"targets of the type {kind[:80]} are not supported")
    wanted = _filter(situation.properties.get("Filters"))
    region = wanted.get("RegionId") or situation.properties.get("RegionId") or situation.region
    try:
        answer = await _select(situation, resource, wanted, {"RegionId": region})
    except CloudError as error:
        raise ActionFailedError(str(error)) from error
    ids = [str(record.get(resource.id)) for record in resource.records(answer)]
    return Finished(resource.with_instances(answer), targets=ids[: limits.LOOP_ITEMS])


async def _select(
    situation: Situation, resource: _Resource, wanted: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    async def listed(more: Mapping[str, Any]) -> dict[str, Any]:
        asked = {"Service": resource.service, "API": resource.api, "Parameters": {**parameters, **more}}
        answer: dict[str, Any] = await call(replace(situation, properties=asked))
        return answer

    match str(wanted.get("Type", "")).lower():
        case "all":
            return await listed({})
        case "tags":
            return await listed({"Tag": _listed(wanted, "Tags")})
        case "resourcegroup":
            return await listed({"ResourceGroupId": wanted.get("ResourceGroupId")})
        case "resourceids":
            ids = list(dict.fromkeys(map(str, _listed(wanted, "ResourceIds"))))
            records: list[dict[str, Any]] = []
            for first in range(0, len(ids), _IDS_IN_A_CALL):
                some = ids[first : first + _IDS_IN_A_CALL]
                found = resource.records(await listed(resource.with_ids(some)))
                records += [record for record in found if record.get(resource.id) in some]
            return resource.answer(records)
    raise ActionFailedError("a filter's Type is ResourceIds, Tags, ResourceGroup or All")


def _filter(filters: Any) -> Mapping[str, Any]:
    """Return the one filter there is; the list and the filter itself may be JSON texts."""
    filters = _plain(filters)
    listed = [filters] if isinstance(filters, dict) else filters
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(only := _plain(listed[0]), dict):
        raise ActionFailedError("Filters must be a list of one filter")
    return only


def _listed(wanted: Mapping[str, Any], key: str) -> list[Any]:
    value = _plain(wanted.get(key))
    if not isinstance(value, list):
        raise ActionFailedError(f"the filter's {key} must be a list")
    return value


def _plain(value: Any) -> Any:
    """Read what was given as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        return value
