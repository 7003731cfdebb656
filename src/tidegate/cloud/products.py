"""The products of a cloud as a client meets them: API version, address, and which parameters are JSON text (wire.md)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from tidegate.errors import ConfigurationError
from tidegate.wire.parameters import flatten


class Product(msgspec.Struct, frozen=True):
    """One product; ``host`` may hold ``{region}``. ``central`` regions are served at another host."""

    name: str
    version: str
    host: str
    central_host: str = ""
    central: frozenset[str] = frozenset()
    #: parameters whose lists and maps travel as one JSON text (wire.md 6)
    json_text: frozenset[str] = frozenset()

    def address(self, region: str) -> str:
        """Return the production host for a region."""
        return self.central_host if region in self.central else self.host.format(region=region)


#: Regions that Auto Scaling serves at one host (wire.md 1: newer regions have hosts of their own).
_ESS_CENTRAL = frozenset(
    {
        "ap-southeast-1",
        "cn-beijing",
        "cn-hangzhou",
        "cn-hongkong",
        "cn-qingdao",
        "cn-shanghai",
        "cn-shenzhen",
        "us-east-1",
        "us-west-1",
    }
)

_PRODUCTS = (
    Product(
        "ess",
        "2014-08-28",  # what runbooks are written for
        "ess.{region}.aliyuncs.com",
        "ess.aliyuncs.com",
        _ESS_CENTRAL,
        frozenset({"SchedulerOptions", "Overrides", "LifecycleHookContext"}),
    ),
    Product(
        "oos",
        "2019-06-01",
        "oos.{region}.aliyuncs.com",
        json_text=frozenset(
            {
                "Parameters",
                "Tags",
                "ResourceTags",
                "AlarmConfig",
                "ResourceIds",
                "TagKeys",
                "RdFolderIds",
                "ApprovedPatches",
                "RejectedPatches",
                "Sources",
            }
        ),
    ),
    Product(
        "ecs",
        "2014-05-26",
        "ecs.{region}.aliyuncs.com",
        json_text=frozenset(
            {
                "InstanceIds",
                "InnerIpAddresses",
                "PrivateIpAddresses",
                "PublicIpAddresses",
                "EipAddresses",
                "Parameters",
            }
        ),
    ),
    Product("r-kvstore", "2015-01-01", "r-kvstore.aliyuncs.com"),
    Product("ram", "2015-05-01", "ram.aliyuncs.com", json_text=frozenset({"Tag", "TagKeys", "ResourceNames"})),
    Product("sts", "2015-04-01", "sts.{region}.aliyuncs.com"),
    Product("slb", "2014-05-15", "slb.aliyuncs.com", json_text=frozenset({"BackendServers"})),
    Product("alb", "2020-06-16", "alb.{region}.aliyuncs.com"),
    Product("rds", "2014-08-15", "rds.aliyuncs.com"),
    Product("vpc", "2016-04-28", "vpc.aliyuncs.com"),
    Product("polardb", "2017-08-01", "polardb.aliyuncs.com"),
    Product("dds", "2015-12-01", "mongodb.aliyuncs.com"),
    Product("adb", "2019-03-15", "adb.aliyuncs.com"),
    Product("cms", "2019-01-01", "metrics.{region}.aliyuncs.com"),
    Product("mns-open", "2022-01-19", "mns-open.{region}.aliyuncs.com"),
    Product("eci", "2018-08-08", "eci.aliyuncs.com"),
    # in ROA style
    Product("cs", "2015-12-15", "cs.{region}.aliyuncs.com"),
    Product("fc", "2023-03-30", "fcv3.{region}.aliyuncs.com"),
    Product(
        "eventbridge",
        "2020-04-01",
        "eventbridge-console.{region}.aliyuncs.com",
        json_text=frozenset({"EventTargets", "Targets", "TargetIds", "EventList"}),
    ),
)

PRODUCTS: Mapping[str, Product] = MappingProxyType(
    {each.name: each for each in _PRODUCTS} | {"kvstore": next(each for each in _PRODUCTS if each.name == "r-kvstore")}
)


def product_named(name: str) -> Product:
    """Return a product by its name in any case. Raises ConfigurationError for one that is not known."""
    found = PRODUCTS.get(name.lower())
    if found is None:
        raise ConfigurationError(f"no product {name!r}; known are {', '.join(sorted(PRODUCTS))}")
    return found


def spell(product: Product, _action: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as they travel: numbered lists and dots, JSON text for those that are JSON text."""
    return flatten(
        {
            name: msgspec.json.encode(value).decode()
            if name in product.json_text and isinstance(value, Mapping | list | tuple)
            else value
            for name, value in parameters.items()
        }
    )
