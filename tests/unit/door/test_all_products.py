"""What must hold for every operation of every product that is registered."""

from __future__ import annotations

from typing import get_type_hints

import msgspec
import pytest

from tidegate.docs import all_products
from tidegate.gateway.routes import Routes
from tidegate.services.operation import Answer, Operation

OPERATIONS = [operation for product in all_products() for operation in product.operations.values()]
#: Operations that anybody may call (ram.md 4).
FREE = {"GetCallerIdentity"}
#: What an answer must not have: clients take it for an error, or the gateway adds it (wire.md 7).
RESERVED = {"Code", "RequestId", "HostId"}
#: Products whose answers carry the code of success.
SUCCESS = {"Cms": "200", "Mns-open": "200", "eventbridge": "Success"}

every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=[f"{each.product.code}:{each.name}" for each in OPERATIONS]
)


def test_each_pair_of_action_and_version_is_served_once() -> None:
    routes = Routes(dict.fromkeys(all_products()))

    for operation in OPERATIONS:
        if operation.product.rest:  # found by its path, and by the names that runbooks use
            assert routes.named(operation.product.name, operation.name)[0].operation is operation
            continue
        for version in operation.versions:
            assert routes.find(operation.name, version).operation is operation


@every_operation
def test_nothing_is_free_but_what_is_meant_to_be(operation: Operation) -> None:
    assert bool(operation.actions) == (operation.name not in FREE)
    assert all(action.partition(":")[2] for action in operation.actions)


@every_operation
def test_no_answer_looks_like_an_error(operation: Operation) -> None:
    answer = get_type_hints(operation.handler)["return"]

    assert issubclass(answer, Answer)
    fields = {field.encode_name: field for field in msgspec.structs.fields(answer)}
    if operation.product.name in SUCCESS:
        # the only codes that no client takes for an error (wire.md 7)
        assert str(fields.pop("Code").default) == SUCCESS[operation.product.name]
    assert RESERVED.isdisjoint(fields)
