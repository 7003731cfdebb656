"""Folders of hosts: what is not finished is no host, and what is removed is removed whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.plane.helper.disk import Folder, remove_tree

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..")
)
#: a folder: names and what is behind them; None is a file, a text is a symbolic link
_TREES = st.recursive(
    st.none() | st.sampled_from(["/etc", "..", "nowhere"]),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


def plant(path: Path, tree: object) -> None:
    match tree:
        case None:
            path.touch()
        case str():
            path.symlink_to(tree)
        case dict():
            path.mkdir()
            for name, inner in tree.items():
                plant(path / name, inner)
            path.chmod(0o000)


@given(tree=st.dictionaries(_NAMES, _TREES, max_size=5))
def test_a_tree_is_removed_whatever_is_in_it(tree: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    parent = tmp_path_factory.mktemp("disk")
    plant(parent / "i-1", tree)

    remove_tree(str(parent / "i-1"))
    remove_tree(str(parent / "i-1"))

    assert list(parent.iterdir()) == []


def test_what_a_link_points_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "i-1").mkdir()
    (tmp_path / "i-1" / "link").symlink_to(tmp_path / "kept")

    remove_tree(str(tmp_path / "i-1"))

    assert (tmp_path / "kept" / "file").exists()


def test_a_tree_deeper_than_any_path_may_be_long_is_removed(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for name in ["i-1", *("d" * 200,) * 100]:
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)

    remove_tree(str(tmp_path / "i-1"))

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_never_finished_is_no_host(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path), "i-1")
    assert folder.spec() is None

    folder.create({"address": "172.16.0.1"}, b"")
    assert folder.spec() == {"address": "172.16.0.1"}
    assert folder.user_data() == b""

    (tmp_path / "i-1" / "spec.json").write_text("{")
    assert folder.spec() is None


@pytest.mark.parametrize("host_id", ["", ".", "..", ".trash", "a/b", "../etc"])
def test_an_id_cannot_lead_out_of_the_folder(host_id: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the id"):
        Folder(str(tmp_path), host_id)
