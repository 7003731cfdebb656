"""Auto Scaling as a whole: what its API calls, and what its controllers are built on."""

from __future__ import annotations

from tidegate.services.ess import naming
from tidegate.services.ess.accounts import Accounts
from tidegate.services.ess.actions import Actions
from tidegate.services.ess.advice import Advice
from tidegate.services.ess.alarms import Alarms
from tidegate.services.ess.announcer import Announcer
from tidegate.services.ess.bindings import Bindings
from tidegate.services.ess.closing import Closer
from tidegate.services.ess.companions import Companions
from tidegate.services.ess.configurations import Configurations
from tidegate.services.ess.diagnosis import Diagnoses
from tidegate.services.ess.groups import Groups
from tidegate.services.ess.history import History
from tidegate.services.ess.hooks import Hooks
from tidegate.services.ess.members import Members
from tidegate.services.ess.notifications import Notifications
from tidegate.services.ess.planning import Planner
from tidegate.services.ess.ports import Machines, Roles, Runbooks, Surroundings
from tidegate.services.ess.predicting import Predictions
from tidegate.services.ess.refreshes import Refreshes
from tidegate.services.ess.renewal import Renewal
from tidegate.services.ess.rules import Rules
from tidegate.services.ess.scaling import Scaling
from tidegate.services.ess.schedule import Schedule
from tidegate.services.ess.starting import Starter
from tidegate.services.ess.tagging import Tagging
from tidegate.services.ess.watching import Watcher
from tidegate.store.ess import activities, alarms, configurations, groups, hooks, members, rules, tasks

__all__ = ["Ess", "Machines", "Roles", "Runbooks", "Surroundings"]


class Ess:
    """Auto Scaling of one cloud."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.announcer = Announcer(around)
        self.companions = Companions(around)
        starter = Starter(around, self.announcer, self.companions)
        self.starter = starter
        self.actions = Actions(around)
        self.closer = Closer(around, self.announcer)
        self.hooks = Hooks(around, self.actions, self.announcer)
        self.members = Members(around, starter)
        self.bindings = Bindings(around, starter, self.companions)
        self.groups = Groups(around, starter, self.members, self.hooks, self.bindings)
        self.configurations = Configurations(around)
        self.alarms = Alarms(around)
        self.predictions = Predictions(around)
        self.rules = Rules(around, self.alarms, self.predictions)
        self.scaling = Scaling(around, starter)
        self.schedule = Schedule(around, starter, self.scaling, self.announcer)
        self.planner = Planner(around, starter, self.scaling)
        self.renewal = Renewal(around, starter)
        self.watcher = Watcher(around, starter, self.scaling)
        self.refreshes = Refreshes(around, starter)
        self.advice = Advice(around)
        self.diagnoses = Diagnoses(around, self.advice)
        self.accounts = Accounts(around)
        self.history = History(around)
        self.tagging = Tagging(around)
        self.notifications = Notifications(around)

    async def group_of(
        self,
        account_id: str,
        *,
        group_id: str | None = None,
        configuration_id: str | None = None,
        rule_id: str | None = None,
        task_id: str | None = None,
        alarm_id: str | None = None,
        hook_id: str | None = None,
        activity_id: str | None = None,
        instance_id: str | None = None,
    ) -> str | None:
        """Return the RAM resource of the group that something belongs to; None when the account has no such thing."""
        async with self.around.database.connection() as db:
            if configuration_id and (configuration := await configurations.find(db, configuration_id)):
                group_id = configuration.group_id
            if rule_id and (rule := await rules.find(db, rule_id)):
                group_id = rule.group_id
            if task_id and (task := await tasks.find(db, task_id)):
                group_id = task.group_id
            if alarm_id and (alarm := await alarms.find(db, alarm_id)):
                group_id = alarm.group_id
            if hook_id and (hook := await hooks.find(db, hook_id)):
                group_id = hook.group_id
            if activity_id and (activity := await activities.find(db, activity_id)):
                group_id = activity.group_id
            if instance_id and (member := (await members.by_id(db, [instance_id])).get(instance_id)):
                group_id = member.group_id
            group = await groups.find(db, account_id, group_id) if group_id else None
        return naming.group_resource(group.region, account_id, group.id) if group else None
