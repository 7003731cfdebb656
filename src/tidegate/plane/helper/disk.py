"""The folders of hosts, which outlive every boot and every helper: what a host is, its console and its disk.

A disk is an overlay on one template that all hosts share, so that a new one costs two empty folders; where the kernel
or the file system refuses overlays it is a copy of the template.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from tidegate.plane.helper import kernel, template


class Folder:
    """One host's folder. ``spec.json`` is written last: a folder without it was never finished."""

    def __init__(self, parent: str, host_id: str) -> None:
        if not host_id or host_id.startswith(".") or "/" in host_id:
            raise ValueError(f"{host_id!r} cannot be the id of a host")
        self.path = f"{parent}/{host_id}"
        self.console = f"{self.path}/console.log"

    def create(self, spec: dict[str, Any], user_data: bytes) -> None:
        """Make the folder."""
        os.makedirs(self.path, exist_ok=True)
        if user_data:
            with open(f"{self.path}/user-data", "wb") as file:
                file.write(user_data)
        with open(f"{self.path}/spec.new", "w", encoding="utf-8") as text:
            json.dump(spec, text)
        os.rename(f"{self.path}/spec.new", f"{self.path}/spec.json")

    def spec(self) -> dict[str, Any] | None:
        """Return what the host is made of; None when the folder was never finished."""
        try:
            with open(f"{self.path}/spec.json", encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def user_data(self) -> bytes:
        """Return the script for the first boot; empty when there is none."""
        try:
            with open(f"{self.path}/user-data", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def note(self, what: str, text: str = "") -> None:
        """Write a small file beside the disk, out of the host's reach."""
        with open(f"{self.path}/{what}", "w", encoding="utf-8") as file:
            file.write(text)

    def has(self, what: str) -> bool:
        """Return whether there is such a note."""
        return os.path.exists(f"{self.path}/{what}")


class Disks:
    """Mounts the disks of hosts whose root is the uid ``owner`` for the helper."""

    def __init__(self, directory: str, *, owner: int, is_root: bool) -> None:
        self._owner = owner
        # Without root of the machine an overlay keeps its marks in attributes that every user may set.
        self._switches = () if is_root else ("userxattr",)
        self._template = _share_template(f"{directory}/template", owner)
        self.has_overlays = self._try(f"{directory}/trial")

    def mount(self, folder: Folder) -> str:
        """Mount a host's disk in this process's mount namespace and return where. The first time it is made."""
        place = f"{folder.path}/disk"
        if self.has_overlays and not os.path.isdir(f"{place}/etc"):
            os.makedirs(place, exist_ok=True)
            tree = self._overlay(folder.path)
        else:
            self._copy(place)
            tree = kernel.clone_tree(place)
        kernel.restrict(tree, kernel.NO_SUID | kernel.NO_DEV)
        kernel.attach(tree, place)
        return place

    def _overlay(self, path: str) -> int:
        layers = {"lowerdir": self._template, "upperdir": f"{path}/upper", "workdir": f"{path}/work"}
        for name in ("upperdir", "workdir"):
            os.makedirs(layers[name], exist_ok=True)
        # The new root takes its owner and mode from the upper layer.
        os.chmod(layers["upperdir"], template.OPEN)
        os.chown(layers["upperdir"], self._owner, self._owner)
        opened = {name: os.open(layer, os.O_PATH | os.O_CLOEXEC) for name, layer in layers.items()}
        try:
            # By descriptor, because commas and colons in a path mean something here.
            options = {name: f"/proc/self/fd/{descriptor}" for name, descriptor in opened.items()}
            return kernel.new_mount("overlay", 0, options, switches=self._switches)
        finally:
            for descriptor in opened.values():
                os.close(descriptor)

    def _copy(self, place: str) -> None:
        if not os.path.isdir(f"{place}/etc"):
            new = f"{place}.new"
            remove_tree(new)
            os.makedirs(new)
            template.build(new, self._owner)
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(place)
            os.rename(new, place)

    def _try(self, path: str) -> bool:
        try:
            os.close(self._overlay(path))
        except OSError:
            return False
        finally:
            remove_tree(path)
        return True


def _share_template(path: str, owner: int) -> str:
    """Build the template in memory, visible to the helper only."""
    os.makedirs(path, exist_ok=True)
    kernel.attach(kernel.new_mount("tmpfs", 0, {"size": "4m", "mode": "755"}), path)
    template.build(path, owner)
    return path


def remove_tree(path: str) -> None:
    """Remove a folder and everything in it, whatever its modes and depth; links are not followed. Gone: nothing happens.

    Folders are brought up to the top one by one, so that the deepest tree needs neither recursion nor long paths.
    """
    numbers = 0
    while os.path.isdir(path):
        entries = os.listdir(path)
        if not entries:
            os.rmdir(path)
        for entry in entries:
            for inner in _empty(f"{path}/{entry}"):
                numbers += 1
                os.chmod(inner, 0o700)
                os.rename(inner, f"{path}/.removed-{numbers}")


def _empty(path: str) -> list[str]:
    """Remove a file, or the files of a folder and then the folder itself; return the folders that stand in the way."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return []
    os.chmod(path, 0o700)
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                os.unlink(entry.path)
    if not folders:
        os.rmdir(path)
    return folders
