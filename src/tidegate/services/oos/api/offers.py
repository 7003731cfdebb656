"""Operations that describe what OOS offers: actions and regions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos.actions.table import ACTIONS, Definition
from tidegate.services.oos.api.product import Paged, PagedAnswer, json_text, oos, token
from tidegate.services.oos.catalog import VERSION, VendorTemplate
from tidegate.services.oos.paging import Page
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call, Request


class ListActionsRequest(Paged):
    """Which actions; the name counts as a part."""

    oos_action_name: str | None = None


class RegionsRequest(Request):
    """Nothing to say."""


class ActionItem(Answer, kw_only=True):
    """One action; its properties are JSON text."""

    oos_action_name: str
    action_type: str
    description: str
    properties: str
    template_version: str | msgspec.UnsetType = msgspec.UNSET
    created_date: str | msgspec.UnsetType = msgspec.UNSET
    popularity: int = 0


class ListActionsAnswer(PagedAnswer, kw_only=True):
    """Part of the actions."""

    actions: Sequence[ActionItem]


class RegionItem(Answer):
    """One region."""

    region_id: str
    local_name: str
    region_endpoint: str


class RegionsAnswer(Answer):
    """All regions."""

    regions: Sequence[RegionItem]


@oos.operation("ListActions")
async def list_actions(service: Oos, _call: Call, request: ListActionsRequest) -> ListActionsAnswer:
    """List the actions that can be run here: the atomic ones, then those of products."""
    page = Page.read(request.max_results, request.next_token)
    wanted = (request.oos_action_name or "").lower()
    listed: list[Definition | VendorTemplate] = [action for name, action in sorted(ACTIONS.items()) if wanted in name]
    listed += [action for action in service.catalog.actions() if wanted in action.name.lower()]
    part = page.cut(listed)
    return ListActionsAnswer(
        actions=[_action_item(one) if isinstance(one, Definition) else _product_item(one) for one in part.items],
        max_results=part.size,
        next_token=token(part.next_token),
    )


def _action_item(action: Definition) -> ActionItem:
    properties = {name: {"Required": name in action.required} for name in sorted(action.properties)}
    return ActionItem(
        oos_action_name=action.name,
        action_type=action.kind,
        description=action.description,
        properties=json_text(properties),
    )


def _product_item(action: VendorTemplate) -> ActionItem:
    """A product action is a template: its properties are the template's parameters."""
    template = action.validated.template
    declared = template.parameters if template is not None else {}
    return ActionItem(
        oos_action_name=action.name,
        action_type=f"Product.{action.name.split('::')[1]}",
        description=action.features.description or "",
        properties=json_text({name: {"Required": one.is_required} for name, one in declared.items()}),
        template_version=f"v{VERSION}",
        created_date=to_seconds(action.dated),
    )


@oos.operation("DescribeRegions")
async def describe_regions(service: Oos, _call: Call, _request: RegionsRequest) -> RegionsAnswer:
    """List the regions."""
    return RegionsAnswer(
        [RegionItem(region, name, f"oos.{region}.aliyuncs.com") for region, name in service.regions.items()]
    )
