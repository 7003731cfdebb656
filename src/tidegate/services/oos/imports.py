"""Takes the vendor's templates from a checkout of its repository into the folder that ``Catalog`` reads (oos.md 8.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from tidegate.folder import replace
from tidegate.services.oos import limits
from tidegate.services.oos.catalog import INDEX, Catalog, IndexEntry, features_of, is_packaged, read_index, vendor_files
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.validation import Validated, content_hash, validate

#: what every template has, and other files of a checkout hardly ever do
_SIGN: Final = "FormatVersion"
#: oos.md 1.3: names of the vendor's templates, which no user's template may have
_NAME: Final = re.compile(
    rf"ACS-[A-Za-z0-9_-]{{1,{limits.NAME_LENGTH - 4}}}|ACS::[A-Za-z0-9]{{1,50}}::[A-Za-z0-9]{{1,140}}"
)


#: own: this cloud has a template of its own under that name
Outcome = Literal["new", "changed", "unchanged", "own", "refused"]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file. ``reason`` says why it was refused, or what keeps an imported template from running."""

    name: str
    path: str
    outcome: Outcome
    reason: str = ""


async def import_templates(source: Path, catalog_folder: Path, programs: Programs) -> Sequence[Taken]:
    """Take every template at any depth of ``source``; what was imported before stays, and a repeat changes nothing.

    A template that this cloud has written itself is left as it is. The index is written last and at once, so clouds that
    run see all of an import or nothing.
    """
    paths = vendor_files(source)
    texts = {name: text for name, path in paths.items() if _SIGN in (text := _read(path))}
    products = Catalog(catalog_folder, folders=(source,)).product
    known = _opened(catalog_folder)
    taken = []
    for name, text in sorted(texts.items()):
        outcome: Outcome = "own" if is_packaged(name) else "refused"
        reason = "" if outcome == "own" else _refusal(name, text)
        if outcome == "refused" and not reason:
            validated = await validate(text, programs, products)
            outcome, reason = _keep(name, text, validated, paths[name].suffix, catalog_folder, known)
        taken.append(Taken(name=name, path=str(paths[name]), outcome=outcome, reason=reason))
    replace(catalog_folder / INDEX, msgspec.json.encode(sorted(known.values(), key=lambda entry: entry.name)))
    return taken


def _keep(
    name: str, text: str, validated: Validated, suffix: str, folder: Path, known: dict[str, IndexEntry]
) -> tuple[Outcome, str]:
    """Write one template beside the index, whose entries are in ``known``."""
    if validated.template is None:
        return "refused", "; ".join(str(problem) for problem in validated.of("error")[:3])
    entry = IndexEntry(
        name=name,
        file=f"{name.replace('::', '.')}{suffix.lower()}",
        hash=content_hash(text),
        features=features_of(validated.template),
    )
    missing = "; ".join(problem.message for problem in validated.of("unsupported")[:3])
    before = known.get(name)
    if before == entry and (folder / entry.file).is_file():
        return "unchanged", missing
    replace(folder / entry.file, text.encode())
    known[name] = entry
    return "new" if before is None else "changed", missing


def _opened(folder: Path) -> dict[str, IndexEntry]:
    """Make sure that there is a folder, and return what is in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {entry.name: entry for entry in read_index(folder)}


def _refusal(name: str, text: str) -> str:
    """Return why a file cannot be a template of the vendor; empty: it can."""
    if not _NAME.fullmatch(name):
        return "names of public templates begin with ACS-, those of product actions are ACS::<Product>::<Name>"
    size = len(text.encode("utf-8", "surrogatepass"))
    return f"larger than {limits.TEMPLATE_BYTES // 1024} KB" if size > limits.TEMPLATE_BYTES else ""


def _read(path: Path) -> str:
    """Return the text of a file, of one that is too large only its beginning."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(limits.TEMPLATE_BYTES + 1)


def counts(taken: Sequence[Taken]) -> Mapping[str, int]:
    """Return how many files had each outcome."""
    outcomes = [one.outcome for one in taken]
    return {outcome: outcomes.count(outcome) for outcome in get_args(Outcome)}
