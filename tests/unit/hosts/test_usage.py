"""What the kernel's books say (plane/usage.py, plane/helper/limits.py), read from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

from tidegate.plane import usage
from tidegate.plane.helper.limits import used_by

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def put(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_processes_are_added_up_with_their_ended_children_whatever_their_name(tmp_path: Path) -> None:
    head = "1 0 0 0 -1 4194560 0 0 0 0"
    put(tmp_path / "7", stat=f"7 (a) R (x) S {head} 10 20 30 40 20 0 1 0", statm="900 100 40 1 0 50 0")
    put(tmp_path / "8", stat=f"8 (b) R {head} 100 0 0 0 20 0 1 0", statm="900 10 4 1 0 50 0")
    put(tmp_path / "9", stat="9 (gone")

    found = usage.tally(str(tmp_path), usage.processes(str(tmp_path)))

    assert found.cpu == 200 / TICKS
    assert found.memory == 66 * PAGE
    assert found.loading == 1


def test_a_group_of_version_2_tells_processor_time_and_memory_without_spare_pages(tmp_path: Path) -> None:
    put(tmp_path, cpu__stat="usage_usec 1500000\nuser_usec 1\n", memory__current="5000\n")
    put(tmp_path, memory__stat="anon 1\ninactive_file 2000\n")

    assert used_by(str(tmp_path)) == (1.5, 3000)


def test_a_group_of_version_1_tells_memory_only_and_one_that_is_gone_nothing(tmp_path: Path) -> None:
    put(tmp_path, memory__usage_in_bytes="5000\n", memory__stat="total_inactive_file 1000\n")

    assert used_by(str(tmp_path)) == (None, 4000)
    assert used_by(str(tmp_path / "gone")) == (None, None)


def test_traffic_is_that_of_the_interface_and_connections_those_of_the_network(tmp_path: Path) -> None:
    put(
        tmp_path,
        dev="Inter-| Receive\n face |bytes\n lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
        "eth0: 100 5 0 0 0 0 0 0 200 6 0 0 0 0 0 0\n",
        sockstat="sockets: used 9\nTCP: inuse 4 orphan 0 tw 0 alloc 1 mem 0\n",
        snmp="Ip: A\nIp: 1\nTcp: RtoMin CurrEstab InSegs\nTcp: 200 3 77\n",
    )

    assert usage.traffic(str(tmp_path / "dev"), "eth0") == usage.Traffic(100, 5, 200, 6)
    assert usage.traffic(str(tmp_path / "dev"), "eth1") is None
    assert usage.connections(str(tmp_path)) == (4, 3)
