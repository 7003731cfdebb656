"""A started cloud, official SDK clients aimed at it, and the tutorial's furniture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
POLICY = "ESSHookPolicyForRedisWhitelist"
ACTIONS = ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    folder: Path = tmp_path_factory.mktemp("cloud")
    with RunningCloud(folder, "--adjustable-clock") as running:
        yield running


@pytest.fixture(scope="module")
def sdks(cloud: RunningCloud) -> Sdks:
    variables = cloud.variables
    return Sdks(cloud.endpoint, variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])


class Furniture:
    """A Redis instance and an enabled group with a rule and the two whitelist hooks, made through the SDKs."""

    def __init__(
        self,
        sdks: Sdks,
        *,
        timeout: int = 300,
        default: str = "CONTINUE",
        template: str = TEMPLATE,
        target: dict[str, str] | None = None,
    ) -> None:
        """``target`` is the database parameter of the runbook, when it is not the Redis instance made here."""
        from alibabacloud_ecs20140526 import models as ecs
        from alibabacloud_ess20220222 import models as ess
        from alibabacloud_r_kvstore20150101 import models as kvstore

        self.sdks = sdks
        vswitch = sdks.ecs.describe_vswitches(ecs.DescribeVSwitchesRequest(region_id=REGION)).body.v_switches.v_switch[
            0
        ]
        group = sdks.ecs.describe_security_groups(ecs.DescribeSecurityGroupsRequest(region_id=REGION))
        image = sdks.ecs.describe_images(ecs.DescribeImagesRequest(region_id=REGION, ostype="linux"))
        self.vswitch_id: str = vswitch.v_switch_id
        self.security_group_id: str = group.body.security_groups.security_group[0].security_group_id
        self.image_id: str = image.body.images.image[0].image_id
        self.password = "Tide12345gate"
        made = sdks.redis.create_instance(
            kvstore.CreateInstanceRequest(
                region_id=REGION,
                instance_class="redis.master.small.default",
                password=self.password,
                v_switch_id=vswitch.v_switch_id,
                vpc_id=vswitch.vpc_id,
                zone_id=vswitch.zone_id,
            )
        ).body
        self.redis_id: str = made.instance_id
        self.redis = eventually(self.redis_attribute, lambda found: found.instance_status == "Normal", "a Normal Redis")
        self.group_id: str = sdks.ess.create_scaling_group(
            ess.CreateScalingGroupRequest(
                region_id=REGION, min_size=0, max_size=5, default_cooldown=0, v_switch_ids=[vswitch.v_switch_id]
            )
        ).body.scaling_group_id
        configuration = sdks.ess.create_scaling_configuration(
            ess.CreateScalingConfigurationRequest(
                scaling_group_id=self.group_id,
                image_id=self.image_id,
                instance_type="ecs.g6.large",
                security_group_id=self.security_group_id,
            )
        ).body.scaling_configuration_id
        sdks.ess.enable_scaling_group(
            ess.EnableScalingGroupRequest(scaling_group_id=self.group_id, active_scaling_configuration_id=configuration)
        )
        self.add1 = self.make_rule("Add1", 1)
        self.remove1 = self.make_rule("Remove1", -1)
        account = sdks.sts.get_caller_identity().body.account_id
        self.arn = f"acs:oos:{REGION}:{account}:template/{template}"
        self.target = target or {"dbInstanceId": self.redis_id}
        self.hooks = {
            transition: sdks.ess.create_lifecycle_hook(
                ess.CreateLifecycleHookRequest(
                    scaling_group_id=self.group_id,
                    lifecycle_hook_name=f"ESSHookForRedis-{transition}",
                    lifecycle_transition=transition,
                    heartbeat_timeout=timeout,
                    default_result=default,
                    notification_arn=self.arn,
                    notification_metadata=json.dumps({**self.target, "modifyMode": mode}),
                )
            ).body.lifecycle_hook_id
            for transition, mode in (("SCALE_OUT", "Append"), ("SCALE_IN", "Delete"))
        }

    def make_rule(self, name: str, change: int) -> str:
        from alibabacloud_ess20220222 import models as ess

        request = ess.CreateScalingRuleRequest(
            scaling_group_id=self.group_id,
            scaling_rule_name=name,
            adjustment_type="QuantityChangeInCapacity",
            adjustment_value=change,
        )
        ari: str = self.sdks.ess.create_scaling_rule(request).body.scaling_rule_ari
        return ari

    def execute(self, rule: str) -> str:
        from alibabacloud_ess20220222 import models as ess

        request = ess.ExecuteScalingRuleRequest(region_id=REGION, scaling_rule_ari=rule)
        activity: str = self.sdks.ess.execute_scaling_rule(request).body.scaling_activity_id
        return activity

    def activity(self, activity_id: str) -> Any:
        from alibabacloud_ess20220222 import models as ess

        request = ess.DescribeScalingActivitiesRequest(region_id=REGION, scaling_activity_ids=[activity_id])
        return self.sdks.ess.describe_scaling_activities(request).body.scaling_activities[0]

    def ended(self, activity_id: str, seconds: float = 30.0) -> Any:
        return eventually(
            lambda: self.activity(activity_id),
            lambda found: found.status_code != "InProgress",
            f"the end of {activity_id}",
            seconds,
        )

    def members(self) -> list[Any]:
        from alibabacloud_ess20220222 import models as ess

        request = ess.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=self.group_id)
        found: list[Any] = self.sdks.ess.describe_scaling_instances(request).body.scaling_instances or []
        return found

    def redis_attribute(self) -> Any:
        from alibabacloud_r_kvstore20150101 import models as kvstore

        request = kvstore.DescribeInstanceAttributeRequest(instance_id=self.redis_id)
        return self.sdks.redis.describe_instance_attribute(request).body.instances.dbinstance_attribute[0]

    def whitelist(self) -> list[str]:
        from alibabacloud_r_kvstore20150101 import models as kvstore

        request = kvstore.DescribeSecurityIpsRequest(instance_id=self.redis_id)
        groups = self.sdks.redis.describe_security_ips(request).body.security_ip_groups.security_ip_group
        return [entry for group in groups for entry in group.security_ip_list.split(",")]

    def address(self, instance_id: str) -> str:
        from alibabacloud_ecs20140526 import models as ecs

        request = ecs.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps([instance_id]))
        instance = self.sdks.ecs.describe_instances(request).body.instances.instance[0]
        address: str = instance.vpc_attributes.private_ip_address.ip_address[0]
        return address

    def executions(self) -> list[Any]:
        from alibabacloud_oos20190601 import models as oos

        found = self.sdks.oos.list_executions(oos.ListExecutionsRequest(region_id=REGION)).body.executions
        return [one for one in found if self.target.items() <= (one.parameters or {}).items()]

    def execution_ended(self) -> Any:
        found = eventually(
            self.executions,
            lambda found: found and found[0].status in {"Success", "Failed", "Cancelled"},
            "the end of the runbook",
        )
        return found[0]

    def tasks(self, execution_id: str) -> dict[str, Any]:
        from alibabacloud_oos20190601 import models as oos

        request = oos.ListTaskExecutionsRequest(region_id=REGION, execution_id=execution_id)
        return {task.task_name: task for task in self.sdks.oos.list_task_executions(request).body.task_executions}


def grant(sdks: Sdks, actions: list[str] | None = None, name: str = POLICY) -> None:
    """Create the tutorial's policy and attach it to the role OOSServiceRole."""
    from alibabacloud_ram20150501 import models as ram

    document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": actions or ACTIONS, "Resource": "*"}]}
    sdks.ram.create_policy(ram.CreatePolicyRequest(policy_name=name, policy_document=json.dumps(document)))
    sdks.ram.attach_policy_to_role(
        ram.AttachPolicyToRoleRequest(policy_type="Custom", policy_name=name, role_name="OOSServiceRole")
    )


def revoke(sdks: Sdks, name: str = POLICY) -> None:
    """Detach and delete the policy again."""
    from alibabacloud_ram20150501 import models as ram

    sdks.ram.detach_policy_from_role(
        ram.DetachPolicyFromRoleRequest(policy_type="Custom", policy_name=name, role_name="OOSServiceRole")
    )
    sdks.ram.delete_policy(ram.DeletePolicyRequest(policy_name=name))
