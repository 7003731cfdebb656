"""What a trial means and what to do about a refusal, as values."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tidegate.plane.probe import Step, judge, remedy


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(name) for name in names)


def test_a_trial_that_reaches_the_last_step_allows_isolated_hosts() -> None:
    found = judge((*steps("namespaces", "mounts"), Step("nftables", "not there", errno.ENOENT), *steps("root")))

    assert found.refusal is None
    assert found.reason == ""


def test_the_step_that_ended_the_trial_is_the_reason() -> None:
    found = judge((*steps("users", "namespaces"), Step("mounts", "mount /: Permission denied", errno.EACCES)))

    assert found.reason == "step 'mounts' was refused: mount /: Permission denied"


@pytest.mark.parametrize(
    ("said", "complaint", "reason"),
    [
        (steps("users"), "", "step 'trial' was refused: it ended after 'users': no word"),
        (steps("users"), "Traceback\nMemoryError", "step 'trial' was refused: it ended after 'users': MemoryError"),
        ((), "", "step 'start' was refused: nothing was tried"),
    ],
)
def test_a_trial_that_breaks_off_is_a_refusal(said: tuple[Step, ...], complaint: str, reason: str) -> None:
    assert judge(said, complaint).reason == reason


@pytest.mark.parametrize(
    ("settings", "refusal", "words"),
    [
        ({"kernel/apparmor_restrict_unprivileged_userns": "1"}, Step("mounts", "", errno.EACCES), "apparmor_restrict"),
        ({"kernel/unprivileged_userns_clone": "0"}, Step("users", "", errno.EPERM), "unprivileged_userns_clone=1"),
        ({"user/max_user_namespaces": "0"}, Step("users", "", errno.ENOSPC), "max_user_namespaces=10000"),
        ({}, Step("users", "", errno.ENOSPC), "max_user_namespaces=10000"),
        ({}, Step("trees", "", errno.ENOSYS), "Linux 5.12"),
        ({}, Step("bridge", "", errno.EOPNOTSUPP), "modprobe -a bridge veth"),
        ({}, Step("users", "", errno.EPERM), "--cap-add SYS_ADMIN"),
        ({"kernel/apparmor_restrict_unprivileged_userns": "0"}, Step("users", "", errno.EPERM), "--cap-add SYS_ADMIN"),
        ({}, Step("platform", "", errno.ENOSYS), "use Linux"),
    ],
)
def test_every_refusal_has_a_remedy(settings: dict[str, str], refusal: Step, words: str, tmp_path: Path) -> None:
    for name, value in settings.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")

    assert words in remedy(refusal, tmp_path)
