"""Where new instances are made, and of which type (ess.md 2.2 MultiAZPolicy). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidegate.services.ecs import catalog

#: What ECS makes in one call.
LARGEST_BATCH = 100


class Choice(msgspec.Struct, frozen=True):
    """One way to make an instance."""

    vswitch_id: str
    instance_type: str


class Batch(msgspec.Struct, frozen=True):
    """Instances that are made together: the first choice that has stock is taken."""

    amount: int
    choices: list[Choice]


def batches(
    amount: int,
    *,
    multi_az_policy: str,
    vswitch_ids: Sequence[str],
    instance_types: Sequence[str],
    present: Mapping[str, int],
) -> list[Batch]:
    """Return how ``amount`` instances are made; ``present`` says how many members each vSwitch has.

    PRIORITY takes the vSwitches in their order, BALANCE evens them out first, COST_OPTIMIZED takes the cheapest type
    anywhere. Each falls back to whatever else the group allows.
    """
    if multi_az_policy == "COST_OPTIMIZED":
        types = sorted(instance_types, key=_price_per_cpu)
        choices = [Choice(vswitch, kind) for kind in types for vswitch in vswitch_ids]
        return _split(amount, choices)
    if multi_az_policy == "BALANCE" and len(vswitch_ids) > 1:
        shares = _even_shares(amount, vswitch_ids, present)
        return [
            batch
            for vswitch, share in shares.items()
            for batch in _split(share, _choices([vswitch, *(v for v in vswitch_ids if v != vswitch)], instance_types))
        ]
    return _split(amount, _choices(vswitch_ids, instance_types))


def _choices(vswitch_ids: Sequence[str], instance_types: Sequence[str]) -> list[Choice]:
    return [Choice(vswitch, kind) for vswitch in vswitch_ids for kind in instance_types]


def _split(amount: int, choices: list[Choice]) -> list[Batch]:
    return [Batch(min(LARGEST_BATCH, amount - done), choices) for done in range(0, amount, LARGEST_BATCH)]


def _even_shares(amount: int, vswitch_ids: Sequence[str], present: Mapping[str, int]) -> dict[str, int]:
    shares = dict.fromkeys(vswitch_ids, 0)
    for _ in range(amount):
        emptiest = min(vswitch_ids, key=lambda vswitch: shares[vswitch] + present.get(vswitch, 0))
        shares[emptiest] += 1
    return shares


def _price_per_cpu(instance_type: str) -> float:
    known = catalog.INSTANCE_TYPES[instance_type]
    return known.price / known.cpu
