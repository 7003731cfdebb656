"""A console log shows the end of the last boot and never grows without bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.plane.helper.console import SHOWN, Console


@pytest.fixture
def console(tmp_path: Path) -> Console:
    made = Console(str(tmp_path / "console.log"))
    made.begin()
    return made


def test_a_boot_starts_the_log_over(console: Console) -> None:
    console.line("first boot")
    console.begin()
    console.line("second boot")

    assert console.tail() == b"[tidegate] second boot\n"


def test_the_end_is_shown_and_the_file_stays_small(console: Console, tmp_path: Path) -> None:
    for number in range(5_000):
        console.write(b"%06d" % number * 100)

    assert len(console.tail()) == SHOWN
    assert console.tail().endswith(b"004999")
    assert (tmp_path / "console.log").stat().st_size < 2 << 20


def test_a_host_that_is_gone_has_no_console_and_does_not_get_one_back(tmp_path: Path) -> None:
    console = Console(str(tmp_path / "gone" / "console.log"))

    console.line("too late")

    assert console.tail() == b""
    assert not (tmp_path / "gone").exists()
