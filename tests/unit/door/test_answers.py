"""One answer, two encodings."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.operation import Answer, Done
from tidegate.wire.answers import error_tree, json_answer, xml_answer

TREE = {
    "Instances": {"Instance": [{"InstanceId": "i-1", "Io": True, "Cpu": 2}, {"InstanceId": "i-2"}]},
    "TotalCount": 2,
}


class Page(Answer):
    page_size: int
    note: str


def test_json_begins_with_the_request_id() -> None:
    assert json_answer(TREE, "R") == json.dumps({"RequestId": "R", **TREE}, separators=(",", ":")).encode()
    assert json_answer(Page(5, "潮"), "R") == '{"RequestId":"R","PageSize":5,"Note":"潮"}'.encode()
    assert json_answer(Done(), "R") == b'{"RequestId":"R"}'


def test_xml_repeats_the_elements_of_a_list() -> None:
    assert xml_answer("DescribeInstancesResponse", TREE, "R").decode() == (
        "<?xml version='1.0' encoding='UTF-8'?><DescribeInstancesResponse><RequestId>R</RequestId><Instances>"
        "<Instance><InstanceId>i-1</InstanceId><Io>true</Io><Cpu>2</Cpu></Instance>"
        "<Instance><InstanceId>i-2</InstanceId></Instance></Instances><TotalCount>2</TotalCount>"
        "</DescribeInstancesResponse>"
    )


def test_an_error_has_the_names_that_clients_read() -> None:
    error = CloudError("Forbidden.RAM", "No.", 403, detail={"NoPermissionType": "ImplicitDeny"})

    tree = error_tree(error, "127.0.0.1:1", "Ecs")

    assert tree["Recommend"].endswith("?q=Forbidden.RAM&product=Ecs")
    assert (tree["HostId"], tree["Code"], tree["Message"]) == ("127.0.0.1:1", "Forbidden.RAM", "No.")
    assert tree["AccessDeniedDetail"] == {"NoPermissionType": "ImplicitDeny"}


def test_an_error_without_detail_has_no_empty_object() -> None:
    assert "AccessDeniedDetail" not in error_tree(CloudError("A", "B"), "h", "")


SCALARS = st.text(max_size=20) | st.integers() | st.booleans()
KEYS = st.text(max_size=10)


@given(st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, SCALARS, max_size=3)))
def test_any_answer_is_well_formed_xml(tree: dict[str, object]) -> None:
    root = ElementTree.fromstring(xml_answer("Root", tree, "R"))

    assert root.tag == "Root"
    assert root.findtext("RequestId") == "R" or "RequestId" in tree
