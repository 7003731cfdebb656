"""Where keys come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate.cloud.credentials import Keys, find, from_environment, from_profile
from tidegate.errors import ConfigurationError

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush"}
AK = {"name": "ak", "mode": "AK", "access_key_id": "id", "access_key_secret": "hush", "region_id": "cn-beijing"}


def config(folder: Path, *profiles: dict[str, Any], current: str = "ak") -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({"current": current, "profiles": profiles, "meta_path": ""}))
    return path


def test_the_environment_names_key_region_and_cloud() -> None:
    profile = from_environment(
        {**KEYS, "ALIBABA_CLOUD_REGION_ID": "cn-beijing", "TIDEGATE_ENDPOINT": "http://127.0.0.1:4599"}
    )

    assert profile.keys == Keys(access_key_id="id", access_key_secret="hush")
    assert (profile.region, profile.endpoint, profile.role) == ("cn-beijing", "http://127.0.0.1:4599", None)


def test_temporary_keys_and_roles_are_read_from_the_environment() -> None:
    profile = from_environment(
        {**KEYS, "ALIBABA_CLOUD_SECURITY_TOKEN": "t", "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/r"}
    )

    assert profile.keys.security_token == "t"
    assert profile.role is not None
    assert profile.role.arn == "acs:ram::1:role/r"


def test_the_names_of_ansible_are_understood() -> None:
    assert from_environment({"ALICLOUD_ACCESS_KEY": "a", "ALICLOUD_SECRET_KEY": "b"}).keys.access_key_id == "a"


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_an_environment_without_a_key_says_which_variables_to_set(missing: str) -> None:
    with pytest.raises(ConfigurationError, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        from_environment({name: value for name, value in KEYS.items() if name != missing})


def test_profiles_of_the_command_line_are_read(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        AK,
        {**AK, "name": "sts", "mode": "StsToken", "sts_token": "t"},
        {**AK, "name": "role", "mode": "RamRoleArn", "ram_role_arn": "acs:ram::1:role/r", "expired_seconds": 900},
    )

    current, sts, role = from_profile(None, path), from_profile("sts", path), from_profile("role", path)

    assert (current.keys.access_key_id, current.region, current.endpoint) == ("id", "cn-beijing", None)
    assert sts.keys.security_token == "t"
    assert role.role is not None
    assert (role.role.arn, role.role.session, role.role.seconds) == ("acs:ram::1:role/r", "tidegate", 900)


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        ({**AK, "mode": "EcsRamRole"}, "mode EcsRamRole; use AK"),
        ({**AK, "access_key_secret": ""}, "lacks access_key_secret"),
        ({**AK, "mode": "StsToken"}, "lacks sts_token"),
        ({**AK, "mode": "RamRoleArn"}, "lacks ram_role_arn"),
        ({**AK, "name": "other"}, "it has: other"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(tmp_path: Path, profile: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as refusal:
        from_profile("ak", config(tmp_path, profile))

    assert "hush" not in str(refusal.value)


def test_a_missing_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="aliyun configure"):
        from_profile(None, tmp_path / "nothing.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigurationError, match="not what"):
        from_profile(None, tmp_path / "broken.json")


def test_a_named_profile_comes_before_keys_and_keys_before_the_file(tmp_path: Path) -> None:
    path = config(tmp_path, AK, {**AK, "name": "other", "access_key_id": "other-id"})

    assert find({**KEYS, "ALIBABA_CLOUD_PROFILE": "other"}, path).keys.access_key_id == "other-id"
    assert find({**KEYS, "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id"}, path).keys.access_key_id == "env-id"
    assert find({}, path).keys.access_key_id == "id"


def test_keys_never_show_their_secret() -> None:
    keys = Keys(access_key_id="id", access_key_secret="hush", security_token="whisper")

    assert repr(keys) == str(keys) == "Keys(id)"
