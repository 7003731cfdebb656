"""Every page and form of the products, by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.console.page import Handler
from tidegate.console.pages import (
    access,
    balancers,
    databases,
    group,
    guide,
    machines,
    messages,
    overview,
    redis,
    runbooks,
    scaling,
    tending,
    timeline,
    why,
)

PAGES: Final[Mapping[str, Handler]] = {
    "/overview": overview.overview,
    "/guide": guide.guide,
    "/timeline": timeline.timeline,
    "/why": why.why,
    "/ess": scaling.groups,
    "/ess/{id}": group.group,
    "/ess/{id}/hook": scaling.hook,
    "/ess/{id}/task": tending.scheduled_task,
    "/ess/{id}/alarm": tending.alarm_task,
    "/redis": redis.instances,
    "/redis/{id}": redis.instance,
    "/databases/{kind}": databases.databases,
    "/databases/{kind}/{id}": databases.database,
    "/slb": balancers.balancers,
    "/slb/{id}": balancers.balancer,
    "/mns": messages.messages,
    "/mns/queues/{name}": messages.queue,
    "/mns/topics/{name}": messages.topic,
    "/oos/templates": runbooks.templates,
    "/oos/templates/{name}": runbooks.template,
    "/oos/new": runbooks.new,
    "/oos/edit/{name}": runbooks.edit,
    "/oos/executions": runbooks.executions,
    "/oos/executions/{id}": runbooks.execution,
    "/ecs": machines.instances,
    "/ecs/{id}": machines.instance,
    "/ram/simulator": access.simulator,
    "/ram/policies": access.policies,
    "/ram/policies/{type}/{name}": access.policy,
    "/ram/new-policy": access.new_policy,
    "/ram/edit-policy/{name}": access.edit_policy,
    "/ram/settings": access.settings,
    "/ram/{kind}": access.identities,
    "/ram/{kind}/{name}": access.identity,
}
FORMS: Final[Mapping[str, Handler]] = {
    "/redis/{id}/whitelist": redis.edit_whitelist,
    "/databases/{kind}/{id}/whitelist": databases.edit_whitelist,
    "/oos/check": runbooks.check,
    "/ram/check": access.check,
    "/ram/users/{name}/keys": access.new_key,
}
