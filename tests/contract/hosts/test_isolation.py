"""What walls a host of the netns driver has, and that they hold against a hostile root inside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support.hosts_world import ISOLATED, HostWorld
from support.planes import NOBODY, running_helper
from tidegate.plane.hosts.base import Command
from tidegate.plane.hosts.netns import NetnsHosts

isolated = pytest.mark.parametrize("world", ISOLATED, indirect=True)
#: capabilities that would let a host change its network, its mounts or the machine: NET_ADMIN NET_RAW SYS_MODULE
#: SYS_RAWIO SYS_PTRACE SYS_ADMIN SYS_BOOT SYS_TIME MKNOD DAC_READ_SEARCH
_FORBIDDEN = sum(1 << number for number in (2, 12, 13, 16, 17, 19, 21, 22, 25, 27))


@pytest.fixture
async def host(world: HostWorld) -> HostWorld:
    await world.hosts.create(world.spec(1))
    return world


@isolated
async def test_a_host_has_a_name_and_an_address_of_its_own(host: HostWorld) -> None:
    names = await host.says("i-1", "sh", "-c", "hostname; cat /etc/hostname; cat /proc/sys/kernel/hostname")
    links = await host.says("i-1", "python3", "-c", "import socket; print([name for _, name in socket.if_nameindex()])")
    resolved = await host.says("i-1", "python3", "-c", "import socket; print(socket.gethostbyname('host1'))")

    assert names.split() == ["host1"] * 3
    assert links == "['lo', 'eth0']"
    assert resolved == host.spec(1).address


@isolated
async def test_root_inside_has_no_capability_that_matters_and_can_get_none(host: HostWorld) -> None:
    status = await host.says("i-1", "cat", "/proc/self/status")

    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
        assert int(fields[name], 16) & _FORBIDDEN == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Uid"].split() == ["0"] * 4


@isolated
@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param("import fcntl, socket, struct; s = socket.socket(); fcntl.ioctl(s, 0x8916, struct.pack("
                     "'16sH2s4s8x', b'eth0', 2, b'', socket.inet_aton('172.16.0.99')))", id="ioctl"),
        pytest.param("import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)", id="raw-socket"),
        pytest.param("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)", id="packet-socket"),
        pytest.param("import socket; socket.socket().bind(('172.16.0.99', 0))", id="bind"),
        pytest.param("import socket; socket.socket().setsockopt(0, 19, 1)", id="transparent"),
        pytest.param("open('/proc/sys/net/ipv4/ip_nonlocal_bind', 'w').write('1')", id="sysctl"),
        pytest.param("open('/proc/sys/kernel/core_pattern', 'w').write('|/bin/true')", id="core-pattern"),
        pytest.param("open('/proc/sysrq-trigger', 'w').write('h')", id="sysrq"),
        pytest.param("open('/usr/bin/evil', 'w')", id="programs"),
        pytest.param("import os, stat; os.mknod('/tmp/disk', stat.S_IFBLK | 0o600, os.makedev(254, 0))", id="device"),
        pytest.param("import socket; socket.sethostname('other')", id="hostname"),
    ],
)  # fmt: skip
async def test_what_would_break_the_walls_is_refused(host: HostWorld, attempt: str) -> None:
    outcome = await host.hosts.run("i-1", Command(argv=["python3", "-c", attempt]))

    assert outcome.exit_code == 1
    assert b"Error" in outcome.output


@isolated
async def test_another_user_namespace_gives_no_power_over_the_address(host: HostWorld) -> None:
    """Root of a new user namespace has every capability, but not over the network namespace it came from."""
    script = "unshare -U -r sh -c 'ip addr add 172.16.0.99/24 dev eth0 || echo refused'; ip -4 -o addr show dev eth0"

    outcome = await host.sh("i-1", script)

    assert b"172.16.0.99" not in outcome.output
    assert host.spec(1).address.encode() in outcome.output


@isolated
async def test_the_machines_processes_files_and_sockets_are_out_of_sight(host: HostWorld, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")

    seen = await host.says("i-1", "sh", "-c", "ls -d /proc/[0-9]*")
    looked = await host.sh("i-1", f"ls {secret} {host.directory} {Path(__file__)}")
    homes = await host.says("i-1", "sh", "-c", "ls /home /root /run /tmp")
    sockets = await host.says("i-1", "cat", "/proc/net/unix")

    assert len(seen.split()) < 8
    assert looked.output.count(b"No such file") == 3
    assert homes.split() == ["/home:", "/root:", "/run:", "/tmp:"]
    assert len(sockets.splitlines()) == 1


@isolated
async def test_programs_start_with_nothing_but_their_standard_descriptors_and_a_small_environment(
    host: HostWorld,
) -> None:
    descriptors = await host.says(
        "i-1", "python3", "-c", "import os; print(sorted(map(int, os.listdir('/proc/1/fd'))))"
    )
    own = await host.says("i-1", "python3", "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    environment = await host.says("i-1", "python3", "-c", "import os; print(sorted(os.environ))")
    places = await host.says("i-1", "sh", "-c", "readlink /proc/1/fd/* /proc/self/fd/1")

    assert descriptors == "[0, 1, 2]"
    assert own == "[0, 1, 2, 3]"  # 3 is the folder being listed
    assert environment == "['HOME', 'LANG', 'LOGNAME', 'PATH', 'PRIVATE_IP', 'SHELL', 'USER']"
    assert str(host.directory) not in places


@isolated
async def test_a_host_cannot_reach_what_is_outside_its_cloud(host: HostWorld) -> None:
    # The machine's own loopback is another network, and a wrong address in ours belongs to nobody.
    with pytest.raises(ConnectionRefusedError):
        await host.hosts.connect("i-1", "127.0.0.1", 22)
    with pytest.raises(OSError):
        await host.hosts.connect("i-1", host.spec(77).address, 80, timeout=0.3)
    with pytest.raises(OSError):
        await host.hosts.connect("i-1", "198.51.100.1", 80, timeout=0.3)


@isolated
async def test_a_host_may_listen_below_port_1024(host: HostWorld) -> None:
    bind = "import os, socket; socket.create_server((os.environ['PRIVATE_IP'], 80)); print('bound')"

    assert await host.says("i-1", "python3", "-c", bind) == "bound"


@pytest.mark.skipif(sys.base_prefix.startswith("/usr"), reason="this Python is one of the machine's programs")
@pytest.mark.parametrize("world", ["netns"], indirect=True)
async def test_the_python_that_runs_tidegate_is_there_although_it_lies_in_a_home(host: HostWorld) -> None:
    python = f"{sys.base_prefix}/bin/python3"

    assert await host.says("i-1", python, "-c", "import ssl, sys; print(sys.base_prefix)") == sys.base_prefix
    assert f"{sys.base_prefix}/bin" in await host.says("i-1", "sh", "-c", "echo $PATH")
    assert (await host.sh("i-1", f"touch {sys.base_prefix}/evil")).exit_code != 0


@isolated
async def test_orphans_are_reaped(host: HostWorld) -> None:
    await host.sh("i-1", "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done")

    await host.idles()


@isolated
async def test_a_host_without_dumb_init_reaps_its_orphans_too(world: HostWorld) -> None:
    assert world.helper is not None
    user = NOBODY if world.kind == "netns-user" else None
    async with running_helper(user, init="") as helper:
        bare = HostWorld(world.kind, await NetnsHosts.open(helper), helper.directory, world.network, helper)
        await bare.hosts.create(bare.spec(1))
        await bare.sh("i-1", "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done")

        await bare.idles()
        assert await bare.says("i-1", "cat", "/proc/1/comm") == "sh"


@isolated
async def test_memory_is_limited(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, memory=96))

    hungry = await world.hosts.run("i-1", Command(argv=["python3", "-c", "x = b'x' * (400 << 20)"]))
    modest = await world.hosts.run("i-1", Command(argv=["python3", "-c", "x = b'x' * (20 << 20)"]))

    assert hungry.exit_code in (1, 128 + signal.SIGKILL)
    assert modest.exit_code == 0


@isolated
async def test_a_host_whose_first_process_dies_is_stopped_and_starts_again_from_its_disk(host: HostWorld) -> None:
    await host.sh("i-1", "echo kept >/root/file; sleep 1000 &")
    parents = {process.ppid() for process in host.processes()}
    init = next(process for process in host.processes() if process.pid in parents)

    init.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while [one.state for one in await host.hosts.list()] != ["Stopped"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

    await host.nothing_runs()
    await host.hosts.start("i-1")
    assert await host.says("i-1", "cat", "/root/file") == "kept"


@isolated
async def test_scratch_folders_are_empty_after_a_boot_and_the_rest_of_the_disk_is_not(host: HostWorld) -> None:
    await host.says(
        "i-1", "sh", "-c", "for d in /tmp /run /dev/shm /app /etc /var/lib /opt; do mkdir -p $d; echo >$d/f; done"
    )

    await host.hosts.stop("i-1")
    await host.hosts.start("i-1")

    found = await host.sh("i-1", "ls /tmp/f /run/f /dev/shm/f /app/f /etc/f /var/lib/f /opt/f 2>/dev/null")
    assert found.output.split() == [b"/app/f", b"/etc/f", b"/opt/f", b"/var/lib/f"]


@isolated
async def test_a_disk_full_of_traps_boots_into_itself_and_is_removed_whole(host: HostWorld, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    trap = (
        f"mv /var /old; ln -s {outside} /var; rm -rf /srv; ln -s {outside} /srv;"
        f"mv /etc/ssl /etc/old 2>/dev/null; rm -f /etc/hosts; ln -s {outside}/hosts /etc/hosts;"
        "mkdir -p /deep/closed; chmod 000 /deep/closed;"
        "cd /deep; i=0; while [ $i -lt 300 ]; do mkdir d$i && cd d$i; i=$((i+1)); done; touch $(printf 'x%.0s' $(seq 200))"
    )
    assert (await host.sh("i-1", trap)).exit_code == 0

    await host.hosts.stop("i-1")
    await host.hosts.start("i-1")
    assert await host.says("i-1", "cat", "/etc/hostname") == "host1"
    await host.hosts.destroy("i-1")

    assert list(outside.iterdir()) == []
    assert list((host.directory / "hosts").iterdir()) == []


@isolated
async def test_a_killed_helper_is_reported_leaves_nothing_running_and_keeps_the_disks(host: HostWorld) -> None:
    assert host.helper is not None
    lost = asyncio.Event()
    host.hosts.on_lost(lost.set)
    await host.says("i-1", "sh", "-c", "echo kept >/root/file")
    await host.sh("i-1", "setsid sleep 1000 & echo")
    running, pid = host.processes(), host.helper.pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    await asyncio.wait_for(lost.wait(), 10)

    assert not any(process.is_running() for process in running)
    assert [(one.id, one.state) for one in await host.hosts.list()] == [("i-1", "Stopped")]
    await host.hosts.start("i-1")
    assert await host.says("i-1", "cat", "/root/file") == "kept"
