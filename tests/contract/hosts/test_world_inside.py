"""Pieces of the helper on their own, in namespaces of their own: large vSwitches, disks without overlays."""

from __future__ import annotations

from pathlib import Path

from support.planes import in_new_namespaces

_SWITCH = """
import socket
from tidegate.plane.helper import networks
from tidegate.plane.helper.loop import Loop
from tidegate.plane.helper.processes import Processes

networks.PORTS_PER_BRIDGE = 2
loop = Loop()
world = networks.Networks(loop, Processes(loop))
for number in range(1, 8):
    world.create(f"i-{number}", switch="vsw-1", network="172.16.0.0/24", gateway="172.16.0.253",
                 address=f"172.16.0.{number}")
print(sum(name.startswith("br") for name in world.links()))
for one, other in ((1, 7), (7, 3), (5, 6)):
    with world.inside(f"i-{other}"):
        server = socket.create_server((f"172.16.0.{other}", 80))
    with world.inside(f"i-{one}"):
        client = socket.create_connection((f"172.16.0.{other}", 80), 5)
    print(server.accept()[1][0])
left = 7
def gone():
    global left
    left -= 1
    if not left:
        loop.stop()
for number in range(1, 8):
    world.destroy(f"i-{number}", gone)
loop.run()
print(sorted(world.links()))
"""

_DISK = """
import sys
from tidegate.plane.helper import disk

disks = disk.Disks({directory!r}, owner=0, is_root=os.getuid() == 0)
disks.has_overlays = {overlays}
folder = disk.Folder({directory!r}, "i-1")
os.makedirs(folder.path, exist_ok=True)
place = disks.mount(folder)
print(sorted(os.listdir(place + "/etc")))
print(os.path.exists(place + "/root/kept"))
open(place + "/root/kept", "w").close()
print(os.readlink(place + "/etc/mtab"))
"""


def test_a_vswitch_with_more_hosts_than_a_bridge_has_ports_gets_more_bridges() -> None:
    """Seven hosts on bridges of two ports; traffic crosses them, and all are gone with the last host."""
    said = in_new_namespaces(_SWITCH).splitlines()

    assert said == ["4", "172.16.0.1", "172.16.0.7", "172.16.0.5", "['lo']"]


def test_a_disk_without_overlays_is_a_copy_of_the_template_and_stays_one(tmp_path: Path) -> None:
    first = in_new_namespaces(_DISK.format(directory=str(tmp_path), overlays=False)).splitlines()
    later = in_new_namespaces(_DISK.format(directory=str(tmp_path), overlays=True)).splitlines()

    assert "'passwd'" in first[0]
    assert [first[1], later[1]] == ["False", "True"]
    assert first[2] == "/proc/self/mounts"
    assert not (tmp_path / "i-1" / "upper").exists()


def test_a_disk_with_overlays_keeps_only_what_differs_from_the_template(tmp_path: Path) -> None:
    first = in_new_namespaces(_DISK.format(directory=str(tmp_path), overlays=True)).splitlines()
    later = in_new_namespaces(_DISK.format(directory=str(tmp_path), overlays=True)).splitlines()

    assert "'passwd'" in first[0]
    assert [first[1], later[1]] == ["False", "True"]
    assert [str(path.relative_to(tmp_path)) for path in (tmp_path / "i-1" / "upper").rglob("*")] == [
        "i-1/upper/root",
        "i-1/upper/root/kept",
    ]
