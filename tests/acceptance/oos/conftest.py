"""One served cloud per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.runbook_server import Served, served_runbooks


@pytest.fixture(scope="module")
def served(postgres_server: str, database_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_runbooks(postgres_server, database_template, tmp_path_factory.mktemp("data")) as served:
        yield served
