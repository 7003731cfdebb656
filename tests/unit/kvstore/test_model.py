from __future__ import annotations

import pytest

from tidegate.errors import CloudError
from tidegate.services.kvstore.model import Order, check_order, check_password, check_tags

CLASS = "redis.master.small.default"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Order(instance_class="redis.huge"), "InvalidInstanceClass.NotFound"),
        (Order(instance_class=CLASS, password="short1A"), "InvalidPassword.Malformed"),
        (Order(instance_class=CLASS, name="1"), "InvalidInstanceName.Malformed"),
        (Order(instance_class=CLASS, name="no@sign"), "InvalidInstanceName.Malformed"),
        (Order(instance_class=CLASS, name="no space"), "InvalidInstanceName.Malformed"),
        (Order(instance_class=CLASS, engine_version="9.9"), "InvalidParameter"),
        (Order(instance_class=CLASS, node_type="x"), "InvalidParameter"),
        (Order(instance_class=CLASS, network_type="CLASSIC"), "InvalidParameter"),
        (Order(instance_class=CLASS, port=80), "InvalidParameter"),
        (Order(instance_class=CLASS, charge_type="PrePaid"), "InvalidParameter"),
        (Order(instance_class=CLASS, charge_type="PrePaid", period=10), "InvalidParameter"),
        (Order(instance_class=CLASS, prefix="Short"), "InvalidParameter"),
    ],
)
def test_orders_that_no_instance_could_be_are_refused(order: Order, code: str) -> None:
    with pytest.raises(CloudError) as caught:
        check_order(order)
    assert caught.value.code == code


def test_a_class_can_be_named_or_found_by_its_capacity() -> None:
    assert check_order(Order(instance_class=CLASS, name="潮汐-1", charge_type="PrePaid", period=12)).capacity == 1024
    assert check_order(Order(capacity=8192)).id == "redis.master.large.default"
    assert check_order(Order(capacity=256)).id == "redis.shard.micro.ce"


@pytest.mark.parametrize("password", ["Abcdefg1", "abc_1234", "ABC+-=99", "A1" + "b" * 30])
def test_three_kinds_of_characters_make_a_password(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    "password", ["Abcdef1", "abcdefg1", "Abcdefgh", "Abc 1234", "Abc~1234", "A1" + "b" * 31, "Äbcdefg1"]
)
def test_other_passwords_are_refused(password: str) -> None:
    with pytest.raises(CloudError):
        check_password(password)


@pytest.mark.parametrize("pairs", [[("", "v")], [("acs:x", "v")], [("k" * 129, "")], [("k", "v" * 129)]])
def test_malformed_tags_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(CloudError):
        check_tags(pairs)


def test_an_instance_carries_a_bounded_number_of_tags() -> None:
    assert len(check_tags((f"k{n}", "") for n in range(20))) == 20
    with pytest.raises(CloudError):
        check_tags((f"k{n}", "") for n in range(21))
