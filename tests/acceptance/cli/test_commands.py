"""The commands as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.running import ROOT, RunningCloud
from tidegate.cli.tutorial import STEPS


def tidegate(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tidegate", *words],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment,
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with RunningCloud(tmp_path_factory.mktemp("cloud"), "--hosts", "memory") as running:
        yield running


def test_env_prints_what_sdks_need_for_the_shell_and_for_programs(cloud: RunningCloud) -> None:
    shell = cloud.tidegate("env")
    variables = json.loads(cloud.tidegate("env", "--format", "json"))

    assert list(variables) == [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_REGION_ID",
        "TIDEGATE_ENDPOINT",
        "TIDEGATE_MNS_ENDPOINT",
    ]
    assert variables["TIDEGATE_ENDPOINT"] == variables["TIDEGATE_MNS_ENDPOINT"] == cloud.url
    assert shell.splitlines() == [f"export {name}={value}" for name, value in variables.items()]


def test_the_root_key_lies_sealed_in_a_folder_that_others_cannot_enter(cloud: RunningCloud) -> None:
    secret = cloud.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"].encode()

    files = [path for path in cloud.folder.iterdir() if path.is_file()]

    assert files
    assert not any(secret in path.read_bytes() for path in files)
    assert secret.decode() not in cloud.log()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (cloud.folder / "vault.key", cloud.folder / "plane"))


def test_call_prints_the_answer_of_an_operation(cloud: RunningCloud) -> None:
    answer = json.loads(cloud.tidegate("call", "sts", "GetCallerIdentity"))

    assert answer["IdentityType"] == "Account"
    assert answer["RequestId"]


def test_call_prints_an_api_error_and_fails(cloud: RunningCloud) -> None:
    done = tidegate(
        "call", "ess", "DeleteScalingGroup", "--ScalingGroupId", "asg-none", "--data-dir", str(cloud.folder)
    )

    assert done.returncode == 1
    assert "InvalidScalingGroupId.NotFound: The specified scaling group does not exist." in done.stderr
    assert "Traceback" not in done.stderr


def test_status_says_what_runs_and_how_the_whitelist_is_enforced(cloud: RunningCloud) -> None:
    page = json.loads(cloud.tidegate("status", "--json"))

    assert page["status"] == "ok"
    assert page["hosts"] == {"driver": "memory", "known": 0, "alive": 0}
    assert page["gate"] == "memory"
    assert {"ess", "oos", "ecs", "ram", "sts", "r-kvstore"} <= {name.lower() for name in page["products"]}
    assert "memory" in cloud.tidegate("status")


def test_a_second_cloud_on_the_same_folder_is_refused(cloud: RunningCloud) -> None:
    done = tidegate("up", "--port", "0", "--hosts", "memory", "--data-dir", str(cloud.folder))

    assert done.returncode == 1
    assert done.stderr.startswith("tidegate: ")
    assert "Traceback" not in done.stderr


def test_reset_is_refused_while_the_cloud_runs(cloud: RunningCloud) -> None:
    done = tidegate("reset", "--yes", "--data-dir", str(cloud.folder))

    assert done.returncode == 1
    assert (cloud.folder / "vault.key").exists()


def test_time_cannot_be_moved_unless_the_cloud_was_started_so(cloud: RunningCloud) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.advance(60)

    refused.value.close()
    assert refused.value.code == 404


def test_a_stopped_cloud_goes_on_with_the_same_key_and_the_same_things(tmp_path: Path) -> None:
    with RunningCloud(tmp_path / "cloud", "--hosts", "memory") as cloud:
        key = cloud.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"]
        cloud.tidegate("call", "ram", "CreateUser", "--UserName", "ada")

        cloud.stop()
        stopped = tidegate("status", "--data-dir", str(cloud.folder))
        cloud.start()

        assert stopped.returncode == 1
        assert "tidegate up" in stopped.stderr
        assert cloud.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] == key
        assert json.loads(cloud.tidegate("call", "ram", "GetUser", "--UserName", "ada"))["User"]["UserName"] == "ada"


def test_reset_deletes_the_cloud_and_leaves_strangers_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    cloud = RunningCloud(folder, "--hosts", "memory")
    cloud.start()
    cloud.stop()
    (folder / "mine.txt").write_text("keep")

    cloud.tidegate("reset", "--yes")

    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert tidegate("reset", "--yes", "--data-dir", str(folder)).returncode == 1


def test_listening_beyond_loopback_needs_to_be_asked_for(tmp_path: Path) -> None:
    done = tidegate("up", "--host", "0.0.0.0", "--data-dir", str(tmp_path))

    assert done.returncode == 1
    assert "--allow-remote" in done.stderr


def test_env_without_a_cloud_says_how_to_start_one(tmp_path: Path) -> None:
    done = tidegate("env", "--data-dir", str(tmp_path))

    assert done.returncode == 1
    assert "tidegate up" in done.stderr


def test_an_ephemeral_cloud_can_be_moved_in_time(tmp_path: Path) -> None:
    with RunningCloud(tmp_path / "cloud", "--hosts", "memory", "--adjustable-clock") as cloud:
        cloud.advance(6 * 3600)

        with urllib.request.urlopen(f"{cloud.url}/_tidegate/health", timeout=5) as answer:
            assert answer.status == 200


def test_the_demo_observes_every_step_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = tidegate("demo", "--json", TMPDIR=str(tmp_path))

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line["step"] for line in lines] == [*STEPS, "summary"]
    assert all(line["ok"] for line in lines)
    assert all(set(line) == {"step", "ok", "at", "detail"} for line in lines[:-1])
    assert set(lines[-1]) == {"step", "ok", "hosts", "gate", "redis", "balancer", "seconds"}
    assert list(tmp_path.iterdir()) == []
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])]


def test_the_demo_works_without_namespaces_too() -> None:
    done = tidegate("demo", "--json", "--hosts", "loopback", "--gate", "aio")

    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert (summary["hosts"], summary["gate"]) == ("loopback", "aio")
