"""Validation of a whole folder of templates: files a second, as a ratio to parsing the same YAML with libyaml alone.

``python bench/validate.py FOLDER`` takes a folder with templates at any depth, or the git directory of a clone; without
one the templates of this package are taken, often enough to be measured. Nothing is measured twice: what was compiled is
not remembered here.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "src")]

import msgspec  # noqa: E402
import yaml  # noqa: E402

from tidegate.cli.oos.sources import template_files  # noqa: E402
from tidegate.services.oos.catalog import Catalog  # noqa: E402
from tidegate.services.oos.sandbox import Sandbox  # noqa: E402
from tidegate.services.oos.validation import Validated, lint, validate  # noqa: E402

_OFTEN = 100


def corpus(where: str | None) -> dict[str, str]:
    """Return texts by their names."""
    if where is None:
        catalog = Catalog()
        every = [*catalog.public(), *catalog.actions()]
        return {f"{one.name}.{turn}.yml": one.text for one in every for turn in range(_OFTEN)}
    folder = Path(where)
    if (folder / "HEAD").is_file() or (folder / ".git").exists():
        return _of_clone(folder)
    return {str(path): text for path, text in template_files([folder])}


def _of_clone(folder: Path) -> dict[str, str]:
    packed = subprocess.run(
        ["git", "-C", str(folder), "archive", "HEAD"],
        check=True,
        capture_output=True,
    ).stdout
    texts: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive.getmembers():
            if member.isfile() and Path(member.name).suffix in (".yml", ".yaml", ".json"):
                file = archive.extractfile(member)
                assert file is not None
                text = file.read().decode()
                if "FormatVersion" in text:
                    texts[member.name] = text
    return texts


def rate(texts: list[str], act: Callable[[str], object]) -> float:
    """Return how many texts are done in a second."""
    started = time.perf_counter()
    for text in texts:
        act(text)
    return len(texts) / (time.perf_counter() - started)


async def completely(texts: dict[str, str]) -> tuple[float, dict[str, Validated]]:
    """Check everything, programs and patterns included; return the rate and what was found."""
    programs = Sandbox()
    try:
        await programs.check_jq(".")  # the helper is there before the clock starts
        started = time.perf_counter()
        found = {name: await validate(text, programs) for name, text in texts.items()}
        return len(texts) / (time.perf_counter() - started), found
    finally:
        await programs.close()


def measure(texts: dict[str, str]) -> dict[str, Any]:
    """Measure everything in one sitting."""
    in_yaml = [text for name, text in texts.items() if not name.endswith(".json")]
    in_json = [text for name, text in texts.items() if name.endswith(".json")]
    floor = rate(in_yaml, lambda text: yaml.load(text, Loader=yaml.CSafeLoader))
    yaml_rate = rate(in_yaml, lint)
    json_rate = rate(in_json, lint) if in_json else None
    whole_rate, found = asyncio.run(completely(texts))
    problems = [problem for one in found.values() for problem in one.problems]
    return {
        "files": len(texts),
        "load": round(os.getloadavg()[0], 2),
        "files_per_second": {
            "libyaml_alone": round(floor),
            "yaml_without_programs": round(yaml_rate),
            "json_without_programs": None if json_rate is None else round(json_rate),
            "everything": round(whole_rate),
        },
        "time_of_libyaml_times": {"yaml_without_programs": round(floor / yaml_rate, 2)},
        "invalid_files": sorted(name for name, one in found.items() if one.template is None),
        "findings": {
            severity: sum(problem.severity == severity for problem in problems)
            for severity in ("error", "unsupported", "warning")
        },
        "unsupported": _counted(problem.message for problem in problems if problem.severity == "unsupported"),
    }


def _counted(messages: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for message in messages:
        counts[message] = counts.get(message, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:10])


def main() -> None:
    found = measure(corpus(sys.argv[1] if len(sys.argv) > 1 else None))
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "validate.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
