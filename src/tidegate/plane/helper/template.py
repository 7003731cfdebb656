"""What the file system of a new host looks like before anybody has written to it."""

from __future__ import annotations

import contextlib
import os
import sys

#: the mode of a folder that everybody may read
OPEN = 0o755
#: folders, with their modes
_FOLDERS = {
    **dict.fromkeys(("dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr"), OPEN),
    **dict.fromkeys(("var", "var/cache", "var/lib", "var/log", "var/spool"), OPEN),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
}
_LINKS = {
    "etc/mtab": "/proc/self/mounts",
    "etc/os-release": "/usr/lib/os-release",
    "var/lock": "/run/lock",
    "var/run": "/run",
}
_FILES = {
    "etc/group": "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\n"
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "etc/resolv.conf": "# no name server is reachable from here\n",
}
#: folders that are symbolic links into /usr on most machines
_ROOTS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
#: folders and files of the machine's /etc that programs under /usr need
_SHARED = (
    "/etc/alternatives",
    "/etc/crypto-policies",
    "/etc/ld.so.cache",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
)
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(path: str, owner: int) -> None:
    """Fill an empty folder with the file system of a new host; ``owner`` is the uid of root inside."""
    os.chmod(path, OPEN)
    os.chown(path, owner, owner)
    for name, mode in _FOLDERS.items():
        os.mkdir(f"{path}/{name}")
        os.chmod(f"{path}/{name}", mode)
        os.chown(f"{path}/{name}", owner, owner)
    for name, target in _links().items():
        os.symlink(target, f"{path}/{name}")
        os.lchown(f"{path}/{name}", owner, owner)
    for name, content in _FILES.items():
        write_file(f"{path}/{name}", content.encode(), owner)
    for program in programs():
        _make_place(path, program, owner)


def write_file(path: str, content: bytes, owner: int, mode: int = 0o644) -> None:
    """Write a file that belongs to root inside."""
    with open(path, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        os.fchown(file.fileno(), owner, owner)


def programs() -> list[str]:
    """Return what of the machine every host can read: folders and files, mounted at their own places."""
    roots = [f"/{name}" for name in _ROOTS if not os.path.islink(f"/{name}")]
    found = [path for path in ("/usr", *roots, *_SHARED) if os.path.exists(path)]
    if prefix := _python_prefix():
        found.append(prefix)
    return found


def search_path() -> str:
    """Return the PATH of hosts; our own Python comes last, for machines that have no other."""
    prefix = _python_prefix()
    return f"{_SYSTEM_PATH}:{prefix}/bin" if prefix else _SYSTEM_PATH


def _python_prefix() -> str | None:
    """Return the folder of our own Python where it is not among the machine's programs anyway."""
    prefix = sys.base_prefix
    return None if prefix == "/" or f"{prefix}/".startswith("/usr/") else prefix


def _links() -> dict[str, str]:
    links = dict(_LINKS)
    for name in _ROOTS:
        with contextlib.suppress(OSError):
            links[name] = os.readlink(f"/{name}")
    return links


def _make_place(path: str, program: str, owner: int) -> None:
    """Make the folder or the file at which a program will be mounted, and the folders above it."""
    is_folder = os.path.isdir(program)
    folders = program.strip("/").split("/")
    if not is_folder:
        folders.pop()
    for depth in range(1, len(folders) + 1):
        folder = f"{path}/{'/'.join(folders[:depth])}"
        if not os.path.isdir(folder):
            os.mkdir(folder)
            os.chmod(folder, OPEN)
            os.chown(folder, owner, owner)
    if not is_folder:
        write_file(f"{path}{program}", b"", owner)
