"""The tutorial as a scenario: every step done through the API, every outcome observed and none assumed.

The story is Alibaba Cloud's own (ess.md 3.15): a role that may do three things, a scaling group with two hooks, a Redis
instance that admits whitelisted addresses only. Beside each runbook hook stands a second one without a runbook: it
holds the instance at the door until this scenario has looked, so that "suspended", "whitelisted" and "refused again" are
seen on the real thing and not guessed from timing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from tidegate.clock import Clock, to_seconds
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError, TidegateError

STEPS = (
    "policy-granted",
    "group-enabled",
    "hooks-created",
    "refused-before",
    "scale-out",
    "pending-wait",
    "execution-succeeded",
    "whitelisted",
    "in-service",
    "redis-roundtrip",
    "scale-in",
    "removing-wait",
    "unlisted",
    "refused-after",
)

POLICY = "ESSHookPolicyForRedisWhitelist"
ROLE = "OOSServiceRole"
TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
ACTIONS = ("ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction")

# Runs inside an instance: speaks RESP by hand, because an instance has Python and nothing else for sure.
PROBE = """
import os, socket, sys
host, password, value = sys.argv[1:4]
source = (os.environ.get("PRIVATE_IP", ""), 0)
def ask(stream, *words):
    line = "*%d\\r\\n" % len(words) + "".join("$%d\\r\\n%s\\r\\n" % (len(w), w) for w in words)
    stream.write(line.encode()); stream.flush()
    answer = stream.readline().decode().strip()
    return stream.readline().decode().strip() if answer.startswith("$") else answer
try:
    with socket.create_connection((host, 6379), 3, source) as link:
        stream = link.makefile("rwb")
        print("auth", ask(stream, "AUTH", password))
        print("set", ask(stream, "SET", "tidegate:demo", value))
        print("get", ask(stream, "GET", "tidegate:demo"))
except OSError as error:
    print("refused", type(error).__name__)
"""


class Observation(msgspec.Struct, frozen=True):
    """One step as it was seen: ``at`` is the cloud's time, ``detail`` what a person or a program wants to know of it."""

    step: str
    ok: bool
    at: str
    detail: dict[str, Any]


class NotObservedError(TidegateError):
    """A step did not come out as the tutorial says; carries what was seen instead."""

    def __init__(self, expected: str, seen: object) -> None:
        super().__init__(f"expected {expected}, saw {seen}")
        self.seen = seen


class Tutorial:
    """Runs the tutorial against one cloud. Every wait is bounded by ``patience`` seconds."""

    def __init__(self, cloud: Caller, *, region: str, clock: Clock, patience: float = 30.0) -> None:
        self._cloud = cloud
        self._region = region
        self._clock = clock
        self._patience = patience
        self._password = _password()
        self._value = secrets.token_hex(8)
        self._ids: dict[str, str] = {}

    async def run(self) -> AsyncIterator[Observation]:
        """Do and observe the steps in order; stops after the first that was not observed."""
        actions = {step: getattr(self, "_" + step.replace("-", "_")) for step in STEPS}
        for step, act in actions.items():
            observation = await self._observe(step, act)
            yield observation
            if not observation.ok:
                return

    async def _observe(self, step: str, act: Callable[[], Awaitable[dict[str, Any]]]) -> Observation:
        try:
            detail = await act()
        except (CloudError, NotObservedError) as error:
            return Observation(step, False, to_seconds(self._clock.now()), {"error": str(error)})
        return Observation(step, True, to_seconds(self._clock.now()), detail)

    # --- the steps -------------------------------------------------------------------------------------------------

    async def _policy_granted(self) -> dict[str, Any]:
        document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}]}
        await self._call("ram", "CreatePolicy", PolicyName=POLICY, PolicyDocument=json.dumps(document))
        await self._call("ram", "AttachPolicyToRole", PolicyType="Custom", PolicyName=POLICY, RoleName=ROLE)
        attached = await self._call("ram", "ListPoliciesForRole", RoleName=ROLE)
        names = [policy["PolicyName"] for policy in attached["Policies"]["Policy"]]
        _expect(POLICY in names, f"{POLICY} attached to {ROLE}", names)
        return {"role": ROLE, "policy": POLICY, "actions": list(ACTIONS)}

    async def _group_enabled(self) -> dict[str, Any]:
        vswitch = (await self._call("ecs", "DescribeVSwitches"))["VSwitches"]["VSwitch"][0]
        image = (await self._call("ecs", "DescribeImages", OSType="linux"))["Images"]["Image"][0]["ImageId"]
        security_group = (await self._call("ecs", "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]
        self._ids |= {
            "vswitch": vswitch["VSwitchId"],
            "image": image,
            "security-group": security_group["SecurityGroupId"],
        }
        redis = await self._call(
            "R-kvstore",
            "CreateInstance",
            InstanceClass="redis.master.small.default",
            InstanceName="tidegate-demo",
            Password=self._password,
            VSwitchId=vswitch["VSwitchId"],
            VpcId=vswitch["VpcId"],
            ZoneId=vswitch["ZoneId"],
        )
        group = await self._call(
            "ess",
            "CreateScalingGroup",
            ScalingGroupName="tidegate-demo",
            MinSize=0,
            MaxSize=3,
            DefaultCooldown=0,
            VSwitchIds=[vswitch["VSwitchId"]],
        )
        self._ids |= {"redis": redis["InstanceId"], "group": group["ScalingGroupId"]}
        configuration = await self._call(
            "ess",
            "CreateScalingConfiguration",
            ScalingGroupId=self._ids["group"],
            ImageId=image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=self._ids["security-group"],
        )
        await self._call(
            "ess",
            "EnableScalingGroup",
            ScalingGroupId=self._ids["group"],
            ActiveScalingConfigurationId=configuration["ScalingConfigurationId"],
        )
        for name, value in (("Add1", 1), ("Remove1", -1)):
            rule = await self._call(
                "ess",
                "CreateScalingRule",
                ScalingGroupId=self._ids["group"],
                ScalingRuleName=name,
                AdjustmentType="QuantityChangeInCapacity",
                AdjustmentValue=value,
            )
            self._ids[name] = rule["ScalingRuleAri"]
        attribute = await self._until("the Redis instance to be Normal", self._redis_attribute, _is_normal)
        self._ids["redis-address"] = attribute["PrivateIp"]
        found = await self._call("ess", "DescribeScalingGroups", ScalingGroupId=[self._ids["group"]])
        state = found["ScalingGroups"]["ScalingGroup"][0]["LifecycleState"]
        _expect(state == "Active", "an Active group", state)
        return {"group": self._ids["group"], "redis": self._ids["redis"], "address": attribute["PrivateIp"]}

    async def _hooks_created(self) -> dict[str, Any]:
        account = (await self._call("sts", "GetCallerIdentity"))["AccountId"]
        template = f"acs:oos:{self._region}:{account}:template/{TEMPLATE}"
        runbooks = (
            ("ESSHookForAddRedisWhitelist", "SCALE_OUT", "Append"),
            ("ESSHookForRemoveRedisWhitelist", "SCALE_IN", "Delete"),
        )
        for name, transition, mode in runbooks:
            metadata = {"dbInstanceId": self._ids["redis"], "modifyMode": mode, "OOSAssumeRole": ROLE}
            hook = await self._create_hook(
                name, transition, NotificationArn=template, NotificationMetadata=json.dumps(metadata)
            )
            self._ids[f"runbook-{transition}"] = hook
            self._ids[f"observer-{transition}"] = await self._create_hook(
                f"tidegate-demo-look-{transition}", transition
            )
        found = await self._call("ess", "DescribeLifecycleHooks", ScalingGroupId=self._ids["group"])
        names = [hook["LifecycleHookName"] for hook in found["LifecycleHooks"]["LifecycleHook"]]
        _expect(len(names) == 4, "four hooks", names)
        return {"hooks": names, "template": TEMPLATE}

    async def _refused_before(self) -> dict[str, Any]:
        made = await self._call(
            "ecs",
            "RunInstances",
            ImageId=self._ids["image"],
            InstanceType="ecs.g6.large",
            SecurityGroupId=self._ids["security-group"],
            VSwitchId=self._ids["vswitch"],
            InstanceName="tidegate-demo-outsider",
        )
        self._ids["outsider"] = made["InstanceIdSets"]["InstanceIdSet"][0]
        address = await self._running_address(self._ids["outsider"])
        output = await self._probe(self._ids["outsider"])
        _expect(output.startswith("refused"), "a refused connection", output)
        return {"instance": self._ids["outsider"], "address": address, "seen": output}

    async def _scale_out(self) -> dict[str, Any]:
        activity = await self._call("ess", "ExecuteScalingRule", ScalingRuleAri=self._ids["Add1"])
        self._ids["activity-SCALE_OUT"] = activity["ScalingActivityId"]
        member = await self._until("a member", self._member, lambda found: found is not None)
        self._ids["member"] = member["InstanceId"]
        return {"activity": activity["ScalingActivityId"], "instance": member["InstanceId"]}

    async def _pending_wait(self) -> dict[str, Any]:
        return await self._suspended("Pending:Wait", "SCALE_OUT")

    async def _execution_succeeded(self) -> dict[str, Any]:
        return await self._execution("Append")

    async def _whitelisted(self) -> dict[str, Any]:
        address = await self._running_address(self._ids["member"])
        self._ids["member-address"] = address
        entries = await self._whitelist()
        _expect(address in entries, f"{address} on the whitelist", entries)
        return {"address": address, "whitelist": entries}

    async def _in_service(self) -> dict[str, Any]:
        await self._let_go("SCALE_OUT")
        member = await self._until("InService", self._member, _has_state("InService"))
        return {"instance": member["InstanceId"], "state": member["LifecycleState"]}

    async def _redis_roundtrip(self) -> dict[str, Any]:
        output = await self._probe(self._ids["member"])
        _expect(output == f"auth +OK\nset +OK\nget {self._value}", "what was written read back", output)
        return {"instance": self._ids["member"], "seen": output.splitlines()}

    async def _scale_in(self) -> dict[str, Any]:
        activity = await self._call("ess", "ExecuteScalingRule", ScalingRuleAri=self._ids["Remove1"])
        self._ids["activity-SCALE_IN"] = activity["ScalingActivityId"]
        return {"activity": activity["ScalingActivityId"]}

    async def _removing_wait(self) -> dict[str, Any]:
        return await self._suspended("Removing:Wait", "SCALE_IN")

    async def _unlisted(self) -> dict[str, Any]:
        execution = await self._execution("Delete")
        entries = await self._whitelist()
        _expect(self._ids["member-address"] not in entries, "the address gone", entries)
        return {"address": self._ids["member-address"], "whitelist": entries, **execution}

    async def _refused_after(self) -> dict[str, Any]:
        output = await self._probe(self._ids["member"])
        _expect(output.startswith("refused"), "a refused connection", output)
        await self._let_go("SCALE_IN")
        await self._until("the instance gone", self._member, lambda found: found is None)
        return {"instance": self._ids["member"], "address": self._ids["member-address"], "seen": output}

    # --- looking ---------------------------------------------------------------------------------------------------

    async def _suspended(self, state: str, transition: str) -> dict[str, Any]:
        await self._until(state, self._member, _has_state(state))
        found = await self._call(
            "ess", "DescribeLifecycleActions", ScalingActivityId=self._ids[f"activity-{transition}"]
        )
        actions = {action["LifecycleHookId"]: action for action in found["LifecycleActions"]["LifecycleAction"]}
        observer = actions.get(self._ids[f"observer-{transition}"])
        _expect(observer is not None and self._ids[f"runbook-{transition}"] in actions, "an action a hook", found)
        assert observer is not None
        self._ids[f"token-{transition}"] = observer["LifecycleActionToken"]
        return {"instance": self._ids["member"], "state": state, "actions": len(actions)}

    async def _execution(self, mode: str) -> dict[str, Any]:
        def is_over(found: dict[str, Any] | None) -> bool:
            return found is not None and found["Status"] in {"Success", "Failed", "Cancelled"}

        async def look() -> dict[str, Any] | None:
            found = await self._call("oos", "ListExecutions", TemplateName=TEMPLATE)
            ours = [one for one in found["Executions"] if one["Parameters"].get("modifyMode") == mode]
            return ours[0] if ours else None

        execution = await self._until(f"the {mode} runbook to end", look, is_over)
        _expect(execution["Status"] == "Success", "Success", (execution["Status"], execution.get("StatusMessage")))
        return {"execution": execution["ExecutionId"], "status": execution["Status"], "outputs": execution["Outputs"]}

    async def _member(self) -> dict[str, Any] | None:
        found = await self._call("ess", "DescribeScalingInstances", ScalingGroupId=self._ids["group"])
        members: list[dict[str, Any]] = found["ScalingInstances"]["ScalingInstance"]
        return members[0] if members else None

    async def _redis_attribute(self) -> dict[str, Any]:
        found = await self._call("R-kvstore", "DescribeInstanceAttribute", InstanceId=self._ids["redis"])
        attribute: dict[str, Any] = found["Instances"]["DBInstanceAttribute"][0]
        return attribute

    async def _whitelist(self) -> list[str]:
        found = await self._call("R-kvstore", "DescribeSecurityIps", InstanceId=self._ids["redis"])
        groups = found["SecurityIpGroups"]["SecurityIpGroup"]
        return [entry for group in groups for entry in group["SecurityIpList"].split(",")]

    async def _running_address(self, instance: str) -> str:
        async def look() -> dict[str, Any] | None:
            found = await self._call("ecs", "DescribeInstances", InstanceIds=json.dumps([instance]))
            instances = found["Instances"]["Instance"]
            return instances[0] if instances else None

        found = await self._until(f"{instance} to run", look, lambda one: bool(one) and one["Status"] == "Running")
        address: str = found["VpcAttributes"]["PrivateIpAddress"]["IpAddress"][0]
        return address

    async def _probe(self, instance: str) -> str:
        """Try to write and read Redis from inside the instance; return what the script printed."""
        arguments = " ".join((self._ids["redis-address"], self._password, self._value))
        started = await self._call(
            "ecs",
            "RunCommand",
            Type="RunShellScript",
            InstanceId=[instance],
            CommandContent=f"python3 - {arguments} <<'PROBE'\n{PROBE}PROBE\n",
            Timeout=20,
        )

        async def look() -> dict[str, Any] | None:
            found = await self._call(
                "ecs", "DescribeInvocationResults", InvokeId=started["InvokeId"], ContentEncoding="PlainText"
            )
            results = found["Invocation"]["InvocationResults"]["InvocationResult"]
            return results[0] if results else None

        over = {"Success", "Failed", "Timeout", "Error", "Aborted", "Cancelled"}
        result = await self._until(
            "the command to end", look, lambda one: bool(one) and one["InvocationStatus"] in over
        )
        _expect(result["InvocationStatus"] == "Success", "a command that ran", result)
        return str(result["Output"]).strip()

    # --- doing -----------------------------------------------------------------------------------------------------

    async def _create_hook(self, name: str, transition: str, **notification: str) -> str:
        made = await self._call(
            "ess",
            "CreateLifecycleHook",
            ScalingGroupId=self._ids["group"],
            LifecycleHookName=name,
            LifecycleTransition=transition,
            DefaultResult="CONTINUE",
            HeartbeatTimeout=300,
            **notification,
        )
        return str(made["LifecycleHookId"])

    async def _let_go(self, transition: str) -> None:
        await self._call(
            "ess",
            "CompleteLifecycleAction",
            LifecycleHookId=self._ids[f"observer-{transition}"],
            LifecycleActionToken=self._ids[f"token-{transition}"],
            LifecycleActionResult="CONTINUE",
        )

    async def _call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        return await self._cloud.call(product, action, {"RegionId": self._region, **parameters}, region=self._region)

    async def _until(
        self, what: str, look: Callable[[], Awaitable[Any]], is_right: Callable[[Any], bool]
    ) -> dict[str, Any]:
        """Look again and again, at growing pauses, until it is right; NotObservedError when patience ends."""
        ends = time.monotonic() + self._patience
        pause = 0.005
        while not is_right(seen := await look()):
            if time.monotonic() > ends:
                raise NotObservedError(what, seen)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        result: dict[str, Any] = seen
        return result


def _expect(holds: bool, expected: str, seen: object) -> None:
    if not holds:
        raise NotObservedError(expected, seen)


def _is_normal(attribute: dict[str, Any]) -> bool:
    return bool(attribute["InstanceStatus"] == "Normal")


def _has_state(state: str) -> Callable[[dict[str, Any] | None], bool]:
    return lambda member: member is not None and member["LifecycleState"] == state


def _password() -> str:
    """Return a password of three kinds of characters, as R-kvstore asks for (kvstore.md 5)."""
    letters = "".join(secrets.choice(string.ascii_letters) for _ in range(20))
    return f"{letters}a1A"
