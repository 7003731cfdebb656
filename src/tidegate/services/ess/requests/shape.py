"""What several requests have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.services.operation import Request

# Enumerations stay texts here: the words for a bad one belong to the operation, not to the decoder.


def given(request: Request, kind: type[Request]) -> dict[str, Any]:
    """Return the fields of ``kind`` that ``request`` was given, under their wire names, as plain values."""
    tree = msgspec.to_builtins(request)
    return {name: _without_gaps(tree[name]) for name in kind.__struct_encode_fields__ if tree[name] is not None}


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_gaps(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_gaps(item) for item in value]
    return value


class Tag(Request, kw_only=True):
    """A tag in a request."""

    key: str = ""
    value: str = ""
    propagate: bool = False


class OnGroup(Request, kw_only=True):
    """Names one group."""

    scaling_group_id: str
    region_id: str | None = None


class Page(Request, kw_only=True):
    """PageNumber and PageSize (ess.md 13.2)."""

    page_number: int = 1
    page_size: int = 10


class HookContext(Request, kw_only=True):
    """LifecycleHookContext: which hooks an activity runs (ess.md 3.12)."""

    disable_lifecycle_hook: bool = False
    ignored_lifecycle_hook_ids: tuple[str, ...] = ()
    lifecycle_hook_result: str | None = None
