"""The lifecycle family on real hosts, through the official SDKs: what runbooks do is what is really there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

from .conftest import grant, revoke

ESS = "ACS-ESS-"
ENDED = {"Success", "Failed", "Cancelled"}


class Impatient(Sdks):
    """Clients of a cloud whose time goes faster while something is waited for."""

    def __init__(self, cloud: RunningCloud) -> None:
        keys = cloud.variables
        super().__init__(cloud.endpoint, keys["ALIBABA_CLOUD_ACCESS_KEY_ID"], keys["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        self._cloud = cloud

    def wait(self, look: Callable[[], Any], is_right: Callable[[Any], Any], what: str) -> Any:
        """Look until it is right, a second of the cloud's time after the other."""

        def look_later() -> Any:
            self._cloud.advance(1)
            return look()

        return eventually(look_later, is_right, what, 60)


@pytest.fixture(scope="module")
def trusted(cloud: RunningCloud) -> Iterator[Impatient]:
    """Let OOS do everything for a while."""
    sdks = Impatient(cloud)
    grant(sdks, ["*"], "FamilyMayDoEverything")
    yield sdks
    revoke(sdks, "FamilyMayDoEverything")


class Group:
    """A scaling group on real hosts, with hooks that run templates."""

    def __init__(self, sdks: Impatient, hooks: dict[tuple[str, str], dict[str, Any]]) -> None:
        from alibabacloud_ecs20140526 import models as ecs
        from alibabacloud_ess20220222 import models as ess

        self.sdks = sdks
        network = sdks.ecs.describe_vswitches(ecs.DescribeVSwitchesRequest(region_id=REGION)).body.v_switches
        groups = sdks.ecs.describe_security_groups(ecs.DescribeSecurityGroupsRequest(region_id=REGION)).body
        images = sdks.ecs.describe_images(ecs.DescribeImagesRequest(region_id=REGION)).body.images.image
        self.id: str = sdks.ess.create_scaling_group(
            ess.CreateScalingGroupRequest(
                region_id=REGION,
                min_size=0,
                max_size=5,
                default_cooldown=0,
                v_switch_ids=[network.v_switch[0].v_switch_id],
            )
        ).body.scaling_group_id
        self.configuration: str = sdks.ess.create_scaling_configuration(
            ess.CreateScalingConfigurationRequest(
                scaling_group_id=self.id,
                image_id=images[-1].image_id,
                instance_type="ecs.g6.large",
                security_group_id=groups.security_groups.security_group[0].security_group_id,
            )
        ).body.scaling_configuration_id
        sdks.ess.enable_scaling_group(
            ess.EnableScalingGroupRequest(scaling_group_id=self.id, active_scaling_configuration_id=self.configuration)
        )
        account = sdks.sts.get_caller_identity().body.account_id
        for (transition, template), metadata in hooks.items():
            sdks.ess.create_lifecycle_hook(
                ess.CreateLifecycleHookRequest(
                    scaling_group_id=self.id,
                    lifecycle_hook_name=f"{transition}-{template}"[:60],
                    lifecycle_transition=transition,
                    heartbeat_timeout=300,
                    default_result="ABANDON",
                    notification_arn=f"acs:oos:{REGION}:{account}:template/{ESS}{template}",
                    notification_metadata=json.dumps(metadata),
                )
            )

    def scale(self, change: int) -> list[str]:
        """Change the number of instances; every hook must let it go on. Return the members."""
        from alibabacloud_ess20220222 import models as ess

        rule = self.sdks.ess.create_scaling_rule(
            ess.CreateScalingRuleRequest(
                scaling_group_id=self.id, adjustment_type="QuantityChangeInCapacity", adjustment_value=change
            )
        ).body.scaling_rule_ari
        activity = self.sdks.ess.execute_scaling_rule(
            ess.ExecuteScalingRuleRequest(region_id=REGION, scaling_rule_ari=rule)
        ).body.scaling_activity_id
        request = ess.DescribeScalingActivitiesRequest(region_id=REGION, scaling_activity_ids=[activity])
        ended = self.sdks.wait(
            lambda: self.sdks.ess.describe_scaling_activities(request).body.scaling_activities[0],
            lambda seen: seen.status_code != "InProgress",
            f"the end of {activity}",
        )
        assert ended.status_code == "Successful", ended.detail
        return self.members()

    def members(self) -> list[str]:
        """Return the group's instances."""
        from alibabacloud_ess20220222 import models as ess

        request = ess.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=self.id)
        found = self.sdks.ess.describe_scaling_instances(request).body.scaling_instances or []
        return [one.instance_id for one in found]


def instance(sdks: Impatient, instance_id: str) -> Any:
    from alibabacloud_ecs20140526 import models

    request = models.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps([instance_id]))
    [one] = sdks.ecs.describe_instances(request).body.instances.instance
    return one


def run_template(sdks: Impatient, template: str, **parameters: Any) -> dict[str, Any]:
    """Run a public template to its end; return its outputs."""
    from alibabacloud_oos20190601 import models

    started = sdks.oos.start_execution(
        models.StartExecutionRequest(
            region_id=REGION,
            template_name=template,
            parameters=json.dumps({**parameters, "OOSAssumeRole": "OOSServiceRole"}),
        )
    ).body.execution
    request = models.ListExecutionsRequest(region_id=REGION, execution_id=started.execution_id)
    ended = sdks.wait(
        lambda: sdks.oos.list_executions(request).body.executions[0],
        lambda seen: seen.status in ENDED,
        f"the end of {template}",
    )
    assert ended.status == "Success", ended.status_message
    return dict(json.loads(ended.outputs or "{}"))


def said(sdks: Impatient, instance_id: str, script: str) -> str:
    """Run a script on an instance; return what it printed."""
    from alibabacloud_ecs20140526 import models

    invocation = sdks.ecs.run_command(
        models.RunCommandRequest(
            region_id=REGION, instance_id=[instance_id], type="RunShellScript", command_content=script
        )
    ).body.invoke_id
    request = models.DescribeInvocationResultsRequest(
        region_id=REGION, invoke_id=invocation, content_encoding="PlainText"
    )
    result = sdks.wait(
        lambda: sdks.ecs.describe_invocation_results(request).body.invocation.invocation_results.invocation_result[0],
        lambda seen: seen.invocation_status in ("Success", "Failed"),
        "the end of a script",
    )
    return str(result.output)


def test_hooks_give_instances_addresses_names_and_files_and_take_the_addresses_back(trusted: Impatient) -> None:
    from alibabacloud_vpc20160428 import models

    group = Group(
        trusted,
        {
            ("SCALE_OUT", "LifeCycleAllocateEipAddressAndAttachToInstance"): {"bandwidth": 9},
            ("SCALE_OUT", "LifeCycleGetIpAddressAndModifyInstanceName"): {
                "instanceNameFormat": "web-{PrivateIpAddress}"
            },
            ("SCALE_OUT", "LifeCycleRunCommand"): {"commandContent": "hostname > /root/written", "timeout": 30},
            ("SCALE_IN", "LifeCycleReleaseEipAddressFromInstance"): {},
        },
    )

    [member] = group.scale(1)
    shown = instance(trusted, member)
    written = said(trusted, member, "cat /root/written")
    assert group.scale(-1) == []

    [address] = shown.vpc_attributes.private_ip_address.ip_address
    assert shown.instance_name == f"web-{address}"
    assert (shown.eip_address.bandwidth, bool(shown.eip_address.ip_address)) == (9, True)
    assert written.strip() == shown.host_name
    left = trusted.vpc.describe_eip_addresses(models.DescribeEipAddressesRequest(region_id=REGION)).body
    assert left.total_count == 0


def test_a_rolling_update_gives_real_hosts_new_disks(trusted: Impatient) -> None:
    from alibabacloud_ecs20140526 import models

    group = Group(trusted, {})
    [member] = group.scale(1)
    said(trusted, member, "touch /root/of-the-old-disk")
    old = said(trusted, member, "ls /root")
    image = trusted.ecs.create_image(
        models.CreateImageRequest(region_id=REGION, instance_id=member, image_name="rolled")
    ).body.image_id

    outputs = run_template(
        trusted,
        f"{ESS}RollingUpdateByReplaceSystemDiskInScalingGroup",
        invokeType="invoke",
        scalingGroupId=group.id,
        imageId=image,
        scalingConfigurationId=group.configuration,
    )

    assert "of-the-old-disk" in old
    assert outputs == {}
    assert instance(trusted, member).image_id == image
    assert "of-the-old-disk" not in said(trusted, member, "ls /root")
    assert group.members() == [member]
    group.scale(-1)


def test_a_container_group_is_a_host_that_runs_its_commands(trusted: Impatient) -> None:
    from alibabacloud_eci20180808 import models

    container = models.CreateContainerGroupRequestContainer(
        name="web",
        image="nginx:1",
        command=["sh", "-c", "echo $GREETING > /tmp/started"],
        environment_var=[models.CreateContainerGroupRequestContainerEnvironmentVar(key="GREETING", value="hello")],
    )
    made = trusted.eci.create_container_group(
        models.CreateContainerGroupRequest(region_id=REGION, container_group_name="app", container=[container])
    ).body.container_group_id
    request = models.DescribeContainerGroupsRequest(region_id=REGION, container_group_ids=json.dumps([made]))

    def described() -> Any:
        return trusted.eci.describe_container_groups(request).body.container_groups

    def run(*words: str) -> str:
        return str(
            trusted.eci.exec_container_command(
                models.ExecContainerCommandRequest(
                    region_id=REGION,
                    container_group_id=made,
                    container_name="web",
                    command=json.dumps(words),
                    sync=True,
                )
            ).body.sync_response
        )

    [group] = trusted.wait(described, lambda seen: seen[0].status == "Running", "a container group")
    started = trusted.wait(
        lambda: run("cat", "/tmp/started"), lambda seen: seen == "hello\n", "what its command has written"
    )
    address = run("sh", "-c", "echo $PRIVATE_IP").strip()
    trusted.eci.delete_container_group(models.DeleteContainerGroupRequest(region_id=REGION, container_group_id=made))

    assert started == "hello\n"
    assert address == group.intranet_ip
    trusted.wait(described, lambda seen: not seen, "it is gone")
