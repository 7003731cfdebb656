"""The tutorial's family: the same hooks and runbooks for the databases beside Redis, through their official SDKs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sdks import REGION, Sdks

from .conftest import Furniture, grant, revoke


class MongoDB:
    """A MongoDB instance."""

    template = "ACS-ESS-LifeCycleModifyMongoDBIPWhitelist"
    actions = ("dds:ModifySecurityIps",)

    def __init__(self, sdks: Sdks) -> None:
        from alibabacloud_dds20151201 import models

        self.client, self.models = sdks.dds, models
        request = models.CreateDBInstanceRequest(
            region_id=REGION,
            engine="MongoDB",
            engine_version="5.0",
            dbinstance_class="mdb.shard.4x.large.d",
            dbinstance_storage=20,
        )
        self.id: str = self.client.create_dbinstance(request).body.dbinstance_id
        self.target = {"dbInstanceId": self.id}

    def whitelist(self) -> list[str]:
        body = self.client.describe_security_ips(self.models.DescribeSecurityIpsRequest(dbinstance_id=self.id)).body
        (group,) = body.security_ip_groups.security_ip_group
        assert (group.security_ip_group_name, group.security_ip_list) == ("default", body.security_ips)
        return group.security_ip_list.split(",")

    def delete(self) -> None:
        self.client.delete_dbinstance(self.models.DeleteDBInstanceRequest(dbinstance_id=self.id))


class AnalyticDB:
    """An AnalyticDB cluster."""

    template = "ACS-ESS-LifeCycleModifyAnalyticDBIPWhitelist"
    actions = ("adb:ModifyDBClusterAccessWhiteList",)

    def __init__(self, sdks: Sdks) -> None:
        from alibabacloud_adb20190315 import models

        self.client, self.models = sdks.adb, models
        request = models.CreateDBClusterRequest(
            region_id=REGION, dbcluster_category="Cluster", dbcluster_version="3.0", pay_type="Postpaid"
        )
        self.id: str = self.client.create_dbcluster(request).body.dbcluster_id
        self.target = {"dbClusterId": self.id}

    def whitelist(self) -> list[str]:
        request = self.models.DescribeDBClusterAccessWhiteListRequest(dbcluster_id=self.id)
        (group,) = self.client.describe_dbcluster_access_white_list(request).body.items.iparray
        assert group.dbcluster_iparray_name == "default"
        return group.security_iplist.split(",")

    def delete(self) -> None:
        self.client.delete_dbcluster(self.models.DeleteDBClusterRequest(dbcluster_id=self.id))


class PolarDB:
    """A PolarDB cluster."""

    template = "ACS-ESS-LifeCycleModifyPolarDBIPWhitelist"
    actions = ("polardb:DescribeDBClusterAccessWhitelist", "polardb:ModifyDBClusterAccessWhitelist")

    def __init__(self, sdks: Sdks) -> None:
        from alibabacloud_polardb20170801 import models

        self.client, self.models = sdks.polardb, models
        request = models.CreateDBClusterRequest(
            region_id=REGION,
            dbtype="MySQL",
            dbversion="8.0",
            dbnode_class="polar.mysql.x4.medium",
            pay_type="Postpaid",
        )
        self.id: str = self.client.create_dbcluster(request).body.dbcluster_id
        self.target = {"dbClusterId": self.id}

    def whitelist(self) -> list[str]:
        request = self.models.DescribeDBClusterAccessWhitelistRequest(dbcluster_id=self.id)
        (group,) = self.client.describe_dbcluster_access_whitelist(request).body.items.dbcluster_iparray
        assert group.dbcluster_iparray_name == "default"
        return group.security_ips.split(",")

    def delete(self) -> None:
        self.client.delete_dbcluster(self.models.DeleteDBClusterRequest(dbcluster_id=self.id))


@pytest.mark.parametrize("kind", [MongoDB, AnalyticDB, PolarDB])
def test_a_new_instance_is_listed_while_it_is_a_member(sdks: Sdks, kind: Callable[[Sdks], Any]) -> None:
    database = kind(sdks)
    policy = "Siblings-" + type(database).__name__
    grant(sdks, ["ecs:DescribeInstances", *database.actions, "ess:CompleteLifecycleAction"], policy)
    try:
        furniture = Furniture(sdks, template=database.template, target=database.target)

        out = furniture.ended(furniture.execute(furniture.add1))

        assert out.status_code == "Successful"
        (member,) = furniture.members()
        address = furniture.address(member.instance_id)
        assert database.whitelist() == ["127.0.0.1", address]
        execution = furniture.execution_ended()
        assert (execution.status, execution.template_name) == ("Success", database.template)

        gone = furniture.ended(furniture.execute(furniture.remove1))

        assert gone.status_code == "Successful"
        assert database.whitelist() == ["127.0.0.1"]
    finally:
        revoke(sdks, policy)
        database.delete()
    assert furniture.whitelist() == ["127.0.0.1"]  # nobody touched the Redis instance
