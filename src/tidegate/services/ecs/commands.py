"""Cloud Assistant: commands, their invocations, and how the runs on each instance add up (ecs.md 6)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tidegate.services.ecs import faults, limits

#: Types of commands; only shell scripts can run on the instances of this cloud, which are Linux.
SHELL: Final = "RunShellScript"
_TYPES = (SHELL, "RunBatScript", "RunPowerShellScript")
_PARAMETER = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)\s*\}\}")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: Statuses of one run. Nothing more happens to a run that has ended.
PENDING, RUNNING, STOPPING = "Pending", "Running", "Stopping"
OPEN: Final = frozenset({PENDING, RUNNING, STOPPING})

ERROR_INFO: Final[Mapping[str, str]] = {
    "InstanceNotExists": "The specified instance does not exist.",
    "InstanceReleased": "The instance was released while the command was executed.",
    "InstanceNotRunning": "The instance is not running.",
    "CommandNotApplicable": "The command is not applicable to the specified instance.",
    "AccountNotExists": "The specified account does not exist.",
    "DirectoryNotExists": "The specified directory does not exist.",
    "ExecutionTimeout": "The command execution has timed out.",
    "ExecutionException": "An exception occurred while the command was executed.",
    "ExecutionInterrupted": "The command execution was interrupted.",
    "ExitCodeNonzero": "The exit code of the command is not 0.",
}


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A command before it has a row. ``content`` is raw; ``timeout`` seconds."""

    type: str
    content: bytes
    name: str = ""
    description: str = ""
    working_dir: str = ""
    timeout: int = limits.COMMAND_TIMEOUT
    enable_parameter: bool = False


def script(
    *,
    kind: str,
    content: str,
    encoding: str,
    name: str | None,
    description: str | None,
    working_dir: str | None,
    timeout: int | None,
    enable_parameter: bool,
) -> Script:
    """Return the checked command; raises what CreateCommand and RunCommand answer to a wrong one."""
    if kind not in _TYPES:
        raise faults.denied("InvalidCmdType.NotFound")
    raw = decode_content(content, encoding)
    if len(raw) > limits.COMMAND_BYTES:
        raise faults.bad("CmdContent.ExceedLimit")
    seconds = limits.COMMAND_TIMEOUT if timeout is None else timeout
    if not limits.COMMAND_TIMEOUT_MIN <= seconds <= limits.COMMAND_TIMEOUT_MAX:
        raise faults.invalid_parameter("Timeout")
    if enable_parameter and len(set(parameter_names(raw))) > limits.COMMAND_PARAMETERS:
        raise faults.bad("CmdParamCount.ExceedLimit")
    return Script(
        type=kind,
        content=raw,
        name=name or "",
        description=description or "",
        working_dir=working_dir or "",
        timeout=seconds,
        enable_parameter=enable_parameter,
    )


def decode_content(content: str, encoding: str) -> bytes:
    """Return the raw command behind ``PlainText`` or ``Base64``."""
    match encoding.lower():
        case "plaintext":
            return content.encode()
        case "base64":
            try:
                return base64.b64decode(content, validate=True)
            except (binascii.Error, ValueError) as error:
                raise faults.bad("CmdContent.DecodeError") from error
        case _:
            raise faults.invalid_parameter("ContentEncoding")


def encode_content(content: bytes, encoding: str) -> str:
    """Return content as ``PlainText`` or ``Base64`` asks for."""
    match encoding.lower():
        case "plaintext":
            return content.decode(errors="replace")
        case "base64":
            return base64.b64encode(content).decode()
        case _:
            raise faults.invalid_parameter("ContentEncoding")


def parameter_names(content: bytes) -> list[str]:
    """Return the names between double braces, lower-case, in the order they occur."""
    return [name.lower() for name in _PARAMETER.findall(content.decode(errors="replace"))]


def filled(content: bytes, parameters: Mapping[str, str]) -> bytes:
    """Put parameters in place of ``{{ name }}``, once: a value is never looked at again. Names ignore case.

    A name that no parameter gives stays as it is (ASSUMPTION).
    """
    values = {name.lower(): value for name, value in parameters.items()}
    text = content.decode("utf-8", errors="surrogateescape")
    text = _PARAMETER.sub(lambda found: values.get(found[1].lower(), found[0]), text)
    return text.encode("utf-8", errors="surrogateescape")


def check_parameters(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return custom parameters as texts; raises for bad names or too many."""
    if len(parameters) > limits.COMMAND_PARAMETERS:
        raise faults.bad("CmdParamCount.ExceedLimit")
    for name in parameters:
        if not name:
            raise faults.bad("CmdParam.EmptyKey")
        if not _PARAMETER_NAME.fullmatch(name):
            raise faults.bad("CmdParam.InvalidParamName")
    return {name: _text(value) for name, value in parameters.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def check_repeat(mode: str | None, frequency: str | None) -> None:
    """Raise for anything but a single run: schedules and runs at boot are not part of this cloud."""
    if mode == "Period" and not frequency:
        raise faults.denied("MissingParam.Frequency")
    if mode not in (None, "", "Once") or frequency:
        raise faults.invalid_parameter("RepeatMode" if mode not in (None, "", "Once") else "Frequency")


def overall(runs: Sequence[str]) -> str:
    """Return the InvocationStatus of a whole invocation from the statuses of its runs."""
    if any(one in OPEN for one in runs):
        return "Stopping" if STOPPING in runs else ("Pending" if set(runs) == {PENDING} else "Running")
    kinds = set(runs)
    if kinds == {"Success"}:
        return "Success"
    if "Success" in kinds:
        return "PartialFailed"
    return "Stopped" if kinds == {"Terminated"} else "Failed"


def delivery(runs: Sequence[tuple[str, str]]) -> str:
    """Return the older InvokeStatus of a whole invocation from (status, error code) of its runs.

    It tells about delivery and completion, not about exit codes: a script that ended, with whatever code, is Finished.
    """
    each = [record(status, error) for status, error in runs]
    if any(one == "Running" for one in each):
        return "Running"
    if all(one == "Stopped" for one in each):
        return "Stopped"
    if all(one == "Finished" for one in each):
        return "Finished"
    return "PartialFailed" if "Finished" in each else "Failed"


def record(status: str, error: str) -> str:
    """Return the older InvokeRecordStatus of one run."""
    if status in OPEN:
        return "Running"
    if status == "Success" or error == "ExitCodeNonzero":
        return "Finished"
    return "Stopped" if status in ("Terminated", "Cancelled") else "Failed"
