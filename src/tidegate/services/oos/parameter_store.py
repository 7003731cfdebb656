"""Parameter Store: common parameters, secret ones that only the vault opens, and references to both (oos.md 8.3)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.oos import errors, limits
from tidegate.services.oos.ports import Roles
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.templates import author_of
from tidegate.services.oos.values import ExpressionError, from_json, to_text
from tidegate.services.operation import Call, Principal, invalid_parameter
from tidegate.store import tokens
from tidegate.store.database import Database
from tidegate.store.oos import parameters as rows
from tidegate.store.oos.parameters import Owner, ParameterRecord, ParameterVersion
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: gives the value of a parameter by its name; True: of a secret one. Raises ExpressionError
Read = Callable[[str, bool], Awaitable[Any]]

_NAME: Final = re.compile(r"[A-Za-z0-9_/-]+")
_RESERVED: Final = ("aliyun", "acs", "alibaba", "alicloud", "oos")
_CONSTRAINTS: Final = frozenset({"AllowedValues", "AllowedPattern", "MinLength", "MaxLength"})


class NewParameter(msgspec.Struct, frozen=True, kw_only=True):
    """What a new parameter is to be."""

    name: str
    kind: str
    value: str
    constraints: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = {}
    resource_group_id: str | None = None
    key_id: str | None = None
    dkms_instance_id: str | None = None


class Valued(msgspec.Struct, frozen=True):
    """A parameter with one of its values; None: not asked for."""

    record: ParameterRecord
    kept: ParameterVersion
    value: str | None


class ParameterStore:
    """The parameters of all accounts. Names of secret parameters are apart from those of common ones."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, *, vault: Vault, roles: Roles, programs: Programs
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._roles = roles
        self._programs = programs

    async def create(self, call: Call, new: NewParameter) -> ParameterRecord:
        """Add a parameter. A repeat with the same token returns the first one."""
        owner = _owner(call, is_secret=new.kind == "Secret")
        _check_new(owner, new)
        constraints = _read_constraints(new.constraints)
        await self._check_value(new.kind, constraints, new.value)
        now, repeat = self._clock.now(), (call.account_id, f"oos:{call.action}", call.client_token, call.fingerprint)
        async with self._database.transaction() as tx:
            if (known := await tokens.recall(tx, *repeat, now=now)) is not None:
                return msgspec.convert(known, ParameterRecord)
            if await rows.count(tx, owner) >= limits.PARAMETERS:
                raise errors.too_many_parameters(limits.PARAMETERS)
            record = ParameterRecord(
                account_id=owner.account_id,
                region=owner.region,
                is_secret=owner.is_secret,
                name=new.name,
                id=f"{'sp' if owner.is_secret else 'p'}-{self._ids.text(20)}",
                kind=new.kind,
                version=1,
                constraints=constraints,
                description=new.description,
                tags=dict(new.tags),
                resource_group_id=new.resource_group_id,
                key_id=new.key_id,
                dkms_instance_id=new.dkms_instance_id,
                created_by=author_of(call.principal),
                created_at=now,
                updated_by=author_of(call.principal),
                updated_at=now,
            )
            if not await rows.add(tx, record, self._sealed(record, new.value)):
                raise errors.parameter_exists(new.name, is_secret=owner.is_secret)
            await tokens.remember(tx, *repeat, msgspec.to_builtins(record), now=now)
        return record

    async def update(
        self,
        call: Call,
        name: str,
        value: str,
        *,
        is_secret: bool,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        resource_group_id: str | None = None,
    ) -> ParameterRecord:
        """Add a version; type and constraints stay."""
        owner = _owner(call, is_secret=is_secret)
        _check_description(description)
        _check_tags(tags or {})
        found = await self.find(call, name, is_secret=is_secret)
        await self._check_value(found.kind, found.constraints, value)
        async with self._database.transaction() as tx:
            before = _required(await rows.find(tx, owner, [name], lock=True), name, is_secret=is_secret)
            record = msgspec.structs.replace(
                before,
                version=before.version + 1,
                description=before.description if description is None else description,
                tags=before.tags if tags is None else tags,
                resource_group_id=resource_group_id or before.resource_group_id,
                updated_by=author_of(call.principal),
                updated_at=self._clock.now(),
            )
            await rows.update(tx, record)
            await rows.add_version(tx, record.id, self._sealed(record, value))
            await rows.forget_versions(tx, record.id, record.version - limits.PARAMETER_VERSIONS + 1)
        return record

    async def delete(self, call: Call, name: str, *, is_secret: bool) -> None:
        """Delete a parameter with all its versions."""
        async with self._database.transaction() as tx:
            if not await rows.delete(tx, _owner(call, is_secret=is_secret), name):
                raise errors.parameter_not_found(name, is_secret=is_secret)

    async def find(self, call: Call, name: str, *, is_secret: bool) -> ParameterRecord:
        """Return one parameter, without its value."""
        async with self._database.connection() as connection:
            owner = _owner(call, is_secret=is_secret)
            return _required(await rows.find(connection, owner, [name]), name, is_secret=is_secret)

    async def get(
        self, call: Call, name: str, version: int | None = None, *, is_secret: bool, opened: bool = True
    ) -> Valued:
        """Return one parameter with its newest value, or that of a version."""
        kept = await self.versions(call, name, is_secret=is_secret, opened=opened)
        for valued in kept:
            if version in (None, valued.kept.version):
                return valued
        raise errors.parameter_not_found(f"{name} of version {version}", is_secret=is_secret)

    async def versions(self, call: Call, name: str, *, is_secret: bool, opened: bool = True) -> Sequence[Valued]:
        """Return every value of a parameter, newest first."""
        async with self._database.connection() as connection:
            owner = _owner(call, is_secret=is_secret)
            record = _required(await rows.find(connection, owner, [name]), name, is_secret=is_secret)
            kept = await rows.versions(connection, record.id)
        return [Valued(record, one, self._open(record, one) if opened else None) for one in kept]

    async def get_many(
        self, call: Call, names: Sequence[str], *, is_secret: bool, opened: bool = True
    ) -> tuple[Sequence[Valued], Sequence[str]]:
        """Return the named parameters with their newest values, and the names that are none."""
        async with self._database.connection() as connection:
            found = await rows.find(connection, _owner(call, is_secret=is_secret), names)
            wanted = [found[name] for name in dict.fromkeys(names) if name in found]
            valued = await self._valued(connection, wanted, opened=opened)
        return valued, [name for name in dict.fromkeys(names) if name not in found]

    async def list(self, call: Call, *, is_secret: bool) -> Sequence[ParameterRecord]:
        """Return every parameter of the caller's account and region, by name."""
        async with self._database.connection() as connection:
            return await rows.all_of(connection, _owner(call, is_secret=is_secret))

    async def with_values(self, records: Sequence[ParameterRecord], *, opened: bool = True) -> Sequence[Valued]:
        """Return these parameters with their newest values."""
        async with self._database.connection() as connection:
            return await self._valued(connection, records, opened=opened)

    def reader(self, acting: Callable[[], Awaitable[Principal]], account_id: str, region: str) -> Read:
        """Return what gives values to references, read with the rights of whoever is acting."""

        async def read(name: str, is_secret: bool) -> Any:
            try:
                return await self._read(await acting(), Owner(account_id, region, is_secret), name)
            except CloudError as error:
                raise ExpressionError(str(error)) from error

        return read

    def seal(self, value: Any, owner: str) -> str:
        """Return any JSON value sealed for a task execution, as a text that can be kept."""
        return self._vault.seal(msgspec.json.encode(value).decode(), owner).hex()

    def open(self, sealed: str, owner: str) -> Any:
        """Return what was sealed."""
        return msgspec.json.decode(self._vault.open(bytes.fromhex(sealed), owner))

    async def _read(self, principal: Principal, owner: Owner, name: str) -> Any:
        kind = "secretparameter" if owner.is_secret else "parameter"
        action = "oos:GetSecretParameter" if owner.is_secret else "oos:GetParameter"
        resource = f"acs:oos:{owner.region}:{owner.account_id}:{kind}/{name}"
        decision = await self._roles.decide(principal, action, resource)
        if not decision.allowed:
            raise errors.denied(action, resource, decision.detail)
        async with self._database.connection() as connection:
            found = _required(await rows.find(connection, owner, [name]), name, is_secret=owner.is_secret)
            (valued,) = await self._valued(connection, [found], opened=True)
        text = valued.value or ""
        # ASSUMPTION (oos.md 8.3): a reference to a StringList is a list.
        return text.split(",") if found.kind == "StringList" else text

    async def _valued(
        self, connection: Connection, records: Sequence[ParameterRecord], *, opened: bool
    ) -> Sequence[Valued]:
        newest = await rows.values(connection, [record.id for record in records])
        return [
            Valued(record, newest[record.id], self._open(record, newest[record.id]) if opened else None)
            for record in records
            if record.id in newest
        ]

    def _sealed(self, record: ParameterRecord, value: str) -> ParameterVersion:
        return ParameterVersion(
            version=record.version,
            value=None if record.is_secret else value,
            sealed=self._vault.seal(value, f"{record.id}/{record.version}") if record.is_secret else None,
            updated_by=record.updated_by,
            updated_at=record.updated_at,
        )

    def _open(self, record: ParameterRecord, version: ParameterVersion) -> str:
        if version.sealed is None:
            return version.value or ""
        return self._vault.open(version.sealed, f"{record.id}/{version.version}")

    async def _check_value(self, kind: str, constraints: Mapping[str, Any] | None, value: str) -> None:
        """Refuse a value that breaks its constraints. ASSUMPTION: each element of a StringList must be allowed."""
        if not 1 <= len(value) <= limits.PARAMETER_VALUE:
            raise invalid_parameter("Value")
        held = constraints or {}
        elements = value.split(",") if kind == "StringList" else [value]
        allowed = [to_text(one) for one in held.get("AllowedValues") or ()]
        if allowed and not set(elements) <= set(allowed):
            raise invalid_parameter("Value")
        if not held.get("MinLength", 0) <= len(value) <= held.get("MaxLength", limits.PARAMETER_VALUE):
            raise invalid_parameter("Value")
        pattern = held.get("AllowedPattern")
        if pattern is not None:
            try:
                fits = all([await self._programs.matches(pattern, element) for element in elements])
            except ExpressionError:
                raise invalid_parameter("Constraints") from None
            if not fits:
                raise invalid_parameter("Value")


def is_under(path: str, name: str, *, recursive: bool) -> bool:
    """Tell whether a name lies under a path: directly, or anywhere below when ``recursive``."""
    folder = path.strip("/")
    parts = name.strip("/")
    rest = parts.removeprefix(f"{folder}/") if folder else parts
    return bool(rest) and (not folder or rest != parts) and (recursive or "/" not in rest)


def _owner(call: Call, *, is_secret: bool) -> Owner:
    return Owner(call.account_id, call.region, is_secret)


def _required(found: Mapping[str, ParameterRecord], name: str, *, is_secret: bool) -> ParameterRecord:
    if name not in found:
        raise errors.parameter_not_found(name, is_secret=is_secret)
    return found[name]


def _check_new(owner: Owner, new: NewParameter) -> None:
    length = limits.SECRET_PARAMETER_NAME if owner.is_secret else limits.NAME_LENGTH
    is_reserved = new.name.lower().lstrip("/").startswith(_RESERVED)
    if len(new.name) > length or is_reserved or not _NAME.fullmatch(new.name):
        raise invalid_parameter("Name")
    if new.kind not in (("Secret",) if owner.is_secret else ("String", "StringList")):
        raise invalid_parameter("Type")
    _check_description(new.description)
    _check_tags(new.tags)


def _check_description(text: str | None) -> None:
    if text is not None and not 1 <= len(text) <= limits.PARAMETER_DESCRIPTION:
        raise invalid_parameter("Description")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > limits.TAGS:
        raise invalid_parameter("Tags")


def _read_constraints(text: str | None) -> Mapping[str, Any] | None:
    """Read the JSON text of Constraints."""
    if not text:
        return None
    try:
        read = from_json(text)
    except ValueError:
        raise invalid_parameter("Constraints") from None
    if not isinstance(read, dict) or not read.keys() <= _CONSTRAINTS:
        raise invalid_parameter("Constraints")
    lengths = [read[key] for key in ("MinLength", "MaxLength") if key in read]
    if any(not isinstance(one, int) or isinstance(one, bool) for one in lengths):
        raise invalid_parameter("Constraints")
    if not isinstance(read.get("AllowedValues", []), list) or not isinstance(read.get("AllowedPattern", ""), str):
        raise invalid_parameter("Constraints")
    return read
