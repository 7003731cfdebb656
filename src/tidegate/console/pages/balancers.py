"""Load balancers: their listeners, and which servers answer behind them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from tidegate.console.page import PER_PAGE, Page


async def balancers(page: Page) -> Response:
    """Show all load balancers."""
    found, vswitches = await page.together(
        page.look("slb", "DescribeLoadBalancers", PageNumber=page.number, PageSize=PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    rows = found.rows("LoadBalancers", "LoadBalancer")
    return page.render("balancers.html", found=found, rows=rows, vswitches=vswitches, size=PER_PAGE)


async def balancer(page: Page) -> Response:
    """Show one load balancer: listeners, servers, and how each server is for each listener."""
    the_id = page.path("id")
    one = await page.call("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=the_id)
    health, groups, machines = await page.together(
        page.look("slb", "DescribeHealthStatus", LoadBalancerId=the_id),
        page.look("slb", "DescribeVServerGroups", LoadBalancerId=the_id),
        page.look("ecs", "DescribeInstances", PageSize=100),
    )
    seen: dict[str, list[Any]] = {}
    for row in health.rows("BackendServers", "BackendServer"):
        seen.setdefault(row["ServerId"], []).append(row)
    listeners = one["ListenerPortsAndProtocol"]["ListenerPortAndProtocol"]
    return page.render(
        "balancer.html",
        one=one,
        listeners=listeners,
        servers=one["BackendServers"]["BackendServer"],
        health=health,
        seen=seen,
        groups=groups,
        machines=machines.rows("Instances", "Instance"),
    )
