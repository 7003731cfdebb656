"""The sentences of scaling activities, word for word where a sample exists (ess.md 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

STANDBY_OR_PROTECTED = "instances in standby/protected status"
# What became of instances that failed by themselves (ASSUMPTION on the words).
NOT_RUNNING = "the instances do not run"
NOT_STOPPED = "the instances cannot be stopped"
NO_CONFIGURATION = "no active scaling configuration"
ABANDONED = "Abandon lifecycleActionResult parameter caused the instance to rollback."
ROLLED_BACK = "Rollback lifecycleActionResult parameter caused the instance to rollback."


def cause(what: str, before: int, after: int) -> str:
    """Return the Cause of an activity: what was asked for and how it changes the capacity."""
    return f'{what}{"" if what.endswith(",") else ", "}changing the Total Capacity from "{before}" to "{after}".'


def rule_requested(rule_id: str) -> str:
    """A user runs a scaling rule (sample)."""
    return f'A user requests to execute scaling rule "{rule_id}"'


def rule_scheduled(rule_id: str) -> str:
    """A scheduled task runs a scaling rule (sample, which has no blank after the comma)."""
    return f'A scheduled task execute scaling rule "{rule_id}",'


def rule_alarmed(rule_id: str) -> str:
    """An alarm task runs a scaling rule (ASSUMPTION)."""
    return f'An alarm task execute scaling rule "{rule_id}"'


def bounds_scheduled() -> str:
    """A scheduled task sets MinSize, MaxSize and DesiredCapacity (ASSUMPTION)."""
    return "A scheduled task modify the scaling group"


def adjustment_requested() -> str:
    """ScaleWithAdjustment (ASSUMPTION)."""
    return "A user requests to scale with adjustment"


def instances_requested(verb: str, instance_ids: Sequence[str]) -> str:
    """Attach, detach, remove and standby by hand (ASSUMPTION)."""
    return f'A user requests to {verb} instance "{joined(instance_ids)}"'


def bound(verb: str, ids: Sequence[str]) -> str:
    """What stands beside a group is attached or detached with its members (ASSUMPTION)."""
    return f'A user requests to {verb} "{joined(ids)}"'


def check_found(check: str) -> str:
    """The min/max and desired checks (ASSUMPTION A20)."""
    return {
        "MinSize": "The Total Capacity is less than the MinSize",
        "MaxSize": "The Total Capacity is greater than the MaxSize",
        "DesiredCapacity": "The Total Capacity does not match the DesiredCapacity",
    }[check]


def unhealthy_found() -> str:
    """The health check (ASSUMPTION A20)."""
    return "The health check found unhealthy instances"


def rebalancing() -> str:
    """Members are moved between zones (ASSUMPTION)."""
    return "Rebalance the instances among the zones"


def too_old() -> str:
    """Members have reached MaxInstanceLifetime (ASSUMPTION)."""
    return "The instances have reached the MaxInstanceLifetime"


def refreshing(task_id: str, *, back: bool) -> str:
    """An instance refresh, or its rollback (ASSUMPTION)."""
    return f'Instance refresh task "{task_id}" {"rolls back" if back else "replaces"} instances'


def added(count: int) -> str:
    """Description of an activity that adds instances."""
    return f'Add "{count}" ECS instance{_s(count)}'


def removed(count: int) -> str:
    """Description of an activity that removes instances."""
    return f'Remove "{count}" ECS instance{_s(count)}'


def were_added(count: int) -> str:
    """StatusMessage of success; always plural (sample)."""
    return f'"{count}" ECS instances are added'


def were_removed(count: int) -> str:
    """StatusMessage of success; always plural."""
    return f'"{count}" ECS instances are removed'


def created(instance_ids: Sequence[str]) -> str:
    """Detail line for instances that were made (sample)."""
    return f'new ECS instances "{joined(instance_ids)}" are created.\n'


def started(instance_ids: Sequence[str]) -> str:
    """Detail line for Stopped members that were started again (ASSUMPTION)."""
    return f'stopped ECS instances "{joined(instance_ids)}" are started.\n'


def attached(instance_ids: Sequence[str]) -> str:
    """Detail line for instances attached by hand (ASSUMPTION)."""
    return f'ECS instances "{joined(instance_ids)}" are attached.\n'


def released(instance_ids: Sequence[str]) -> str:
    """Detail line for instances that were released (ASSUMPTION)."""
    return f'ECS instances "{joined(instance_ids)}" are released.\n'


def stopped(instance_ids: Sequence[str]) -> str:
    """Detail line for instances kept as Stopped (ASSUMPTION)."""
    return f'ECS instances "{joined(instance_ids)}" are stopped.\n'


def let_go(instance_ids: Sequence[str]) -> str:
    """Detail line for instances that leave the group and live on (ASSUMPTION)."""
    return f'ECS instances "{joined(instance_ids)}" are moved out of the scaling group.\n'


def not_created(reason: str) -> str:
    """Why nothing, or not everything, was added (sample)."""
    return f'Fail to create Instances into scaling group("{reason}").'


def not_removed(instance_ids: Sequence[str], reason: str) -> str:
    """Why instances stayed (sample)."""
    return f'Fail to remove Instances "{joined(instance_ids)}"("{reason}").'


def nothing_removable(count: int) -> str:
    """A scale-in that found only standby and protected members (sample)."""
    return f'Fail to scale instances for scaling group("Ignore to remove {count} instances("{STANDBY_OR_PROTECTED}")").'


def runbook_not_started(hook_id: str, reason: str) -> str:
    """Detail line for a hook whose runbook could not be started: the deadline decides (ess.md 4.4, ASSUMPTION)."""
    return f'Fail to start the OOS execution of lifecycle hook "{hook_id}"("{reason}").\n'


def runbook_started(hook_id: str, execution_id: str) -> str:
    """Detail line that names the execution of a hook (ASSUMPTION)."""
    return f'OOS execution "{execution_id}" of lifecycle hook "{hook_id}" is started.\n'


def message_not_sent(kind: str, name: str, reason: str) -> str:
    """Detail line for a message that its receiver did not get; it is tried again (ASSUMPTION)."""
    return f'Fail to send a message to {kind} "{name}"("{reason}").\n'


def joined(instance_ids: Sequence[str]) -> str:
    """List ids as the samples do: ``i-1, i-2``."""
    return ", ".join(instance_ids)


def _s(count: int) -> str:
    return "" if count == 1 else "s"
