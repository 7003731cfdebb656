"""The pytest plugin: the fixture ``runbook`` runs runbooks offline, as ``tidegate oos test`` does.

    def test_the_address_is_put_on_the_whitelist(runbook):
        runbook.answer("ECS.DescribeInstances", {"Instances": {"Instance": [...]}})
        runbook.fail("R-KVSTORE.ModifySecurityIps", "IncorrectDBInstanceState", "The instance is busy.")
        report = runbook.run("whitelist.yml", {"dbInstanceId": "r-1"})
        assert report.status == "Failed"

pytest loads this module in every session, so it imports the engine only when a test runs something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tidegate.errors import ConfigurationError

if TYPE_CHECKING:
    from tidegate.rehearsal import Report

_FOLDERS = "tidegate_templates"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting of the fixture."""
    parser.addini(_FOLDERS, "folders of templates and product actions that runbooks of tests use", "paths", default=[])


@pytest.fixture
def runbook(request: pytest.FixtureRequest) -> Runbook:
    """Runs a runbook offline: say what is answered, run it, look at the report."""
    folders = [Path(folder) for folder in request.config.getini(_FOLDERS)]
    return Runbook([request.path.parent, request.config.rootpath], folders)


class Runbook:
    """What a rehearsal is told, collected by a test. ``places`` are where its files are looked for."""

    def __init__(self, places: list[Path], folders: list[Path]) -> None:
        self._places = places
        self._folders = folders
        self._document: dict[str, Any] = {}

    def answer(self, operation: str, *answers: Any, **wanted: Any) -> Runbook:
        """Let an operation (``ECS.DescribeInstances``) answer; more answers are used in turn, the last one stays.

        Keywords keep the answers for calls with these parameters: ``answer("ECS.StopInstance", {}, InstanceId="i-1")``.
        """
        for answer in answers:
            self._add(operation, {"Answer": answer}, wanted)
        return self

    def fail(self, operation: str, code: str, message: str = "", **wanted: Any) -> Runbook:
        """Let an operation answer with an error, in turn with its answers."""
        return self._add(operation, {"Error": {"Code": code, "Message": message}}, wanted)

    def given(self, **sections: Any) -> Runbook:
        """Set what an answers file may say beside answers: ``given(Decisions=["Approve"], Now="2026-01-01")``."""
        self._document.update(sections)
        return self

    def answers(self, file: str | Path) -> Runbook:
        """Take everything from an answers file; what was said before stays, what is said later is added."""
        from tidegate.rehearsal.answers import read_document  # noqa: PLC0415 - see the module's first lines

        path = self._find(file)
        if path is None:
            raise ConfigurationError(f"there is no file {file}")
        self._document = read_document(path.read_text(encoding="utf-8"), str(path)) | self._document
        return self

    def run(
        self,
        template: str | Path,
        parameters: Mapping[str, Any] | None = None,
        *,
        approve: bool = False,
        fires: int = 1,
    ) -> Report:
        """Run a template, a file or the name of a public one, to its end, whatever that is, and return what happened.

        Raises RehearsalError when an answer or a decision is missing, CloudError when the execution cannot begin.
        """
        from tidegate.rehearsal import rehearse  # noqa: PLC0415 - see the module's first lines
        from tidegate.rehearsal.answers import make_answers  # noqa: PLC0415
        from tidegate.services.oos.catalog import Catalog  # noqa: PLC0415

        catalog = Catalog(folders=tuple(self._folders))
        path = self._find(template)
        found = catalog.find(str(template)) if path is None else None
        if path is None and found is None:
            raise ConfigurationError(f"{template} is neither a file nor a public template")
        text = path.read_text(encoding="utf-8") if path is not None else found.text if found is not None else ""
        answers = make_answers(self._document)
        return _wait_for(rehearse(text, answers, catalog=catalog, parameters=parameters, approve=approve, fires=fires))

    def _add(self, operation: str, entry: dict[str, Any], wanted: Mapping[str, Any]) -> Runbook:
        known = self._document.get(operation, [])
        more = {**entry, "With": dict(wanted)} if wanted else entry
        self._document[operation] = [*(known if isinstance(known, list) else [known]), more]
        return self

    def _find(self, file: str | Path) -> Path | None:
        paths = [Path(file)] if Path(file).is_absolute() else [place / file for place in self._places]
        return next((path for path in paths if path.is_file()), None)


def _wait_for(work: Coroutine[Any, Any, Report]) -> Report:
    """Run to the end, on a thread of its own when the test itself is asynchronous."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
