"""A group behind a load balancer that really passes requests on, driven through the official SDKs of five products."""

from __future__ import annotations

import base64
import json
import random
import shlex
from typing import Any

import pytest
from alibabacloud_alb20200616 import models as alb
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22
from alibabacloud_rds20140815 import models as rds
from alibabacloud_slb20140515 import models as slb
from Tea.exceptions import TeaException

from support.running import ROOT, RunningCloud
from support.sdks import REGION, Sdks, eventually, make_group

IMAGE, TYPE = "aliyun_3_x64_20G_alibase_20240528.vhd", "ecs.g6.large"
#: On loopback hosts ports are the whole machine's: tests that run side by side must not meet.
FRONT = random.SystemRandom().randrange(20000, 28000)
BEHIND = FRONT + 1
WEB = f"""#!/bin/sh
mkdir -p $HOME/web && cd $HOME/web && echo "$PRIVATE_IP" >index.html
nohup python3 -m http.server {BEHIND} --bind "$PRIVATE_IP" >log 2>&1 &
""".encode()


def balancer(sdks: Sdks) -> Any:
    """Make a load balancer that listens at a port and checks its servers every second."""
    made = sdks.slb.create_load_balancer(
        slb.CreateLoadBalancerRequest(region_id=REGION, address_type="intranet", load_balancer_name="web")
    ).body
    lb: str = made.load_balancer_id
    sdks.slb.create_load_balancer_httplistener(
        slb.CreateLoadBalancerHTTPListenerRequest(
            region_id=REGION,
            load_balancer_id=lb,
            listener_port=FRONT,
            backend_server_port=BEHIND,
            health_check="on",
            health_check_interval=1,
            healthy_threshold=2,
            unhealthy_threshold=2,
            sticky_session="off",
            bandwidth=-1,
        )
    )
    sdks.slb.start_load_balancer_listener(
        slb.StartLoadBalancerListenerRequest(region_id=REGION, load_balancer_id=lb, listener_port=FRONT)
    )
    return made


def health(sdks: Sdks, lb: str) -> dict[str, str]:
    request = slb.DescribeHealthStatusRequest(region_id=REGION, load_balancer_id=lb, listener_port=FRONT)
    found = sdks.slb.describe_health_status(request).body.backend_servers.backend_server or []
    return {one.server_id: one.server_health_status for one in found}


def servers(sdks: Sdks, lb: str) -> dict[str, int]:
    request = slb.DescribeLoadBalancerAttributeRequest(region_id=REGION, load_balancer_id=lb)
    found = sdks.slb.describe_load_balancer_attribute(request).body.backend_servers.backend_server or []
    return {one.server_id: one.weight for one in found}


def whitelist(sdks: Sdks, database: str) -> set[str]:
    request = rds.DescribeDBInstanceIPArrayListRequest(dbinstance_id=database)
    (array,) = sdks.rds.describe_dbinstance_iparray_list(request).body.items.dbinstance_iparray
    return set(array.security_iplist.split(","))


def execute(sdks: Sdks, group: str, total: int) -> Any:
    rule = sdks.ess.create_scaling_rule(
        v22.CreateScalingRuleRequest(
            region_id=REGION, scaling_group_id=group, adjustment_type="TotalCapacity", adjustment_value=total
        )
    ).body.scaling_rule_ari
    activity = sdks.ess.execute_scaling_rule(
        v22.ExecuteScalingRuleRequest(region_id=REGION, scaling_rule_ari=rule)
    ).body.scaling_activity_id
    request = v22.DescribeScalingActivitiesRequest(region_id=REGION, scaling_activity_ids=[activity])
    [ended] = eventually(
        lambda: sdks.ess.describe_scaling_activities(request).body.scaling_activities,
        lambda seen: seen[0].status_code != "InProgress",
        "the end of the activity",
    )
    return ended


def ask(sdks: Sdks, instance: str, address: str) -> str:
    """Ask the load balancer from inside an instance."""
    script = f"python3 -c \"import urllib.request as r; print(r.urlopen('http://{address}:{FRONT}/', timeout=5).read().decode())\""
    asked = ecs.RunCommandRequest(
        region_id=REGION, type="RunShellScript", command_content=script, instance_id=[instance]
    )
    invocation = sdks.ecs.run_command(asked).body.invoke_id
    request = ecs.DescribeInvocationResultsRequest(region_id=REGION, invoke_id=invocation, content_encoding="PlainText")
    seen = eventually(
        lambda: sdks.ecs.describe_invocation_results(request).body.invocation.invocation_results.invocation_result[0],
        lambda one: one.invoke_record_status != "Running",
        "the end of the command",
    )
    return str(seen.output).strip()


def test_a_group_serves_behind_a_load_balancer(sdks: Sdks, cloud: RunningCloud) -> None:
    made = balancer(sdks)
    lb = made.load_balancer_id
    database = sdks.rds.create_dbinstance(
        rds.CreateDBInstanceRequest(
            region_id=REGION,
            engine="MySQL",
            engine_version="8.0",
            dbinstance_class="mysql.n2.small.1",
            dbinstance_storage=20,
            dbinstance_net_type="Intranet",
            pay_type="Postpaid",
            security_iplist="127.0.0.1",
        )
    ).body.dbinstance_id
    server_group = sdks.alb.create_server_group(
        alb.CreateServerGroupRequest(server_group_name="web", protocol="HTTP")
    ).body.server_group_id
    group = sdks.ess.create_scaling_group(
        v22.CreateScalingGroupRequest(
            region_id=REGION,
            min_size=0,
            max_size=5,
            default_cooldown=0,
            load_balancer_ids=json.dumps([lb]),
            dbinstance_ids=json.dumps([database]),
        )
    ).body.scaling_group_id
    configuration = sdks.ess.create_scaling_configuration(
        v22.CreateScalingConfigurationRequest(
            scaling_group_id=group,
            image_id=IMAGE,
            instance_type=TYPE,
            user_data=base64.b64encode(WEB).decode(),
        )
    ).body.scaling_configuration_id
    sdks.ess.enable_scaling_group(
        v22.EnableScalingGroupRequest(scaling_group_id=group, active_scaling_configuration_id=configuration)
    )

    out = execute(sdks, group, 2)
    joined = servers(sdks, lb)
    one, two = joined
    well = eventually(
        lambda: health(sdks, lb), lambda seen: set(seen.values()) == {"normal"} and len(seen) == 2, "two well servers"
    )
    answers = {ask(sdks, one, made.address) for _ in range(4)}
    let_in = whitelist(sdks, database)
    bound = sdks.ess.attach_alb_server_groups(
        v22.AttachAlbServerGroupsRequest(
            region_id=REGION,
            scaling_group_id=group,
            alb_server_groups=[
                v22.AttachAlbServerGroupsRequestAlbServerGroups(
                    alb_server_group_id=server_group, port=BEHIND, weight=10
                )
            ],
            force_attach=True,
        )
    ).body.scaling_activity_id
    listing = alb.ListServerGroupServersRequest(server_group_id=server_group)
    listed = eventually(
        lambda: {each.server_id for each in sdks.alb.list_server_group_servers(listing).body.servers or []},
        lambda seen: len(seen) == 2,
        "two servers of the server group",
    )
    back = execute(sdks, group, 1)
    (left,) = servers(sdks, lb)

    assert (out.status_code, back.status_code) == ("Successful", "Successful")
    assert set(joined.values()) == {50}
    assert set(well) == {one, two} == listed
    assert answers == let_in
    assert bound
    assert left in joined
    assert len(whitelist(sdks, database)) == 1
    assert [each.server_id for each in sdks.alb.list_server_group_servers(listing).body.servers] == [left]
    if cloud.options[-1] == "auto":
        cloud.kill()
        cloud.start()
        again = Sdks(cloud.endpoint, sdks.key, sdks.secret)
        eventually(lambda: health(again, lb), lambda seen: seen == {left: "normal"}, "the same server, still well")
        assert ask(again, left, made.address) in let_in
        vars(sdks).clear()  # its clients know the address of the one that was killed
        vars(sdks).update(vars(again))


def test_the_old_sdk_binds_and_lets_go(sdks: Sdks) -> None:
    lb = balancer(sdks).load_balancer_id
    vgroup = sdks.slb.create_vserver_group(
        slb.CreateVServerGroupRequest(region_id=REGION, load_balancer_id=lb, vserver_group_name="old")
    ).body.vserver_group_id
    group = sdks.ess2014.create_scaling_group(
        v14.CreateScalingGroupRequest(region_id=REGION, min_size=0, max_size=1, load_balancer_ids=json.dumps([lb]))
    ).body.scaling_group_id
    of_lb = v14.AttachVServerGroupsRequestVServerGroup(
        load_balancer_id=lb,
        vserver_group_attribute=[
            v14.AttachVServerGroupsRequestVServerGroupVServerGroupAttribute(
                vserver_group_id=vgroup, port=BEHIND, weight=30
            )
        ],
    )
    sdks.ess2014.attach_vserver_groups(
        v14.AttachVServerGroupsRequest(region_id=REGION, scaling_group_id=group, vserver_group=[of_lb])
    )
    sdks.ess2014.detach_load_balancers(v14.DetachLoadBalancersRequest(scaling_group_id=group, load_balancer=[lb]))
    described = sdks.ess.describe_scaling_groups(
        v22.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_ids=[group])
    ).body.scaling_groups[0]

    with pytest.raises(TeaException) as refused:
        sdks.ess2014.attach_load_balancers(
            v14.AttachLoadBalancersRequest(scaling_group_id=group, load_balancer=["lb-none"])
        )

    assert not described.load_balancer_ids
    [shown] = described.vserver_groups
    [attribute] = shown.vserver_group_attributes
    assert (shown.load_balancer_id, attribute.vserver_group_id, attribute.port) == (lb, vgroup, BEHIND)
    assert (refused.value.code, refused.value.statusCode) == ("InvalidLoadBalancerId.NotFound", 404)


def test_slb_by_itself(sdks: Sdks) -> None:
    lb = balancer(sdks).load_balancer_id
    listing = slb.DescribeLoadBalancersRequest(region_id=REGION, load_balancer_id=lb)
    sdks.slb.set_load_balancer_name(
        slb.SetLoadBalancerNameRequest(region_id=REGION, load_balancer_id=lb, load_balancer_name="shop")
    )
    sdks.slb.create_load_balancer_tcplistener(
        slb.CreateLoadBalancerTCPListenerRequest(
            region_id=REGION,
            load_balancer_id=lb,
            listener_port=FRONT + 2,
            backend_server_port=BEHIND,
            bandwidth=-1,
            health_check_interval=5,
        )
    )
    shown = sdks.slb.describe_load_balancer_tcplistener_attribute(
        slb.DescribeLoadBalancerTCPListenerAttributeRequest(
            region_id=REGION, load_balancer_id=lb, listener_port=FRONT + 2
        )
    ).body
    described = sdks.slb.describe_load_balancers(listing).body.load_balancers.load_balancer[0]
    sdks.slb.delete_load_balancer(slb.DeleteLoadBalancerRequest(region_id=REGION, load_balancer_id=lb))

    assert (shown.status, shown.health_check, shown.health_check_interval) == ("stopped", "on", 5)
    assert (described.load_balancer_name, described.load_balancer_status) == ("shop", "active")
    assert sdks.slb.describe_load_balancers(listing).body.total_count == 0
    with pytest.raises(TeaException) as refused:
        sdks.slb.add_backend_servers(
            slb.AddBackendServersRequest(region_id=REGION, load_balancer_id=lb, backend_servers='[{"ServerId":"i-1"}]')
        )
    assert refused.value.code == "InvalidLoadBalancerId.NotFound"


def commands(page: str) -> list[str]:
    lines = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_every_command_of_the_page_runs(sdks: Sdks, cloud: RunningCloud) -> None:
    if cloud.options[-1] != "auto":
        pytest.skip("once is enough")
    group = make_group(sdks)
    database = sdks.rds.create_dbinstance(
        rds.CreateDBInstanceRequest(
            region_id=REGION,
            engine="MySQL",
            engine_version="8.0",
            dbinstance_class="mysql.n2.small.1",
            dbinstance_storage=20,
            dbinstance_net_type="Intranet",
            pay_type="Postpaid",
            security_iplist="127.0.0.1",
        )
    ).body.dbinstance_id
    known = {"$GROUP": group, "$DB": database}

    for line in commands("balance-load.md"):
        words = [known.get(word, word) for word in shlex.split(line)]
        answer = cloud.tidegate(*words[1:])
        if "CreateLoadBalancer " in line:
            known["$LB"] = json.loads(answer)["LoadBalancerId"]

    assert commands("balance-load.zh-CN.md") == commands("balance-load.md")
    described = sdks.ess.describe_scaling_groups(
        v22.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_ids=[group])
    ).body.scaling_groups[0]
    assert (described.load_balancer_ids, described.dbinstance_ids) == ([known["$LB"]], [database])
    assert described.health_check_type == "LOAD_BALANCER"
