"""What several requests have in common."""

from __future__ import annotations

from tidegate.services.operation import Request, given

__all__ = ["HookContext", "OnGroup", "Page", "Tag", "given"]

# Enumerations stay texts here: the words for a bad one belong to the operation, not to the decoder.


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
