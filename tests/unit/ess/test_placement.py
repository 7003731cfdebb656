"""Where new instances are made, and of which type (ess.md 2.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.placement import LARGEST_BATCH, Batch, Choice, batches

ZONES = ["vsw-h", "vsw-i", "vsw-j"]


def place(amount: int, policy: str, types: list[str] | None = None, **present: int) -> list[Batch]:
    return batches(
        amount,
        multi_az_policy=policy,
        vswitch_ids=ZONES,
        instance_types=types or ["ecs.g6.large"],
        present={f"vsw-{zone}": count for zone, count in present.items()},
    )


def test_priority_takes_the_vswitches_in_their_order_and_each_type_in_each() -> None:
    [batch] = place(3, "PRIORITY", ["ecs.g6.large", "ecs.c6.large"])

    assert batch.amount == 3
    assert batch.choices == [Choice(zone, kind) for zone in ZONES for kind in ("ecs.g6.large", "ecs.c6.large")]


def test_balance_fills_the_emptiest_vswitch_first_and_falls_back_to_the_others() -> None:
    made = place(4, "BALANCE", h=3, i=1)

    assert {batch.choices[0].vswitch_id: batch.amount for batch in made} == {"vsw-i": 2, "vsw-j": 2}
    assert all({choice.vswitch_id for choice in batch.choices} == set(ZONES) for batch in made)


def test_cost_optimized_takes_the_cheapest_type_anywhere() -> None:
    [batch] = place(1, "COST_OPTIMIZED", ["ecs.r6.large", "ecs.t6-c1m1.large"])

    kinds = [choice.instance_type for choice in batch.choices]
    assert kinds == ["ecs.t6-c1m1.large"] * 3 + ["ecs.r6.large"] * 3


@given(
    st.integers(1, 1000),
    st.sampled_from(["PRIORITY", "BALANCE", "COST_OPTIMIZED", "COMPOSABLE"]),
    st.dictionaries(st.sampled_from(["h", "i", "j"]), st.integers(0, 500)),
)
def test_every_instance_is_placed_once_in_batches_that_ecs_can_make(
    amount: int, policy: str, present: dict[str, int]
) -> None:
    made = place(amount, policy, **present)

    assert sum(batch.amount for batch in made) == amount
    assert all(1 <= batch.amount <= LARGEST_BATCH for batch in made)
