"""ECS on real hosts: what the API says is what really happens inside."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support import postgres
from support.ecs_server import ServedEcs, eventually, served_ecs
from tidegate.errors import PlaneError
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Hosts
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.netns import NetnsHosts

from .test_tea_sdk import REGION, describe, launch, make_client, until


@asynccontextmanager
async def netns_hosts(folder: Path) -> AsyncIterator[Hosts]:
    helper = HelperClient(folder)
    try:
        yield await NetnsHosts.open(helper)
    finally:
        await helper.close(destroy=True)


@asynccontextmanager
async def loopback_hosts(folder: Path) -> AsyncIterator[Hosts]:
    hosts = LoopbackHosts(folder)
    try:
        yield hosts
    finally:
        await hosts.close(destroy=True)


@pytest.fixture(scope="module", params=[netns_hosts, loopback_hosts], ids=["netns", "loopback"])
def served(request: Any, postgres_server: str, database_template: str) -> Iterator[ServedEcs]:
    """ECS on hosts of one kind, ended with everything in them; skipped where the kernel refuses namespaces."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    with tempfile.TemporaryDirectory(prefix="tidegate-test-") as folder:
        try:
            with served_ecs(dsn, lambda: request.param(Path(folder))) as served:
                yield served
        except PlaneError as error:
            pytest.skip(f"no namespaces here: {error}")
    asyncio.run(postgres.drop(postgres_server, name))


@pytest.fixture(scope="module")
def models() -> Any:
    from alibabacloud_ecs20140526 import models

    return models


@pytest.fixture(scope="module")
def client(served: ServedEcs) -> Any:
    return make_client(served)


def run(client: Any, models: Any, instance: str, script: str, **fields: Any) -> Any:
    """Run a script and return its result, ended or not after a while."""
    asked = models.RunCommandRequest(
        region_id=REGION, type="RunShellScript", command_content=script, instance_id=[instance], **fields
    )
    invocation = client.run_command(asked).body.invoke_id
    return eventually(
        lambda: result(client, models, invocation),
        lambda seen: seen.invoke_record_status != "Running",
        f"{script} ends",
    )


def result(client: Any, models: Any, invocation: str) -> Any:
    request = models.DescribeInvocationResultsRequest(
        region_id=REGION, invoke_id=invocation, content_encoding="PlainText"
    )
    return client.describe_invocation_results(request).body.invocation.invocation_results.invocation_result[0]


def test_an_instance_has_the_address_the_api_shows_and_ran_its_user_data(client: Any, models: Any) -> None:
    user_data = base64.b64encode(b"#!/bin/sh\necho tide >$HOME/made-by-user-data\necho said at boot\n").decode()
    made = launch(client, models, host_name="web-1", user_data=user_data)
    [shown] = until(client, models, made, "Running")
    address = shown.vpc_attributes.private_ip_address.ip_address[0]
    request = models.GetInstanceConsoleOutputRequest(region_id=REGION, instance_id=made[0])
    eventually(
        lambda: base64.b64decode(client.get_instance_console_output(request).body.console_output).decode(),
        lambda console: "said at boot" in console,
        "the console shows what user data said",
    )

    seen = run(client, models, made[0], "cat made-by-user-data; echo $PRIVATE_IP; exit 3")

    assert seen.output == f"tide\n{address}\n"
    assert (seen.exit_code, seen.error_code, seen.invoke_record_status) == (3, "ExitCodeNonzero", "Finished")


def test_an_instance_with_namespaces_has_its_own_name(served: ServedEcs, client: Any, models: Any) -> None:
    if served.hosts.name != "netns":
        pytest.skip("hosts on loopback share the machine's name")
    made = launch(client, models, host_name="web-7")
    until(client, models, made, "Running")

    assert run(client, models, made[0], "hostname").output == "web-7\n"


def test_a_disk_outlives_a_stop_and_a_reboot_but_not_a_release(client: Any, models: Any) -> None:
    made = launch(client, models)
    until(client, models, made, "Running")
    run(client, models, made[0], "echo kept >note")

    client.stop_instance(models.StopInstanceRequest(instance_id=made[0]))
    until(client, models, made, "Stopped")
    client.start_instance(models.StartInstanceRequest(instance_id=made[0]))
    until(client, models, made, "Running")
    client.reboot_instance(models.RebootInstanceRequest(instance_id=made[0]))
    until(client, models, made, "Running")
    note = run(client, models, made[0], "cat note").output
    client.delete_instance(models.DeleteInstanceRequest(instance_id=made[0], force=True))
    eventually(lambda: describe(client, models, made), lambda seen: not seen, "it is gone")

    assert note == "kept\n"


def test_an_interpreter_and_a_directory_are_heeded(client: Any, models: Any) -> None:
    made = launch(client, models)
    until(client, models, made, "Running")

    python = run(client, models, made[0], "#!/usr/bin/env python3\nimport os\nprint(os.getcwd())", working_dir="/tmp")
    nowhere = run(client, models, made[0], "pwd", working_dir="/nowhere")

    assert (python.output, python.exit_code) == ("/tmp\n", 0)
    assert nowhere.error_code == "DirectoryNotExists"


def test_a_script_that_is_stopped_leaves_nothing_running(client: Any, models: Any) -> None:
    made = launch(client, models)
    until(client, models, made, "Running")
    seconds = uuid.uuid4().int % 10**6 + 10**6  # nobody else on this machine sleeps as long
    asked = models.RunCommandRequest(
        region_id=REGION,
        type="RunShellScript",
        command_content=f"echo begun; (setsid sleep {seconds} &); sleep {seconds}",
        instance_id=made,
        timeout=600,
    )
    invocation = client.run_command(asked).body.invoke_id
    looking = f"for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null | grep -c '^sleep {seconds}'"
    eventually(lambda: run(client, models, made[0], looking).output, lambda seen: seen == "2\n", "both sleep")

    client.stop_invocation(models.StopInvocationRequest(region_id=REGION, invoke_id=invocation))
    ended = eventually(
        lambda: result(client, models, invocation), lambda seen: seen.invoke_record_status == "Stopped", "it ends"
    )

    assert ended.invocation_status == "Terminated"
    assert ended.output.startswith("begun\n")
    assert run(client, models, made[0], looking).output == "0\n"


def test_output_beyond_the_limit_is_cut_and_counted(client: Any, models: Any) -> None:
    made = launch(client, models)
    until(client, models, made, "Running")

    seen = run(client, models, made[0], "head -c 30000 /dev/zero | tr '\\0' x")

    assert (len(seen.output), seen.dropped) == (24 * 1024, 30000 - 24 * 1024)
