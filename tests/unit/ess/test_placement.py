"""Where new instances are made, of which type, and how they are paid for (ess.md 2.2)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.placement import LARGEST_BATCH, Mix, Offer, Present, Share, machines, shares

ZONES = ["vsw-h", "vsw-i", "vsw-j"]
G6, C6, R6, T6 = "ecs.g6.large", "ecs.c6.large", "ecs.r6.large", "ecs.t6-c1m1.large"


def place(capacity: int, policy: str, *types: str, present: Present | None = None, **mix: Any) -> list[Share]:
    offers = mix.pop("offers", None) or [Offer(instance_type=one) for one in types or [G6]]
    return shares(capacity, Mix(policy=policy, vswitch_ids=ZONES, offers=offers, **mix), present or Present())


def ways(share: Share) -> list[tuple[str, str, bool]]:
    return [(one.vswitch_id, one.offer.instance_type, one.spot) for one in share.choices]


def test_priority_takes_the_vswitches_in_their_order_and_each_type_in_each() -> None:
    [share] = place(3, "PRIORITY", G6, C6)

    assert share.capacity == 3
    assert ways(share) == [(zone, kind, False) for zone in ZONES for kind in (G6, C6)]


def test_balance_fills_the_emptiest_vswitch_first_and_falls_back_to_the_others() -> None:
    made = place(4, "BALANCE", present=Present(by_vswitch={"vsw-h": 3, "vsw-i": 1}, on_demand=4, total=4))

    assert {share.choices[0].vswitch_id: share.capacity for share in made} == {"vsw-i": 2, "vsw-j": 2}
    assert all({choice.vswitch_id for choice in share.choices} == set(ZONES) for share in made)


def test_balanced_only_takes_no_other_zone() -> None:
    made = place(3, "BALANCE", balanced_only=True)

    assert [[choice.vswitch_id for choice in share.choices] for share in made] == [[zone] for zone in ZONES]


def test_cost_optimized_takes_the_cheapest_type_anywhere() -> None:
    [share] = place(1, "COST_OPTIMIZED", R6, T6)

    assert [kind for _, kind, _ in ways(share)] == [T6] * 3 + [R6] * 3


def test_types_with_weights_are_compared_by_the_price_of_a_unit_where_the_group_asks_for_it() -> None:
    offers = [Offer(instance_type=C6), Offer(instance_type="ecs.c6.xlarge", weight=4)]

    [by_unit] = place(4, "COST_OPTIMIZED", offers=offers, price_per_unit=True)
    [by_cpu] = place(4, "COST_OPTIMIZED", offers=offers)

    assert by_unit.choices[0].offer.weight == 4
    assert by_cpu.choices[0].offer.weight == 1


def test_a_group_of_spot_instances_makes_ordinary_ones_where_it_may() -> None:
    [share] = place(1, "COST_OPTIMIZED", T6, spot=True)
    [alone] = place(1, "COST_OPTIMIZED", T6, spot=True, compensates=False)

    assert [spot for _, _, spot in ways(share)] == [True] * 3 + [False] * 3
    assert [spot for _, _, spot in ways(alone)] == [True] * 3


def test_composable_makes_the_base_on_demand_first_and_the_percentage_of_what_is_above() -> None:
    made = place(8, "COMPOSABLE", on_demand_base=2, on_demand_percentage=25, present=Present(on_demand=1, total=2))

    # Ten in the end: two as the base and a quarter of the other eight make four on demand, one of which is there.
    assert [(share.capacity, share.choices[0].spot) for share in made] == [(3, False), (5, True)]


def test_spot_instances_are_spread_over_the_cheapest_types() -> None:
    made = place(5, "COMPOSABLE", R6, G6, T6, on_demand_percentage=0, spot_pools=2, cheapest_spot_first=True)

    assert [(share.capacity, share.choices[0].offer.instance_type) for share in made] == [(3, T6), (2, G6)]


def test_an_instance_of_weight_three_makes_three_of_the_capacity() -> None:
    assert [machines(capacity, 3) for capacity in (1, 3, 4, 1000)] == [1, 1, 2, LARGEST_BATCH]


@given(
    st.integers(1, 1000),
    st.sampled_from(["PRIORITY", "BALANCE", "COST_OPTIMIZED", "COMPOSABLE"]),
    st.dictionaries(st.sampled_from(ZONES), st.integers(0, 500)),
    st.integers(0, 1000),
    st.one_of(st.none(), st.integers(0, 100)),
    st.integers(1, 4),
    st.booleans(),
)
def test_everything_is_placed_once_and_never_without_a_choice(
    capacity: int,
    policy: str,
    there: dict[str, int],
    base: int,
    percentage: int | None,
    pools: int,
    balance: bool,
) -> None:
    total = sum(there.values())
    made = place(
        capacity,
        policy,
        G6,
        C6,
        R6,
        present=Present(by_vswitch=there, on_demand=total // 2, total=total),
        on_demand_base=base,
        on_demand_percentage=percentage,
        spot_pools=pools,
        az_balance=balance,
    )

    assert sum(share.capacity for share in made) == capacity
    assert all(share.capacity > 0 and share.choices for share in made)
