"""Runs the cloud's own public templates offline, each to its end, with answers shaped by the official SDKs' models.

Their repository is not part of this one: name a checkout of it, or set ``TIDEGATE_OOS_TEMPLATES``. What does not end in
Success is listed with its reason. Operations whose product has no SDK installed are answered by what the template selects;
they are listed too.

    python bench/corpus.py [checkout]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT / "src"), str(_ROOT / "tests")]

from support.corpus.runs import Result, run  # noqa: E402
from tidegate.services.oos.catalog import Catalog  # noqa: E402
from tidegate.services.oos.sandbox import Sandbox  # noqa: E402


async def run_all(checkout: Path) -> list[Result]:
    """Run every public template, one after the other."""
    catalog = Catalog(folders=(checkout,))
    public = sorted((one for one in catalog.public() if _is_of(checkout, one.name)), key=lambda one: one.name)
    programs = Sandbox()
    try:
        return [await run(one, catalog, programs) for one in public]
    finally:
        await programs.close()


def _is_of(checkout: Path, name: str) -> bool:
    return (checkout / "PublicTemplates" / "YAML" / f"{name}.yml").is_file()


def summary(results: list[Result], seconds: float) -> dict[str, object]:
    """Return what is worth keeping of all runs."""
    modelled = set().union(*(result.modelled for result in results))
    drafted = set().union(*(result.drafted for result in results))
    return {
        "templates": len(results),
        "statuses": dict(Counter(result.status for result in results)),
        "at_the_first_try": sum(result.status == "Success" and result.tries == 1 for result in results),
        "seconds": round(seconds, 1),
        "load": round(os.getloadavg()[0], 2),
        "operations": {"shaped_by_an_sdk": len(modelled), "shaped_by_what_is_selected": len(drafted)},
        "shaped_by_what_is_selected": sorted(drafted, key=str.lower),
        "not_successful": {
            result.name: f"{result.status}: {' '.join(result.message.split())[:300]}"
            for result in results
            if result.status != "Success"
        },
    }


def main() -> None:
    where = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TIDEGATE_OOS_TEMPLATES", "")
    if not where:
        print("no checkout of the public templates: name one, or set TIDEGATE_OOS_TEMPLATES")
        return
    begun = time.perf_counter()
    results = asyncio.run(run_all(Path(where)))
    text = json.dumps(summary(results, time.perf_counter() - begun), indent=2, ensure_ascii=False)
    print(text)
    (_ROOT / "bench" / "results" / "corpus.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
