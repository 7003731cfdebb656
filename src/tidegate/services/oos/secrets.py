"""Secret parameters while an execution runs: known to what it calls, hidden in all that is kept or shown (oos.md 3.1)."""

from __future__ import annotations

from typing import Any, Final, Protocol

import msgspec

from tidegate.services.oos.masking import Mask
from tidegate.services.oos.parameter_store import Read
from tidegate.store.oos.records import TaskRecord

#: what is shown of a secret parameter (oos.md 3.1, ASSUMPTION)
SHOWN: Final = "****"


class Seals(Protocol):
    """Seals what tasks with secrets run with, as ``ParameterStore`` does."""

    def seal(self, value: Any, owner: str) -> str:
        """Return any JSON value sealed for a task execution, as a text that can be kept."""
        ...

    def open(self, sealed: str, owner: str) -> Any:
        """Return what was sealed."""
        ...


class Secrets:
    """The secrets that one look at an execution has met."""

    def __init__(self, seals: Seals, read: Read) -> None:
        self._seals = seals
        self._read = read
        self._values: set[str] = set()
        self._mask = Mask({}, ())

    async def read(self, name: str, is_secret: bool) -> Any:
        """Return the value of a parameter and remember it when it is a secret."""
        value = await self._read(name, is_secret)
        if is_secret:
            self._learn([value])
        return value

    def hide(self, value: Any) -> Any:
        """Return any value without secrets; the same object when none was met."""
        return self._mask.value(value)

    def seal(self, record: TaskRecord) -> TaskRecord:
        """Return a task as it may be kept: what it runs with is sealed when there is a secret in it."""
        shown = msgspec.structs.replace(
            record, properties=self.hide(record.properties), polling=self.hide(record.polling)
        )
        if (shown.properties, shown.polling) == (record.properties, record.polling):
            return record
        sealed = self._seals.seal(
            {"properties": record.properties, "polling": record.polling, "secrets": sorted(self._values)}, record.id
        )
        return msgspec.structs.replace(shown, sealed=sealed)

    def reveal(self, record: TaskRecord) -> TaskRecord:
        """Return a task with what it really runs with; its secrets are hidden from now on."""
        if not record.sealed:
            return record
        opened = self._seals.open(record.sealed, record.id)
        self._learn(opened["secrets"])
        return msgspec.structs.replace(record, properties=opened["properties"], polling=opened["polling"])

    def _learn(self, values: list[str]) -> None:
        self._values.update(values)
        self._mask = Mask({"secrets": sorted(self._values)}, ["secrets"], SHOWN)
