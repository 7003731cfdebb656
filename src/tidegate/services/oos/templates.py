"""Templates: made, changed, listed, resolved (oos.md 8.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.oos import catalog, errors, limits
from tidegate.services.oos.catalog import Catalog, features_of
from tidegate.services.oos.library import Library
from tidegate.services.oos.states import FINAL_EXECUTION
from tidegate.services.oos.validation import Validated
from tidegate.services.operation import Principal, invalid_parameter
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import executions, records
from tidegate.store.oos import templates as rows

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.NAME_LENGTH}}}")
#: what names of users' templates must not begin with, in any case (oos.md 1.3)
_RESERVED: Final = ("aliyun", "acs", "alibaba", "alicloud")
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})")


class TemplateView(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a template as it is shown, whoever made it."""

    name: str
    id: str
    version: int
    version_name: str | None = None
    kind: str
    format: str
    description: str | None
    hash: str
    category: str
    share_type: str
    tags: Mapping[str, str] = {}
    resource_group_id: str | None = None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    executions: int = 0

    @property
    def has_trigger(self) -> bool:
        """Whether its first task is a trigger."""
        return self.category != "Other"


class TemplateFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What ListTemplates may ask for; None: no matter."""

    name: str | None = None
    kind: str | None = None
    format: str | None = None
    category: str | None = None
    share_type: str | None = None
    has_trigger: bool | None = None
    created_by: str | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    resource_group_id: str | None = None
    tags: Mapping[str, str] | None = None
    sort_by: str = "TotalExecutionCount"
    descending: bool = True

    def admits(self, view: TemplateView) -> bool:
        """Whether a template is wanted."""
        wanted = (
            (self.kind, view.kind),
            (self.format, view.format),
            (self.category, view.category),
            (self.share_type, view.share_type),
            (self.has_trigger, view.has_trigger),
            (self.created_by, view.created_by),
            (self.resource_group_id, view.resource_group_id),
        )
        return (
            all(want is None or want == have for want, have in wanted)
            and (self.name is None or self.name.lower() in view.name.lower())
            and (self.created_before is None or view.created_at <= self.created_before)
            and (self.created_after is None or view.created_at >= self.created_after)
            and (self.tags is None or self.tags.items() <= view.tags.items())
        )

    def ordered(self, views: Sequence[TemplateView]) -> list[TemplateView]:
        """Return the templates in the order asked for; names break ties."""
        keys = {
            "TemplateName": lambda view: view.name,
            "CreatedDate": lambda view: view.created_at,
            "UpdatedDate": lambda view: view.updated_at,
        }
        by_name = sorted(views, key=lambda view: view.name)
        return sorted(by_name, key=keys.get(self.sort_by, lambda view: view.executions), reverse=self.descending)


class Templates:
    """The templates of all accounts, and the vendor's."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, library: Library, vendor: Catalog) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._library = library
        self.vendor = vendor

    async def create(
        self,
        principal: Principal,
        region: str,
        name: str,
        content: str,
        *,
        tags: Mapping[str, str] | None = None,
        resource_group_id: str | None = None,
        version_name: str | None = None,
    ) -> TemplateView:
        """Add a template. Raises InvalidTemplate with every problem of the text."""
        if not _NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
            raise invalid_parameter("TemplateName")
        validated = await self._library.validate(content)
        template = validated.require()
        now, author = self._clock.now(), author_of(principal)
        async with self._database.connection() as connection:
            key = await self._library.keep(connection, content)
            async with connection.transaction():
                if await rows.count(connection, principal.account_id, region) >= limits.TEMPLATES:
                    raise errors.too_many_templates(limits.TEMPLATES)
                record = records.TemplateRecord(
                    account_id=principal.account_id,
                    region=region,
                    name=name,
                    id=f"t-{self._ids.text(20)}",
                    version=1,
                    tags=_checked_tags(tags or {}),
                    resource_group_id=resource_group_id,
                    hash=key,
                    created_by=author,
                    created_at=now,
                    updated_by=author,
                    updated_at=now,
                    **msgspec.structs.asdict(features_of(template)),
                )
                if not await rows.add(connection, record, _version(record, version_name)):
                    raise errors.template_exists(name)
        return _view(record, version_name)

    async def update(
        self,
        principal: Principal,
        region: str,
        name: str,
        content: str,
        *,
        tags: Mapping[str, str] | None = None,
        resource_group_id: str | None = None,
        version_name: str | None = None,
    ) -> TemplateView:
        """Add a version, unless the text is the newest already (oos.md 8.1, ASSUMPTION)."""
        template = (await self._library.validate(content)).require()
        async with self._database.connection() as connection:
            key = await self._library.keep(connection, content)
            async with connection.transaction():
                before = await rows.find(connection, principal.account_id, region, name, lock=True)
                if before is None:
                    raise errors.template_not_found(name)
                changed = key != before.hash
                record = msgspec.structs.replace(
                    before,
                    version=before.version + changed,
                    tags=before.tags if tags is None else _checked_tags(tags),
                    resource_group_id=resource_group_id or before.resource_group_id,
                    hash=key,
                    updated_by=author_of(principal),
                    updated_at=self._clock.now(),
                    **msgspec.structs.asdict(features_of(template)),
                )
                await rows.update(connection, record)
                if changed:
                    await rows.add_version(connection, _version(record, version_name))
        return _view(record, version_name)

    async def find(self, account_id: str, region: str, name: str, version: str | None = None) -> TemplateView:
        """Return a template, by default in its newest version; the vendor's are everybody's."""
        if (public := self.vendor.find(name)) is not None:
            if version not in (None, f"v{catalog.VERSION}"):
                raise errors.template_not_found(f"{name} {version}")
            return public_view(public)
        async with self._database.connection() as connection:
            record = await rows.find(connection, account_id, region, name)
            if record is None:
                raise errors.template_not_found(name)
            if version is None or version == f"v{record.version}":
                return _view(record, None)
            match = _VERSION.fullmatch(version)
            found = await rows.find_version(connection, record.id, int(match[1])) if match else None
        if found is None:
            raise errors.template_not_found(f"{name} {version}")
        return _view_of_version(record, found)

    async def text(self, view: TemplateView) -> str:
        """Return the text of a version."""
        public = self.vendor.find(view.name)
        return public.text if public is not None else await self._library.text(view.hash)

    async def validated(self, view: TemplateView) -> Validated:
        """Return a version compiled, with what is known of it."""
        public = self.vendor.find(view.name)
        return public.validated if public is not None else await self._library.known(view.hash)

    async def list(self, account_id: str, region: str, wanted: TemplateFilter) -> Sequence[TemplateView]:
        """Return the account's templates and the vendor's that are wanted, in the order wanted."""
        async with self._database.connection() as connection:
            owned = await rows.all_of(connection, account_id, region)
            counts = await rows.executions_of(connection, account_id, region)
        views = [*(_view(record, None) for record in owned), *map(public_view, self.vendor.public())]
        counted = [msgspec.structs.replace(view, executions=counts.get(view.name, 0)) for view in views]
        return wanted.ordered([view for view in counted if wanted.admits(view)])

    async def versions(self, account_id: str, region: str, name: str) -> Sequence[TemplateView]:
        """Return all versions of a template, newest first."""
        if (public := self.vendor.find(name)) is not None:
            return [public_view(public)]
        async with self._database.connection() as connection:
            record = await rows.find(connection, account_id, region, name)
            if record is None:
                raise errors.template_not_found(name)
            return [_view_of_version(record, version) for version in await rows.versions(connection, record.id)]

    async def delete(
        self, account_id: str, region: str, names: Sequence[str], *, with_executions: bool = False
    ) -> None:
        """Delete templates, all or none; ``with_executions`` cancels and deletes what they started."""
        async with self._database.transaction() as tx:
            for name in names:
                if self.vendor.find(name) is not None:
                    raise errors.denied("oos:DeleteTemplate", f"template/{name}")
                record = await rows.find(tx, account_id, region, name, lock=True)
                if record is None:
                    raise errors.template_not_found(name)
                await self._release(tx, record, with_executions=with_executions)
                await rows.delete(tx, record.id)

    async def _release(self, tx: Connection, record: records.TemplateRecord, *, with_executions: bool) -> None:
        started = await executions.of_template(tx, record.account_id, record.region, record.name)
        if with_executions:
            for execution_id in started:
                await work.cancel(tx, f"execution/{execution_id}", now=self._clock.now())
            await executions.delete(tx, list(started))
        elif any(status not in FINAL_EXECUTION for status in started.values()):
            raise errors.template_in_use(record.name)


def author_of(principal: Principal) -> str:
    """Return how CreatedBy and ExecutedBy name somebody: user or role by name, the account by its id."""
    return principal.name or principal.account_id


def _checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    if len(tags) > limits.TAGS:
        raise invalid_parameter("Tags")
    return tags


def _version(record: records.TemplateRecord, version_name: str | None) -> records.VersionRecord:
    return records.VersionRecord(
        template_id=record.id,
        version=record.version,
        version_name=version_name,
        format=record.format,
        description=record.description,
        hash=record.hash,
        updated_by=record.updated_by,
        updated_at=record.updated_at,
    )


def _view(record: records.TemplateRecord, version_name: str | None) -> TemplateView:
    fields = {name: getattr(record, name) for name in records.TemplateRecord.__struct_fields__}
    del fields["account_id"], fields["region"]
    return TemplateView(**fields, version_name=version_name, share_type="Private")


def _view_of_version(record: records.TemplateRecord, version: records.VersionRecord) -> TemplateView:
    fields = {name: getattr(version, name) for name in records.VersionRecord.__struct_fields__}
    del fields["template_id"]
    return msgspec.structs.replace(_view(record, None), **fields)


def public_view(public: catalog.VendorTemplate) -> TemplateView:
    """Return a template of the vendor as it is shown."""
    return TemplateView(
        name=public.name,
        id=public.id,
        version=catalog.VERSION,
        hash=public.hash,
        share_type="Public",
        created_by=catalog.VENDOR,
        created_at=public.dated,
        updated_by=catalog.VENDOR,
        updated_at=public.dated,
        **msgspec.structs.asdict(public.features),
    )
