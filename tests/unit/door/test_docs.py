"""The page of all operations is read from what is registered."""

from __future__ import annotations

from pathlib import Path

from support.door import tide
from tidegate import coverage
from tidegate.docs import all_products, known_operations, main, operations_of_sdk, render


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


def test_every_operation_of_auto_scaling_is_served_or_its_absence_explained(tmp_path: Path) -> None:
    main([str(tmp_path / "operations.md")])
    products = all_products()
    known = known_operations(products)
    [ess] = [product for product in products if product.code == "ess"]

    rows = {
        line.split("|")[1].strip(): line for line in (tmp_path / "coverage.md").read_text().splitlines() if "|" in line
    }
    assert coverage.unexplained(ess, known) == set()
    assert all(rows[name].count("yes") == len(one.versions) for name, one in ess.operations.items())
    assert "**no**" in rows["CreateEciScalingConfiguration"]
    assert "container groups" in rows["CreateEciScalingConfiguration"]


def test_parameters_that_nobody_reads_are_named() -> None:
    package = known_operations(all_products())["ess"]["2022-02-22"][1]

    assert "ScalingGroupName" in coverage.parameters(package)["CreateScalingGroup"]


def test_what_an_official_sdk_has_is_known_by_name() -> None:
    assert {"CreateLifecycleHook", "DescribeScalingGroups"} <= operations_of_sdk("alibabacloud_ess20220222")
    assert "RecordLifecycleActionHeartbeat" in operations_of_sdk("aliyunsdkess.request.v20140828")
    assert operations_of_sdk("no_such_package") == set()
