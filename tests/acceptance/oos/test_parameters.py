"""Parameter Store through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.runbook_server import Served

from .test_sdk import config, models


@pytest.fixture
def client(served: Served) -> Any:
    from alibabacloud_oos20190601.client import Client

    return Client(config(served, served.root))


def test_the_sdk_keeps_and_reads_parameters(client: Any) -> None:
    m = models()

    made = client.create_parameter(
        m.CreateParameterRequest(
            name="sdk/port",
            type="String",
            value="80",
            tags={"team": "tide"},
            constraints=json.dumps({"AllowedPattern": "[0-9]+"}),
        )
    ).body.parameter
    client.update_parameter(m.UpdateParameterRequest(name="sdk/port", value="8080"))
    got = client.get_parameter(m.GetParameterRequest(name="sdk/port")).body.parameter
    many = client.get_parameters(m.GetParametersRequest(names=json.dumps(["sdk/port", "sdk/none"]))).body
    below = client.get_parameters_by_path(m.GetParametersByPathRequest(path="sdk")).body
    listed = client.list_parameters(m.ListParametersRequest(tags={"team": "tide"})).body
    versions = client.list_parameter_versions(m.ListParameterVersionsRequest(name="sdk/port")).body
    client.delete_parameter(m.DeleteParameterRequest(name="sdk/port"))

    assert (made.parameter_version, made.share_type, made.tags) == (1, "Private", {"team": "tide"})
    assert (got.value, got.parameter_version, got.id) == ("8080", 2, made.id)
    assert ([one.value for one in many.parameters], many.invalid_parameters) == (["8080"], ["sdk/none"])
    assert [one.name for one in below.parameters] == [one.name for one in listed.parameters] == ["sdk/port"]
    assert [one.value for one in versions.parameter_versions] == ["8080", "80"]


def test_the_sdk_keeps_and_reads_secret_parameters(client: Any) -> None:
    m = models()

    client.create_secret_parameter(m.CreateSecretParameterRequest(name="sdk/secret", type="Secret", value="one"))
    client.update_secret_parameter(m.UpdateSecretParameterRequest(name="sdk/secret", value="two"))
    names = json.dumps(["sdk/secret"])
    closed = client.get_secret_parameter(m.GetSecretParameterRequest(name="sdk/secret")).body.parameter
    opened = client.get_secret_parameter(
        m.GetSecretParameterRequest(name="sdk/secret", with_decryption=True)
    ).body.parameter
    many = client.get_secret_parameters(m.GetSecretParametersRequest(names=names, with_decryption=True)).body
    below = client.get_secret_parameters_by_path(m.GetSecretParametersByPathRequest(path="sdk")).body
    listed = client.list_secret_parameters(m.ListSecretParametersRequest(name="secret")).body
    versions = client.list_secret_parameter_versions(
        m.ListSecretParameterVersionsRequest(name="sdk/secret", with_decryption=True)
    ).body
    client.delete_secret_parameter(m.DeleteSecretParameterRequest(name="sdk/secret"))

    assert (closed.value, opened.value, many.parameters[0].value) == (None, "two", "two")
    assert [one.name for one in below.parameters] == [one.name for one in listed.parameters] == ["sdk/secret"]
    assert [one.value for one in versions.parameter_versions] == ["two", "one"]


def test_the_sdk_tags_and_finds_resources(client: Any) -> None:
    m = models()
    client.create_parameter(m.CreateParameterRequest(name="sdk/tagged", type="String", value="1"))
    of_it = {"resource_type": "parameter", "resource_ids": ["sdk/tagged"]}

    client.tag_resources(m.TagResourcesRequest(**of_it, tags={"team": "tide"}))
    found = client.list_tag_resources(
        m.ListTagResourcesRequest(resource_type="parameter", tags={"team": "tide"})
    ).body.tag_resources.tag_resource
    keys = client.list_tag_keys(m.ListTagKeysRequest(resource_type="parameter")).body.keys
    values = client.list_tag_values(m.ListTagValuesRequest(resource_type="parameter", key="team")).body.values
    client.untag_resources(m.UntagResourcesRequest(**of_it, all=True))
    left = client.list_tag_resources(m.ListTagResourcesRequest(**of_it)).body.tag_resources.tag_resource

    assert [(one.resource_id, one.resource_type, one.tag_key, one.tag_value) for one in found] == [
        ("sdk/tagged", "parameter", "team", "tide")
    ]
    assert ("team" in keys, values, left) == (True, ["tide"], [])
