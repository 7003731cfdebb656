"""The page of all operations is read from what is registered."""

from __future__ import annotations

from pathlib import Path

from support.door import tide
from tidegate.docs import all_products, main, operations_of_sdk, render


def test_an_operation_is_shown_with_its_action_and_parameters() -> None:
    page = render([tide])

    assert "| LiftSluice | Lift the sluice of a gate. | `tide:LiftSluice` | **`GateId`** `Amount`" in page
    assert "`GaugeIds.N` `Tags.N.[Key Value]` `Names{}`" in page
    assert "| BreakDam |  | none needed |  |" in page


def test_every_registered_operation_of_every_product_is_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "reference" / "operations.md"

    main([str(page)])

    text = page.read_text()
    for product in all_products():
        assert all(f"| {name}" in text for name in product.operations)


def test_what_an_official_sdk_has_is_known_by_name() -> None:
    assert {"CreateLifecycleHook", "DescribeScalingGroups"} <= operations_of_sdk("alibabacloud_ess20220222")
    assert "RecordLifecycleActionHeartbeat" in operations_of_sdk("aliyunsdkess.request.v20140828")
    assert operations_of_sdk("no_such_package") == set()
