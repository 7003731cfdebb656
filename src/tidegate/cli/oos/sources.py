"""Where the templates of a command come from: files, folders, and the public templates by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder

if TYPE_CHECKING:
    from tidegate.services.oos.catalog import Catalog
    from tidegate.services.oos.model import Template

_SUFFIXES = frozenset({".yml", ".yaml", ".json"})
#: what every template has and other files of a folder hardly ever do
_SIGN = "FormatVersion"
#: bytes of a file that is worth looking at: a template has 64 KB at most
_LARGEST = 1 << 20


def read_text(path: Path) -> str:
    """Return the text of a file; raises ConfigurationError when it has none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationError(f"{path} is larger than {_LARGEST >> 20} MB: that is no template")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is no UTF-8 text") from None


def template_files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield files and their texts: those that are named, and in folders, at any depth, those that look like templates."""
    for path in paths:
        if not path.is_dir():
            yield path, read_text(path)
            continue
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in _SUFFIXES and file.is_file() and file.stat().st_size <= _LARGEST:
                text = file.read_text(encoding="utf-8", errors="replace")
                if _SIGN in text:
                    yield file, text


def read_catalog(data_dir: Path, folders: Sequence[Path] = ()) -> Catalog:
    """Return the vendor's templates: those of ``folders``, of this package, and imported into a data folder."""
    from tidegate.services.oos.catalog import Catalog  # noqa: PLC0415 - brings the whole language along

    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is not a folder")
    return Catalog(DataFolder(data_dir).catalog, folders=tuple(folders))


def read_template(name: str, catalog: Catalog) -> str:
    """Return the text of a template: that of a file, else of the public template of this name."""
    if (path := Path(name)).is_file():
        return read_text(path)
    public = catalog.find(name)
    if public is None:
        raise ConfigurationError(f"{name} is neither a file nor a public template")
    return public.text


def compile_template(name: str, catalog: Catalog) -> Template:
    """Return a template, compiled; raises CloudError with everything that is wrong with it."""
    from tidegate.services.oos.validation import lint  # noqa: PLC0415 - brings the whole language along

    return lint(read_template(name, catalog), catalog.product).validated().require()


def read_parameters(text: str) -> dict[str, Any]:
    """Read ``--parameters``: the JSON text of an object, or ``@`` and a file with it. Raises ConfigurationError."""
    if text.startswith("@"):
        text = read_text(Path(text[1:]))
    try:
        read = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"--parameters is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise ConfigurationError("--parameters must be the JSON text of an object")
    return read
