"""Texts of templates and what they compile to: kept once by hash, compiled once in a process."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tidegate.errors import StoreError
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.model import Template
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.validation import Validated, content_hash, lint, validate
from tidegate.store.database import Database
from tidegate.store.oos import templates as rows

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_COMPILED: Final = 256


class Library:
    """Compiles templates and remembers the latest ones."""

    def __init__(self, database: Database, programs: Programs, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._catalog_version = catalog.version
        self._programs = programs
        self._known: OrderedDict[str, Validated] = OrderedDict()
        self._stored: set[str] = set()

    async def validate(self, text: str) -> Validated:
        """Check a text completely (V1 to V11)."""
        key = content_hash(text)
        if (known := self._recall(key)) is not None:
            return known
        return self._remember(key, await validate(text, self._programs, self._catalog.product))

    async def template(self, key: str) -> Template:
        """Return the template whose text is kept under a hash; raises StoreError when there is none."""
        return (await self.known(key)).require()

    async def known(self, key: str) -> Validated:
        """Return what is known of the text under a hash. It was valid when it was kept, so V11 is not checked again."""
        if (known := self._recall(key)) is not None:
            return known
        return self._remember(key, lint(await self.text(key), self._catalog.product).validated())

    async def text(self, key: str) -> str:
        """Return the text kept under a hash."""
        async with self._database.connection() as connection:
            text = await rows.content(connection, key)
        if text is None:
            raise StoreError(f"The text of a template is missing: {key}")
        return text

    async def keep(self, connection: Connection, text: str) -> str:
        """Keep a text and return its hash. ``connection`` is not in a transaction: a text more does no harm."""
        key = content_hash(text)
        if key not in self._stored:
            await rows.keep_content(connection, key, text)
            if len(self._stored) >= _COMPILED:
                self._stored.clear()
            self._stored.add(key)
        return key

    def _recall(self, key: str) -> Validated | None:
        if self._catalog_version != self._catalog.version:  # product actions came or went
            self._known.clear()
            self._catalog_version = self._catalog.version
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def _remember(self, key: str, validated: Validated) -> Validated:
        self._known[key] = validated
        while len(self._known) > _COMPILED:
            self._known.popitem(last=False)
        return validated
