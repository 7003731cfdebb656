"""Launch templates: making them, changing which version counts, and reading them for a launch (ecs.md 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ecs import faults, limits, naming
from tidegate.services.operation import Call
from tidegate.store.database import Database
from tidegate.store.ecs import templates as rows
from tidegate.store.ecs.templates import Template, Version

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be written: what it is for, and what instances are made of."""

    description: str
    fields: Mapping[str, Any]


class Templates:
    """The launch templates of every account."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create(
        self, call: Call, name: str, draft: Draft, *, resource_group_id: str, tags: Mapping[str, str]
    ) -> str:
        """Make a template whose first version is the default one; returns its id."""
        if not naming.is_name(name):
            raise faults.bad("InvalidLaunchTemplateName.Malformed")
        _check_draft(draft)
        now = self._clock.now()
        template = Template(
            id=self._ids.resource("lt", call.region),
            account_id=call.account_id,
            region=call.region,
            name=name,
            created_by=call.principal.id,
            resource_group_id=resource_group_id,
            tags=tags,
            default_version=1,
            latest_version=1,
            created_at=now,
            modified_at=now,
        )
        async with self._database.transaction() as tx:
            await rows.lock_names(tx, call.account_id, call.region)
            if await rows.find(tx, call.account_id, call.region, template_id=None, name=name):
                raise faults.bad("InvalidLaunchTemplateName.Duplicated")
            mine = rows.Query(account_id=call.account_id, region=call.region)
            if await rows.count(tx, mine) >= limits.TEMPLATES_PER_REGION:
                raise faults.denied("LaunchTemplateLimitExceed")
            await rows.add(tx, template, self._version(call, template, 1, draft))
        return template.id

    async def add_version(self, call: Call, template_id: str | None, name: str | None, draft: Draft) -> Version:
        """Write another version; the default one stays."""
        _check_draft(draft)
        async with self._database.transaction() as tx:
            template = await self._named(tx, call, template_id, name)
            if len(await rows.versions(tx, template.id)) >= limits.VERSIONS_PER_TEMPLATE:
                raise faults.denied("LaunchTemplateVersionLimitExceed")
            version = self._version(call, template, template.latest_version + 1, draft)
            await rows.add_version(tx, version)
        return version

    def _version(self, call: Call, template: Template, number: int, draft: Draft) -> Version:
        return Version(
            template_id=template.id,
            number=number,
            description=draft.description,
            fields=draft.fields,
            created_by=call.principal.id,
            created_at=self._clock.now(),
        )

    async def set_default(self, call: Call, template_id: str | None, name: str | None, number: int) -> None:
        """Make a version the one that counts where none is named."""
        async with self._database.transaction() as tx:
            template = await self._named(tx, call, template_id, name)
            if number not in {one.number for one in await rows.versions(tx, template.id)}:
                raise faults.not_found("InvalidLaunchTemplateVersion")
            await rows.set_default(tx, template.id, number, self._clock.now())

    async def delete(self, call: Call, template_id: str | None, name: str | None) -> tuple[str, list[int]]:
        """Delete a template; returns its id and the versions it had. What was made from it stays."""
        async with self._database.transaction() as tx:
            template = await self._named(tx, call, template_id, name)
            numbers = [one.number for one in await rows.versions(tx, template.id)]
            await rows.remove(tx, template.id)
        return template.id, numbers

    async def delete_versions(
        self, call: Call, template_id: str | None, name: str | None, numbers: Sequence[int]
    ) -> Template:
        """Delete versions, all or none; the default one cannot be deleted (ASSUMPTION on the code)."""
        async with self._database.transaction() as tx:
            template = await self._named(tx, call, template_id, name)
            if template.default_version in numbers:
                raise faults.denied("InvalidOperation.DefaultVersion")
            if not set(numbers) <= {one.number for one in await rows.versions(tx, template.id)}:
                raise faults.not_found("InvalidLaunchTemplateVersion")
            await rows.remove_versions(tx, template.id, numbers)
        return template

    async def describe(self, query: rows.Query, *, limit: int, offset: int) -> tuple[int, list[Template]]:
        """Return how many templates match and a page of them, newest first."""
        async with self._database.connection() as db:
            return await rows.count(db, query), await rows.page(db, query, limit=limit, offset=offset)

    async def versions(
        self, call: Call, template_id: str | None, name: str | None
    ) -> tuple[Template, list[Version]] | None:
        """Return a template and its versions, newest first; None when the account has no such template."""
        async with self._database.connection() as db:
            template = await rows.find(db, call.account_id, call.region, template_id=template_id, name=name)
            return (template, await rows.versions(db, template.id)) if template else None

    async def version(
        self, account_id: str, region: str, *, template_id: str | None, name: str | None = None, version: str | None
    ) -> Version | None:
        """Return the version that a launch names: a number, ``Latest``, or ``Default``, which is meant when it is absent.

        None: the template has no such version. Raises InvalidLaunchTemplate.NotFound.
        """
        async with self._database.connection() as db:
            template = await rows.find(db, account_id, region, template_id=template_id, name=name)
            if template is None:
                raise faults.not_found("InvalidLaunchTemplate")
            written = await rows.versions(db, template.id)
        match (version or "Default").capitalize():
            case "Default":
                number = template.default_version
            case "Latest":
                number = max(one.number for one in written)
            case word:
                number = int(word) if word.isdecimal() else 0
        return next((one for one in written if one.number == number), None)

    async def _named(self, tx: Connection, call: Call, template_id: str | None, name: str | None) -> Template:
        if template_id is None and name is None:
            raise faults.missing_parameter("LaunchTemplateId")
        found = await rows.find(tx, call.account_id, call.region, template_id=template_id, name=name, lock=True)
        if found is None:
            raise faults.not_found("InvalidLaunchTemplate")
        return found


def _check_draft(draft: Draft) -> None:
    description = draft.description
    if description and (not 2 <= len(description) <= 256 or description.startswith(("http://", "https://"))):
        raise faults.bad("InvalidDescription.Malformed")
