"""Where new instances are made, of which type, and how they are paid for (ess.md 2.2, MultiAZPolicy). Pure.

Everything is counted in capacity: an instance of weight 3 is three of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from tidegate.services.ecs import catalog

#: What ECS makes in one call.
LARGEST_BATCH = 100


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An instance type that a group may be made of, and what one instance of it counts for."""

    instance_type: str
    weight: int = 1
    #: what it may cost as a spot instance
    spot_price_limit: float | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to make an instance."""

    vswitch_id: str
    offer: Offer
    spot: bool = False


class Share(msgspec.Struct, frozen=True):
    """A part of the capacity: the first choice that has stock is taken."""

    capacity: int
    choices: list[Choice]


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """How a group chooses."""

    policy: str = "PRIORITY"
    vswitch_ids: Sequence[str]
    offers: Sequence[Offer]
    #: (type, vSwitch) in the order in which PRIORITY tries them, before all others
    priorities: Sequence[tuple[str, str]] = ()
    #: its configuration or template asks for spot instances
    spot: bool = False
    az_balance: bool = False
    #: rather none than in another zone (BalanceMode BalancedOnly)
    balanced_only: bool = False
    on_demand_base: int = 0
    #: None: as ``spot`` says
    on_demand_percentage: int | None = None
    #: make an ordinary instance where no spot instance can be had
    compensates: bool = True
    cheapest_first: bool = False
    cheapest_spot_first: bool = False
    #: types are compared by the price of a unit of capacity, else by that of a vCPU
    price_per_unit: bool = False
    #: spot instances are spread over so many types
    spot_pools: int = 1


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """The capacity that is there already."""

    by_vswitch: Mapping[str, int] = {}
    on_demand: int = 0
    total: int = 0


def shares(capacity: int, mix: Mix, present: Present) -> list[Share]:
    """Return how ``capacity`` is made.

    PRIORITY takes the vSwitches in their order, BALANCE (and COMPOSABLE with AzBalance) evens them out first,
    COST_OPTIMIZED takes the cheapest type anywhere. Each falls back to whatever else the group allows.
    """
    on_demand = _on_demand_part(capacity, mix, present)
    parts = [(on_demand, _ways(mix, spot=False))]
    spot = capacity - on_demand
    pools = max(1, min(mix.spot_pools, len(mix.offers)))
    for number in range(pools):
        size = spot // pools + (number < spot % pools)
        parts.append((size, _ways(mix, spot=True, first=number)))
    return [share for size, ways in parts if size for share in _spread(size, ways, mix, present)]


def machines(capacity: int, weight: int) -> int:
    """Return how many instances of a weight make up a capacity, at most what ECS makes in one call."""
    return min(LARGEST_BATCH, -(-capacity // weight))


def price_per_cpu(instance_type: str) -> float:
    """Return what a vCPU of a type costs; 0 for an unknown type."""
    known = catalog.INSTANCE_TYPES.get(instance_type)
    return known.price / known.cpu if known else 0.0


def _on_demand_part(capacity: int, mix: Mix, present: Present) -> int:
    """Return how much of the new capacity is paid by the hour: the base first, then the percentage of what is above."""
    percentage = mix.on_demand_percentage
    if percentage is None:
        percentage = 0 if mix.spot else 100
    above = max(0, present.total + capacity - mix.on_demand_base)
    wanted = min(mix.on_demand_base, present.total + capacity) + -(-above * percentage // 100)
    return max(0, min(capacity, wanted - present.on_demand))


def _ways(mix: Mix, *, spot: bool, first: int = 0) -> list[tuple[Offer, bool]]:
    """Return types in the order in which they are tried, each with whether as a spot instance."""
    cheapest = mix.policy == "COST_OPTIMIZED" or (mix.cheapest_spot_first if spot else mix.cheapest_first)
    price = partial(_price, per_unit=mix.price_per_unit)
    offers = sorted(mix.offers, key=price) if cheapest else list(mix.offers)
    ways = [(offer, spot) for offer in offers[first:] + offers[:first]]
    if spot and mix.compensates and mix.policy in {"COST_OPTIMIZED", "COMPOSABLE"}:
        ways += _ways(mix, spot=False)
    return ways


def _price(offer: Offer, *, per_unit: bool) -> float:
    known = catalog.INSTANCE_TYPES.get(offer.instance_type)
    return known.price / offer.weight if known and per_unit else price_per_cpu(offer.instance_type)


def _spread(capacity: int, ways: Sequence[tuple[Offer, bool]], mix: Mix, present: Present) -> list[Share]:
    balanced = mix.policy == "BALANCE" or (mix.policy == "COMPOSABLE" and mix.az_balance)
    if not balanced or len(mix.vswitch_ids) == 1:
        choices = _choices(mix.vswitch_ids, ways, types_first=mix.policy == "COST_OPTIMIZED")
        return [Share(capacity, _preferred(choices, mix))]
    return [
        Share(share, _choices([vswitch, *_others(mix, vswitch)], ways))
        for vswitch, share in _even_shares(capacity, mix.vswitch_ids, present.by_vswitch).items()
        if share
    ]


def _preferred(choices: list[Choice], mix: Mix) -> list[Choice]:
    """Return the choices with those first that have a priority of their own."""
    if mix.policy != "PRIORITY" or not mix.priorities:
        return choices
    rank = {pair: place for place, pair in enumerate(mix.priorities)}
    last = len(rank)
    return sorted(choices, key=lambda one: rank.get((one.offer.instance_type, one.vswitch_id), last))


def _others(mix: Mix, vswitch: str) -> list[str]:
    return [] if mix.balanced_only else [one for one in mix.vswitch_ids if one != vswitch]


def _choices(
    vswitch_ids: Sequence[str], ways: Sequence[tuple[Offer, bool]], *, types_first: bool = False
) -> list[Choice]:
    if types_first:
        return [Choice(vswitch_id=one, offer=offer, spot=spot) for offer, spot in ways for one in vswitch_ids]
    return [Choice(vswitch_id=one, offer=offer, spot=spot) for one in vswitch_ids for offer, spot in ways]


def _even_shares(capacity: int, vswitch_ids: Sequence[str], present: Mapping[str, int]) -> dict[str, int]:
    shares = dict.fromkeys(vswitch_ids, 0)
    for _ in range(capacity):
        emptiest = min(vswitch_ids, key=lambda vswitch: shares[vswitch] + present.get(vswitch, 0))
        shares[emptiest] += 1
    return shares
