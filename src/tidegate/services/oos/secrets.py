"""Secrets while an execution runs: known to what it calls, sealed where they are kept, masked where they are shown.

Two kinds: values of NoEcho parameters (oos.md 2.1), and secret parameters of Parameter Store (oos.md 3.1). Rows hold masked
values, and beside them what an execution really runs with, sealed by the vault for the row's id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

import msgspec

from tidegate.services.oos.masking import MASK, Mask, mask_parameters, texts_in
from tidegate.services.oos.parameter_store import Read
from tidegate.store.oos.records import ExecutionRecord, TaskRecord

#: what is shown of a secret parameter (oos.md 3.1, ASSUMPTION)
SHOWN: Final = "****"
#: what of a task may hold a secret
_FIELDS: Final = ("loop", "item", "properties", "polling", "outputs", "memo")


class Seals(Protocol):
    """Seals what is kept of executions with secrets, as ``ParameterStore`` does."""

    def seal(self, value: Any, owner: str) -> str:
        """Return any JSON value sealed for an execution or a task execution, as a text that can be kept."""
        ...

    def open(self, sealed: str, owner: str) -> Any:
        """Return what was sealed."""
        ...


class Secrets:
    """The secrets that one look at an execution has met."""

    def __init__(self, seals: Seals, read: Read) -> None:
        self._seals = seals
        self._read = read
        #: secret parameters of Parameter Store, and values of NoEcho parameters
        self._met: set[str] = set()
        self._unechoed: set[str] = set()
        self._masks: tuple[Mask, ...] = ()

    async def read(self, name: str, is_secret: bool) -> Any:
        """Return the value of a parameter and remember it when it is a secret."""
        value = await self._read(name, is_secret)
        if is_secret:
            self._learn(met={value})
        return value

    def know(self, parameters: Mapping[str, Any], names: Collection[str]) -> None:
        """Remember the values of NoEcho parameters."""
        self._learn(unechoed=set().union(*(texts_in(parameters.get(name)) for name in names)))

    def hide(self, value: Any) -> Any:
        """Return any value without secrets; the same object when none was met."""
        for mask in self._masks:
            value = mask.value(value)
        return value

    def is_hidden(self, value: Any) -> bool:
        """Whether there is a secret in a value."""
        return bool(self._masks) and self.hide(value) != value

    def seal(self, record: TaskRecord) -> TaskRecord:
        """Return a task as it may be kept."""
        if not self._masks:
            return record
        secret = {name: value for name in _FIELDS if self.is_hidden(value := getattr(record, name))}
        if not secret:
            return msgspec.structs.replace(record, sealed="")
        sealed = self._seals.seal({"fields": secret, **self._known()}, record.id)
        return msgspec.structs.replace(record, sealed=sealed, **{name: self.hide(secret[name]) for name in secret})

    def reveal(self, record: TaskRecord) -> TaskRecord:
        """Return a task with what it really runs with; its secrets are hidden from now on."""
        if not record.sealed:
            return record
        opened = self._seals.open(record.sealed, record.id)
        self._learn(met=set(opened["met"]), unechoed=set(opened["unechoed"]))
        return msgspec.structs.replace(record, sealed="", **opened["fields"])

    def seal_end(self, record: ExecutionRecord, outputs: Any) -> tuple[Any, str | None]:
        """Return the outputs of an execution as they may be shown, and all its secrets sealed when they hold one."""
        if not self.is_hidden(outputs):
            return outputs, None
        secret = {**_secret_fields(record), "outputs": outputs}
        return self.hide(outputs), self._seals.seal({"fields": secret, **self._known()}, record.id)

    def adopt(self, child: ExecutionRecord) -> Mapping[str, Any] | None:
        """Return the outputs of a child as they really are; its secrets are hidden from now on."""
        if not child.sealed:
            return child.outputs
        opened = self._seals.open(child.sealed, child.id)
        self._learn(met=set(opened.get("met", ())), unechoed=set(opened.get("unechoed", ())))
        self.know(opened["fields"].get("parameters", {}), child.secrets)
        outputs: Mapping[str, Any] | None = opened["fields"].get("outputs", child.outputs)
        return outputs

    def _known(self) -> dict[str, list[str]]:
        return {"met": sorted(self._met), "unechoed": sorted(self._unechoed)}

    def _learn(self, *, met: Collection[str] = (), unechoed: Collection[str] = ()) -> None:
        if self._met.issuperset(met) and self._unechoed.issuperset(unechoed):
            return
        self._met.update(met)
        self._unechoed.update(unechoed)
        kinds = ((self._met, SHOWN), (self._unechoed, MASK))
        self._masks = tuple(Mask({"all": sorted(texts)}, ["all"], mark) for texts, mark in kinds if texts)


def seal_execution(record: ExecutionRecord, seals: Seals) -> ExecutionRecord:
    """Return an execution as it may be kept: values of its NoEcho parameters masked, and sealed."""
    if not record.secrets:
        return record
    secret = _secret_fields(record)
    mask = Mask(record.parameters, record.secrets)
    return msgspec.structs.replace(
        record,
        parameters=mask_parameters(record.parameters, record.secrets),
        origin=mask.value(record.origin),
        sealed=seals.seal({"fields": secret}, record.id),
    )


def open_execution(record: ExecutionRecord, seals: Seals) -> ExecutionRecord:
    """Return an execution with its parameters as they really are."""
    if not record.sealed:
        return record
    fields = seals.open(record.sealed, record.id)["fields"]
    return msgspec.structs.replace(
        record,
        parameters={**record.parameters, **fields["parameters"]},
        origin=fields["origin"],
        sealed="",
    )


def _secret_fields(record: ExecutionRecord) -> dict[str, Any]:
    parameters = {name: record.parameters[name] for name in record.secrets if name in record.parameters}
    return {"parameters": parameters, "origin": record.origin}
