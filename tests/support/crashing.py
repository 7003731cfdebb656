"""Crashes of a node inside a test: nothing after the chosen point happens, and nobody cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from tidegate.reconcile import engine, run


class Crash(BaseException):
    """The process has died, as far as the code under test can tell."""


class Points:
    """Counts the points that are passed, and crashes at one of them."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        #: crash when so many points have been passed; None: never
        self.crash_after: int | None = None
        #: only points whose names begin so are counted
        self.among: tuple[str, ...] = ("",)

    def reach(self, point: str) -> None:
        if not point.startswith(self.among):
            return
        self.passed.append(point)
        if self.crash_after is not None and len(self.passed) >= self.crash_after:
            self.crash_after = None
            raise Crash(point)


@contextmanager
def watched_points(*controllers: ModuleType) -> Iterator[Points]:
    """See the points of the engine, and of modules with points of their own, while this lasts."""
    points = Points()
    with pytest.MonkeyPatch.context() as patch:
        for module in (engine, run, *controllers):
            patch.setattr(module, "reach", points.reach)
        yield points
