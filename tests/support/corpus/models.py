"""The shape of an operation's answer, as the official SDK declares it."""

from __future__ import annotations

import importlib
import importlib.util
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

#: package of the official SDK by product, of the version that runbooks are written for; others have none installed
PACKAGES = {
    "adb": "alibabacloud_adb20190315",
    "alb": "alibabacloud_alb20200616",
    "bssopenapi": "alibabacloud_bssopenapi20171214",
    "cs": "alibabacloud_cs20151215",
    "dds": "alibabacloud_dds20151201",
    "ecd": "alibabacloud_ecd20200930",
    "eci": "alibabacloud_eci20180808",
    "ecs": "alibabacloud_ecs20140526",
    "cms": "alibabacloud_cms20190101",
    "ess": "alibabacloud_ess20140828",
    "hbr": "alibabacloud_hbr20170908",
    "oos": "alibabacloud_oos20190601",
    "polardb": "alibabacloud_polardb20170801",
    "r-kvstore": "alibabacloud_r_kvstore20150101",
    "ram": "alibabacloud_ram20150501",
    "rds": "alibabacloud_rds20140815",
    "ros": "alibabacloud_ros20190910",
    "slb": "alibabacloud_slb20140515",
    "tag": "alibabacloud_tag20180828",
    "vpc": "alibabacloud_vpc20160428",
}
#: levels of models within models
_DEEPEST = 12


@cache
def shape_of(service: str, api: str) -> dict[str, Any] | None:
    """Return an answer with every field that the SDK's model of it has, its scalars empty; None: there is no model."""
    package = PACKAGES.get(service.lower())
    body = _class(package, api, "ResponseBody") if package is not None else None
    tree = _filled(body, 0).to_map() if body is not None else None
    return tree if isinstance(tree, dict) else None


@cache
def _models(package: str) -> Any:
    return importlib.import_module(f"{package}.models") if importlib.util.find_spec(package) else None


@cache
def _names(package: str) -> dict[str, str]:
    return {name.lower(): name for name in dir(_models(package))}


def _class(package: str, api: str, suffix: str) -> Callable[..., Any] | None:
    name = _names(package).get(f"{api}{suffix}".lower())
    return getattr(_models(package), name) if name else None


def _filled(hint: Any, depth: int) -> Any:
    """Return a value of a type: models with all their fields, lists with one element, scalars empty."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return [_filled(arguments[0], depth + 1)] if depth < _DEEPEST else []
    if origin is dict:
        return {}
    if hint in (str, int, float, bool):
        return hint()
    if not isinstance(hint, type) or not hasattr(hint, "to_map") or depth >= _DEEPEST:
        return None
    fields = {name: kind for name, kind in _hints(hint).items() if name != "return"}
    return hint(**{name: _filled(kind, depth + 1) for name, kind in fields.items()})


@cache
def _hints(model: type) -> dict[str, Any]:
    return typing.get_type_hints(model.__init__)  # type: ignore[misc]  # looked at, not called
