"""Where the keys for a cloud come from: environment, the profiles of the ``aliyun`` command line, or given outright."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tidegate.errors import ConfigurationError

#: Names of each variable in the order in which they count (wire.md 12); the second family is footmark's and Ansible's.
_KEY_ID = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY")
_SECRET = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY")
_TOKEN = ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN")
_REGION = ("ALIBABA_CLOUD_REGION_ID", "ALICLOUD_REGION")
_ROLE = ("ALIBABA_CLOUD_ROLE_ARN",)
_SESSION = ("ALIBABA_CLOUD_ROLE_SESSION_NAME",)
_PROFILE = ("ALIBABA_CLOUD_PROFILE",)
_ENDPOINT = ("TIDEGATE_ENDPOINT",)

DEFAULT_REGION = "cn-hangzhou"
_SESSION_NAME = "tidegate"
_SESSION_SECONDS = 3600
_LARGEST_CONFIG = 1 << 20


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """An access key, with its token when it is a temporary one. Never shows its secrets."""

    access_key_id: str
    access_key_secret: str
    security_token: str | None = None

    def __repr__(self) -> str:
        return f"Keys({self.access_key_id})"


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role to act under; its temporary keys are got from STS."""

    arn: str
    session: str = _SESSION_NAME
    seconds: int = _SESSION_SECONDS


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Which cloud to call, and as whom. Without ``endpoint`` it is the real one."""

    keys: Keys
    region: str = DEFAULT_REGION
    endpoint: str | None = None
    role: Role | None = None


class _Entry(msgspec.Struct):
    """One profile of ``~/.aliyun/config.json``; other fields are ignored."""

    name: str = ""
    mode: str = "AK"
    access_key_id: str = ""
    access_key_secret: str = ""
    sts_token: str = ""
    ram_role_arn: str = ""
    ram_session_name: str = ""
    expired_seconds: int = 0
    region_id: str = ""
    endpoint: str = ""


class _Config(msgspec.Struct):
    current: str = ""
    profiles: list[_Entry] = msgspec.field(default_factory=list)


def from_environment(environ: Mapping[str, str]) -> Profile:
    """Return what the environment variables say. Raises ConfigurationError when they name no key."""
    key_id, secret = _first(environ, _KEY_ID), _first(environ, _SECRET)
    if not key_id or not secret:
        raise ConfigurationError(f"no access key: set {_KEY_ID[0]} and {_SECRET[0]}; `tidegate env` prints both")
    role = _first(environ, _ROLE)
    return Profile(
        keys=Keys(access_key_id=key_id, access_key_secret=secret, security_token=_first(environ, _TOKEN) or None),
        region=_first(environ, _REGION) or DEFAULT_REGION,
        endpoint=_first(environ, _ENDPOINT) or None,
        role=Role(arn=role, session=_first(environ, _SESSION) or _SESSION_NAME) if role else None,
    )


def from_profile(name: str | None = None, config: Path | None = None) -> Profile:
    """Return a profile of the ``aliyun`` command line; ``None`` is its current one.

    Supports the modes AK, StsToken and RamRoleArn. Raises ConfigurationError for anything else, naming what is there.
    """
    path = config or Path.home() / ".aliyun" / "config.json"
    read = _read(path)
    wanted = name or read.current
    entry = next((each for each in read.profiles if each.name == wanted), None)
    if entry is None:
        known = ", ".join(each.name for each in read.profiles) or "none"
        raise ConfigurationError(f"{path} has no profile {wanted!r}; it has: {known}")
    return _profile(entry, path)


def find(environ: Mapping[str, str], config: Path | None = None) -> Profile:
    """Return the profile that the environment names or is, else the current one of the ``aliyun`` command line."""
    named = _first(environ, _PROFILE)
    if not named and _first(environ, _KEY_ID):
        return from_environment(environ)
    return from_profile(named or None, config)


def _profile(entry: _Entry, path: Path) -> Profile:
    mode: Literal["AK", "StsToken", "RamRoleArn"] | str = entry.mode
    if mode not in {"AK", "StsToken", "RamRoleArn"}:
        raise ConfigurationError(f"profile {entry.name!r} of {path} has mode {mode}; use AK, StsToken or RamRoleArn")
    lacking = [
        field
        for field, value, needed in (
            ("access_key_id", entry.access_key_id, True),
            ("access_key_secret", entry.access_key_secret, True),
            ("sts_token", entry.sts_token, mode == "StsToken"),
            ("ram_role_arn", entry.ram_role_arn, mode == "RamRoleArn"),
        )
        if needed and not value
    ]
    if lacking:
        raise ConfigurationError(f"profile {entry.name!r} of {path} lacks {', '.join(lacking)}")
    keys = Keys(
        access_key_id=entry.access_key_id,
        access_key_secret=entry.access_key_secret,
        security_token=entry.sts_token or None if mode == "StsToken" else None,
    )
    role = Role(
        arn=entry.ram_role_arn,
        session=entry.ram_session_name or _SESSION_NAME,
        seconds=entry.expired_seconds or _SESSION_SECONDS,
    )
    return Profile(
        keys=keys,
        region=entry.region_id or DEFAULT_REGION,
        endpoint=entry.endpoint or None,
        role=role if mode == "RamRoleArn" else None,
    )


def _read(path: Path) -> _Config:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_CONFIG)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}): make it with `aliyun configure`"
        ) from error
    try:
        tree: Any = msgspec.json.decode(text)
        return msgspec.convert(tree, _Config)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path} is not what `aliyun configure` writes: {error}") from error


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
