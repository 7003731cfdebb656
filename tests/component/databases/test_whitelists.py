"""The whitelists of PolarDB, MongoDB, AnalyticDB and RDS: one meaning, each product's names, limits and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from support.clouds import Memory


@dataclass(frozen=True)
class Spelling:
    """How one product spells what all of them have."""

    product: str
    create: str
    delete: str
    id: str
    modify: str
    describe: str
    group: str
    attribute: str
    path: tuple[str, str]
    entries: str
    unknown: str
    format: str
    too_many: str
    limit: int = 1000


POLARDB = Spelling(
    product="POLARDB",
    create="CreateDBCluster",
    delete="DeleteDBCluster",
    id="DBClusterId",
    modify="ModifyDBClusterAccessWhitelist",
    describe="DescribeDBClusterAccessWhitelist",
    group="DBClusterIPArrayName",
    attribute="DBClusterIPArrayAttribute",
    path=("Items", "DBClusterIPArray"),
    entries="SecurityIps",
    unknown="InvalidDBClusterId.NotFound",
    format="InvalidSecurityIPList.Format",
    too_many="InvalidSecurityIPList.QuotaExceeded",
)
ADB = Spelling(
    product="ADB",
    create="CreateDBCluster",
    delete="DeleteDBCluster",
    id="DBClusterId",
    modify="ModifyDBClusterAccessWhiteList",
    describe="DescribeDBClusterAccessWhiteList",
    group="DBClusterIPArrayName",
    attribute="DBClusterIPArrayAttribute",
    path=("Items", "IPArray"),
    entries="SecurityIPList",
    unknown="InvalidDBClusterId.NotFound",
    format="InvalidSecurityIPList.Format",
    too_many="InvalidSecurityIPList.QuotaExceeded",
    limit=500,
)
DDS = Spelling(
    product="DDS",
    create="CreateDBInstance",
    delete="DeleteDBInstance",
    id="DBInstanceId",
    modify="ModifySecurityIps",
    describe="DescribeSecurityIps",
    group="SecurityIpGroupName",
    attribute="SecurityIpGroupAttribute",
    path=("SecurityIpGroups", "SecurityIpGroup"),
    entries="SecurityIpList",
    unknown="InvalidDBInstanceId.NotFound",
    format="InvalidSecurityIps.MalFormed",
    too_many="InvalidSecurityIPListLength.Malformed",
)
RDS = Spelling(
    product="RDS",
    create="CreateDBInstance",
    delete="DeleteDBInstance",
    id="DBInstanceId",
    modify="ModifySecurityIps",
    describe="DescribeDBInstanceIPArrayList",
    group="DBInstanceIPArrayName",
    attribute="DBInstanceIPArrayAttribute",
    path=("Items", "DBInstanceIPArray"),
    entries="SecurityIPList",
    unknown="InvalidDBInstanceId.NotFound",
    format="SecurityIPList.Format",
    too_many="InvalidSecurityIPListLength.Malformed",
)
ALL = [POLARDB, ADB, DDS, RDS]


class Whitelist:
    """The whitelist of a new database, in its product's spelling."""

    def __init__(self, cloud: Memory, spelling: Spelling, database_id: str) -> None:
        self.cloud, self.spelling, self.id = cloud, spelling, database_id

    async def modify(self, entries: str, **more: str) -> dict[str, Any]:
        return await self.cloud.call(self.spelling.product, self.spelling.modify, **self._words(entries, more))

    async def refused(self, entries: str, **more: str) -> str:
        words = self._words(entries, more)
        return (await self.cloud.refused(self.spelling.product, self.spelling.modify, **words)).code

    async def groups(self) -> dict[str, tuple[str, str]]:
        answer = await self.cloud.call(self.spelling.product, self.spelling.describe, **{self.spelling.id: self.id})
        outer, inner = self.spelling.path
        return {
            group[self.spelling.group]: (group[self.spelling.entries], group[self.spelling.attribute])
            for group in answer[outer][inner]
        }

    async def default(self) -> str:
        return (await self.groups())["default"][0]

    def _words(self, entries: str, more: dict[str, str]) -> dict[str, str]:
        names = {"mode": "ModifyMode", "group": self.spelling.group, "attribute": self.spelling.attribute}
        return {self.spelling.id: self.id, "SecurityIps": entries} | {names[key]: more[key] for key in more}


async def make(cloud: Memory, spelling: Spelling, **parameters: Any) -> Whitelist:
    made = await cloud.call(spelling.product, spelling.create, **parameters)
    return Whitelist(cloud, spelling, made[spelling.id])


def addresses(count: int) -> str:
    return ",".join(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(count))


@pytest.mark.parametrize("spelling", ALL, ids=lambda one: one.product)
async def test_a_whitelist_is_kept_by_the_rules_of_its_product(cloud: Memory, spelling: Spelling) -> None:
    whitelist = await make(cloud, spelling)
    assert await whitelist.groups() == {"default": ("127.0.0.1", "")}

    await whitelist.modify("10.0.0.1,10.0.0.0/24")
    assert await whitelist.default() == "10.0.0.1,10.0.0.0/24"
    await whitelist.modify("10.0.0.2", mode="Append")
    await whitelist.modify("10.0.0.1", mode="Delete")
    assert await whitelist.default() == "10.0.0.0/24,10.0.0.2"
    await whitelist.modify("10.9.0.1", group="web", attribute="hidden")
    assert (await whitelist.groups())["web"] == ("10.9.0.1", "hidden")

    assert await whitelist.refused("10.0.0.2", mode="Append") == "InvalidInstanceIp.Duplicate"
    assert await whitelist.refused("10.7.7.7", mode="Delete") == "InvalidSecurityIPs.NotFound"
    assert await whitelist.refused("not-an-address") == spelling.format
    assert await whitelist.refused("10.0.0.1", group="Not Good") == "InvalidGroupName.Format"
    assert await whitelist.refused("10.0.0.1", mode="Replace") == "InvalidParameter"
    assert await whitelist.refused(addresses(spelling.limit + 1)) == spelling.too_many
    assert await whitelist.default() == "10.0.0.0/24,10.0.0.2"
    await whitelist.modify(addresses(spelling.limit - 1))

    await cloud.call(spelling.product, spelling.delete, **{spelling.id: whitelist.id})
    assert await whitelist.refused("10.0.0.1") == spelling.unknown


async def test_a_database_is_no_database_of_another_product(cloud: Memory) -> None:
    whitelist = await make(cloud, DDS)

    refusal = await cloud.refused("RDS", "ModifySecurityIps", DBInstanceId=whitelist.id, SecurityIps="10.0.0.1")

    assert (refusal.code, refusal.status) == ("InvalidDBInstanceId.NotFound", 404)


async def test_mongodb_extends_where_append_would_refuse(cloud: Memory) -> None:
    whitelist = await make(cloud, DDS)

    await whitelist.modify("127.0.0.1,10.0.0.1", mode="Extend")

    assert await whitelist.default() == "127.0.0.1,10.0.0.1"


@pytest.mark.parametrize("mode", ["Append", "Cover"])
async def test_rds_drops_its_placeholder_with_the_first_real_address(cloud: Memory, mode: str) -> None:
    whitelist = await make(cloud, RDS)

    await whitelist.modify("10.0.0.1", mode=mode, group="Default")

    assert await whitelist.default() == "10.0.0.1"
    assert await whitelist.refused("10.0.0.1", mode="Delete") == "InvalidSecurityIPs.NotFound"


async def test_changes_carry_the_answers_of_their_products(cloud: Memory) -> None:
    analytic, mongo, rds = await make(cloud, ADB), await make(cloud, DDS), await make(cloud, RDS)

    answer = await analytic.modify("10.0.0.1")

    assert (answer.keys(), answer["DBClusterId"]) == ({"TaskId", "DBClusterId"}, analytic.id)
    assert isinstance(answer["TaskId"], int)
    assert await mongo.modify("10.0.0.1") == {}
    assert (await rds.modify("10.0.0.1")).keys() == {"TaskId"}


async def test_polardb_lets_members_of_security_groups_in_too(cloud: Memory) -> None:
    whitelist = await make(cloud, POLARDB, SecurityIPList="10.0.0.1")
    group = (await cloud.call("ecs", "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"]
    ask = {"DBClusterId": whitelist.id, "WhiteListType": "SecurityGroup"}

    await cloud.call("polardb", POLARDB.modify, **ask, SecurityGroupIds=group)

    answer = await cloud.call("polardb", POLARDB.describe, DBClusterId=whitelist.id)
    attached = answer["DBClusterSecurityGroups"]["DBClusterSecurityGroup"]
    assert [one["SecurityGroupId"] for one in attached] == [group]
    assert await whitelist.default() == "10.0.0.1"
    refusal = await cloud.refused("polardb", POLARDB.modify, **ask, SecurityGroupIds="sg-nobody")
    assert refusal.code == "InvalidParameter"


async def test_lists_show_what_was_made_and_a_repeat_makes_nothing(cloud: Memory) -> None:
    first = await cloud.call("polardb", "CreateDBCluster", ClientToken="one", DBClusterDescription="orders")
    again = await cloud.call("polardb", "CreateDBCluster", ClientToken="one", DBClusterDescription="orders")
    rds = await make(cloud, RDS)

    clusters = await cloud.call("polardb", "DescribeDBClusters")
    instances = await cloud.call("rds", "DescribeDBInstances", DBInstanceId=rds.id)
    attribute = await cloud.call("polardb", "DescribeDBClusterAttribute", DBClusterId=first["DBClusterId"])

    assert first == again
    (cluster,) = clusters["Items"]["DBCluster"]
    assert (cluster["DBClusterId"], cluster["DBClusterStatus"]) == (first["DBClusterId"], "Running")
    assert cluster["DBClusterDescription"] == attribute["DBClusterDescription"] == "orders"
    assert (clusters["TotalRecordCount"], instances["TotalRecordCount"]) == (1, 1)
