"""The vendor's templates that every account sees: public ones and product actions (oos.md 5.11, 8.1).

Some are files of this package, written for this cloud. Others are imported: ``tidegate oos import`` puts them into a
folder with an index, and a cloud that runs sees them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec

from tidegate.services.oos.actions.products import Products, product_files
from tidegate.services.oos.document import Format
from tidegate.services.oos.model import Kind, Template, in_language
from tidegate.services.oos.validation import Validated, content_hash, lint

#: who made them, as CreatedBy shows it
VENDOR: Final = "ACS"
VERSION: Final = 1
#: the index of a folder of imported templates
INDEX: Final = "index.json"
#: the day of the public repository that their behaviour was read from
_DATED: Final = datetime(2024, 9, 23, tzinfo=UTC)
#: the first of a name in a folder counts
_SUFFIXES: Final = (".yml", ".yaml", ".json")


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What lists show of a template's text."""

    kind: Kind
    format: Format
    description: str | None
    category: str


def features_of(template: Template) -> Features:
    """Return what lists show of a template."""
    return Features(
        kind=template.kind,
        format=template.format,
        description=in_language(template.description),
        category=template.trigger.removeprefix("ACS::") if template.trigger else "Other",
    )


@dataclass(frozen=True)
class VendorTemplate:
    """A template of the vendor. Its text is read, and compiled, when somebody needs it."""

    name: str
    read: Callable[[], str]
    #: the product actions it may use
    products: Products
    dated: datetime = _DATED
    #: as the index of imported templates has them
    known_hash: str | None = None
    known_features: Features | None = None

    @cached_property
    def text(self) -> str:
        """The template as it was written."""
        return self.read()

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of its text."""
        return self.known_hash or content_hash(self.text)

    @property
    def id(self) -> str:
        """A template id that is the same in every cloud."""
        return f"t-{self.hash[:20]}"

    @cached_property
    def validated(self) -> Validated:
        """What is known of it."""
        return lint(self.text, self.products).validated()

    @cached_property
    def features(self) -> Features:
        """What lists show of it."""
        return self.known_features or features_of(self.validated.require())


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One imported template; ``file`` lies beside the index."""

    name: str
    file: str
    hash: str
    features: Features


class Catalog:
    """All templates of the vendor by name; product actions by their name in any case (oos.md 3.1).

    ``imported`` is a folder with an index, which may change or come at any time. ``folders`` hold templates as a checkout
    of the vendor's repository does, at any depth, each named after its file; they count more than all others.
    """

    def __init__(self, imported: Path | None = None, *, folders: tuple[Path, ...] = ()) -> None:
        self._imported = imported
        self._folders = folders
        self._known: dict[str, VendorTemplate] = {}
        self._index_seen: tuple[int, int] | None = None
        self._is_read = False

    @property
    def version(self) -> tuple[int, int] | None:
        """What changes with every import."""
        if self._imported is None:
            return None
        try:
            status = (self._imported / INDEX).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def find(self, name: str) -> VendorTemplate | None:
        """Return the template of a name."""
        return self._all().get(_key(name))

    def product(self, name: str) -> str | None:
        """Return the product action's name as it is spelled; None: there is none."""
        found = self.find(name) if "::" in name else None
        return found.name if found is not None else None

    def public(self) -> Iterator[VendorTemplate]:
        """Yield those that lists of templates show; product actions are found by name only."""
        return (template for template in self._all().values() if "::" not in template.name)

    def actions(self) -> list[VendorTemplate]:
        """Return the product actions, by name."""
        return sorted((one for one in self._all().values() if "::" in one.name), key=lambda one: one.name)

    def _all(self) -> Mapping[str, VendorTemplate]:
        """Return all templates, read again when something was imported since."""
        seen = self.version
        if not self._is_read or seen != self._index_seen:
            sources = (self._from_index(), self._from_package(), *map(self._from_folder, self._folders))
            self._known = {key: template for source in sources for key, template in source}
            self._index_seen, self._is_read = seen, True
        return self._known

    def _from_index(self) -> Iterator[tuple[str, VendorTemplate]]:
        if self._imported is None:
            return
        for entry in read_index(self._imported):
            file = self._imported / entry.file
            if not file.is_file():
                continue  # somebody has tidied up
            template = VendorTemplate(
                name=entry.name,
                read=_reader(file),
                products=self.product,
                known_hash=entry.hash,
                known_features=entry.features,
            )
            yield _key(entry.name), template

    def _from_package(self) -> Iterator[tuple[str, VendorTemplate]]:
        for name, file in packaged_files():
            yield _key(name), VendorTemplate(name=name, read=_reader(file), products=self.product)

    def _from_folder(self, folder: Path) -> Iterator[tuple[str, VendorTemplate]]:
        for name, file in vendor_files(folder).items():
            yield _key(name), VendorTemplate(name=name, read=_reader(file), products=self.product)


def vendor_files(folder: Path) -> Mapping[str, Path]:
    """Return the files of a folder that may be templates, at any depth, by the name that each has as a template."""
    found: dict[str, Path] = {}
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    for file in sorted(files, key=lambda file: _SUFFIXES.index(file.suffix.lower())):
        found.setdefault(file.name[: -len(file.suffix)], file)
    return found


def read_index(folder: Path) -> tuple[IndexEntry, ...]:
    """Return what is imported into a folder; nothing when there is no index, or none that can be read."""
    try:
        return msgspec.json.decode((folder / INDEX).read_bytes(), type=tuple[IndexEntry, ...])
    except (OSError, msgspec.MsgspecError):
        return ()


@cache
def packaged_files() -> tuple[tuple[str, Traversable], ...]:
    """Return name and file of every template of this package."""
    public = (resources.files("tidegate.services.oos") / "public").iterdir()
    named = [(file.name.removesuffix(".yml"), file) for file in public if file.name.endswith(".yml")]
    return (*named, *product_files().values())


def is_packaged(name: str) -> bool:
    """Whether this cloud has a template of its own for a name of the vendor's."""
    return any(_key(name) == _key(known) for known, _ in packaged_files())


def _reader(file: Traversable) -> Callable[[], str]:
    return lambda: file.read_text(encoding="utf-8")


def _key(name: str) -> str:
    return name.lower() if "::" in name else name
