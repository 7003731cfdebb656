"""The private root of a host: its own disk, the machine's programs read-only, everything else fresh.

Every mount is first made as a detached tree, while the machine's files can still be named, and put in its place after
the root has been changed. A host that replaces folders of its disk by symbolic links leads the next boot into its own
disk and nowhere else.
"""

from __future__ import annotations

import os

from tidegate.plane.helper import kernel, template

#: parts of /proc by which the machine could be changed
_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")


def enter(disk: str, *, memory: int, owner: int) -> None:
    """Make the mount ``disk`` the root of this process, which is alone in new mount and pid namespaces, and fill it.

    ``memory``: MiB of the host; ``owner``: the uid that root inside has for the helper.
    """
    trees = _trees(memory, owner)
    os.chdir(disk)
    kernel.pivot_root(".", ".")
    kernel.unmount(".", kernel.MNT_DETACH)
    os.chdir("/")
    for tree, target, is_folder in trees:
        _make_place(target, is_folder=is_folder)
        kernel.attach(tree, target)
    for path in filter(os.path.exists, _SETTINGS):
        kernel.attach(kernel.clone_tree(path, read_only=True), path)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.symlink("pts/ptmx", "/dev/ptmx")


def _trees(memory: int, owner: int) -> list[tuple[int, str, bool]]:
    """Make the mounts: descriptor, place, whether it is a folder; in the order in which they are put in place."""
    quiet = kernel.NO_SUID | kernel.NO_DEV
    quieter = quiet | kernel.NO_EXEC
    mine = {"uid": str(owner), "gid": str(owner)}
    scratch = {"mode": "1777", "size": f"{max(memory // 2, 1)}m", **mine}
    run = {"mode": "755", "size": "16m", **mine}
    devices = {"mode": "755", "size": "64k", **mine}
    terminals = {"ptmxmode": "0666", "mode": "0620"}
    trees = [
        (kernel.new_mount("proc", quieter), "/proc", True),
        (kernel.new_mount("tmpfs", quiet, scratch), "/tmp", True),  # noqa: S108
        (kernel.new_mount("tmpfs", quiet, run), "/run", True),
        (kernel.new_mount("tmpfs", quieter & ~kernel.NO_DEV, devices), "/dev", True),
        (kernel.new_mount("tmpfs", quiet, scratch), "/dev/shm", True),  # noqa: S108
        (kernel.new_mount("devpts", quieter & ~kernel.NO_DEV, terminals), "/dev/pts", True),
    ]
    trees += [(kernel.clone_tree(f"/dev/{name}"), f"/dev/{name}", False) for name in _DEVICES]
    trees += [(kernel.clone_tree(path, read_only=True), path, os.path.isdir(path)) for path in template.programs()]
    return trees


def _make_place(target: str, *, is_folder: bool) -> None:
    """Make a place that the template has not, or that the host has removed."""
    if is_folder:
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))
