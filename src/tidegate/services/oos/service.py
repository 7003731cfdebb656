"""OOS as the rest of the cloud uses it: templates, executions, and what Auto Scaling needs of both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidegate.clock import Clock
from tidegate.cloud.outside import Nowhere, Outside
from tidegate.errors import CloudError
from tidegate.ids import REGION_MARKS, Ids
from tidegate.services.oos import errors, limits
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.executions import Executions
from tidegate.services.oos.fetching import fetch_template
from tidegate.services.oos.library import Library
from tidegate.services.oos.model import ParameterDefinition
from tidegate.services.oos.notifying import Notifying
from tidegate.services.oos.orders import Order
from tidegate.services.oos.parameter_store import ParameterStore
from tidegate.services.oos.policy import needed_actions
from tidegate.services.oos.ports import OOS_SERVICE, SCALING_SERVICE, Roles
from tidegate.services.oos.risks import RiskyCall, risky_calls
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.tags import Tags
from tidegate.services.oos.templates import Templates
from tidegate.services.oos.triggering import Triggering
from tidegate.services.oos.updating import Updating
from tidegate.services.oos.validation import Validated
from tidegate.services.oos.values import to_json
from tidegate.services.operation import Principal
from tidegate.store.database import Database
from tidegate.vault import Vault


class Oos:
    """Runbooks of one cloud.

    ``programs`` is the helper that runs jq; whoever made it closes it. ``vault`` seals secret parameters. ``regions`` gives each region's
    name for people, ``imported`` is the folder of imported templates of the vendor.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        roles: Roles,
        programs: Programs,
        vault: Vault,
        regions: Mapping[str, str] | None = None,
        imported: Path | None = None,
        concurrent: int = limits.CONCURRENT_EXECUTIONS,
        outside: Outside | None = None,
    ) -> None:
        self.regions = dict(zip(REGION_MARKS, REGION_MARKS, strict=True)) if regions is None else regions
        self.catalog = Catalog(imported)
        self.library = Library(database, programs, self.catalog)
        self.templates = Templates(database, clock, ids, self.library, self.catalog)
        self.tags = Tags(database)
        self.parameter_store = ParameterStore(database, clock, ids, vault=vault, roles=roles, programs=programs)
        self.executions = Executions(
            database,
            clock,
            ids,
            library=self.library,
            templates=self.templates,
            programs=programs,
            roles=roles,
            store=self.parameter_store,
            concurrent=concurrent,
        )
        self.notifying = Notifying(database, clock, self.library)
        self.triggering = Triggering(database, clock)
        self.updating = Updating(database, clock, self.executions)
        self._roles = roles
        self._outside = outside or Nowhere()

    async def validate(self, content: str) -> Validated:
        """Check a text completely and return the template or everything that is wrong with it."""
        return await self.library.validate(content)

    async def fetch(self, url: str) -> str:
        """Return the template at an address; raises CloudError."""
        return await fetch_template(self._outside, url)

    async def template_parameters(
        self, account_id: str, region: str, name: str
    ) -> Mapping[str, ParameterDefinition] | None:
        """Return what the newest version of a template declares; None when there is no such template."""
        try:
            view = await self.templates.find(account_id, region, name)
        except CloudError:
            return None
        return (await self.templates.validated(view)).require().parameters

    async def template_defaults(self, account_id: str, region: str, name: str) -> Mapping[str, Any] | None:
        """Return each declared parameter with its default, UNSET when it has none; None: no such template."""
        declared = await self.template_parameters(account_id, region, name)
        if declared is None:
            return None
        return {
            parameter: definition.default if definition.has_default else msgspec.UNSET
            for parameter, definition in declared.items()
        }

    async def start_execution(
        self,
        principal: Principal,
        region: str,
        *,
        template_name: str,
        parameters: Mapping[str, Any],
        client_token: str | None = None,
        description: str | None = None,
    ) -> str:
        """Start an execution of the newest version of a template and return its id; raises CloudError.

        The same ``client_token`` with the same template and parameters returns the first execution's id.
        """
        asked = hashlib.sha256(to_json([template_name, parameters]).encode()).hexdigest()
        record = await self.executions.start(
            Order(
                principal=principal,
                region=region,
                template_name=template_name,
                parameters=parameters,
                description=description,
                client_token=client_token,
                fingerprint=asked,
            )
        )
        return record.id

    async def start(
        self, account_id: str, region: str, template: str, parameters: Mapping[str, Any], *, client_token: str
    ) -> str:
        """Start an execution as Auto Scaling under its own role (ess.md 4.4); see ``start_execution``."""
        scaling = await self._roles.ensure_service_linked_role(account_id, SCALING_SERVICE)
        return await self.start_execution(
            scaling, region, template_name=template, parameters=parameters, client_token=client_token
        )

    async def actions_of(
        self, account_id: str, region: str, *, name: str | None, version: str | None, content: str | None
    ) -> Sequence[str]:
        """Return the RAM actions that a template needs."""
        if content is not None:
            return needed_actions((await self.validate(content)).require(), self.catalog)
        if not name:
            raise CloudError("MissingParameter", "TemplateName or TemplateContent must be given.")
        view = await self.templates.find(account_id, region, name, version)
        return needed_actions((await self.templates.validated(view)).require(), self.catalog)

    async def risky_calls(self, account_id: str, region: str, *, name: str, version: str | None) -> Sequence[RiskyCall]:
        """Return the high-risk operations of a template."""
        view = await self.templates.find(account_id, region, name, version)
        return risky_calls(view.name, (await self.templates.validated(view)).require(), self.catalog)

    async def lacking(self, account_id: str, role: str, actions: Sequence[str]) -> Sequence[str]:
        """Return those of the actions that a role must not do on everything."""
        try:
            acting = await self._roles.assume_role_as_service(account_id, OOS_SERVICE, role, "GenerateExecutionPolicy")
        except CloudError as error:
            raise errors.role_not_assumed(role, error) from error
        return [action for action in actions if not (await self._roles.decide(acting, action, "*")).allowed]
