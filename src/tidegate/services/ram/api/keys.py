"""Operations on access keys. Without UserName they mean the caller's own (ram.md 3)."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on_user_or_caller, ram
from tidegate.services.ram.service import Ram
from tidegate.store.ram.records import AccessKey


class UserKeysRequest(Request):
    """Whose keys."""

    user_name: str | None = None


class KeyRequest(Request):
    """Which key of whom."""

    user_access_key_id: str
    user_name: str | None = None


class UpdateAccessKeyRequest(Request):
    """Which key of whom, and its new status: ``Active`` or ``Inactive``."""

    user_access_key_id: str
    status: str
    user_name: str | None = None


class KeyItem(Answer):
    """A key; its secret only when it has just been made."""

    access_key_id: str
    status: str
    create_date: str
    access_key_secret: str | msgspec.UnsetType = msgspec.UNSET


class CreateAccessKeyAnswer(Answer):
    """The new key."""

    access_key: KeyItem


class KeyList(Answer):
    """The wrapper that lists have on the wire."""

    access_key: list[KeyItem]


class ListAccessKeysAnswer(Answer):
    """All keys of a user."""

    access_keys: KeyList


class LastUsed(Answer):
    """When a key last signed a call; blank when it never did."""

    last_used_date: str


class LastUsedAnswer(Answer):
    """The last use of a key."""

    access_key_last_used: LastUsed


def _item(key: AccessKey, secret: str | msgspec.UnsetType = msgspec.UNSET) -> KeyItem:
    return KeyItem(
        access_key_id=key.access_key_id,
        status=key.status,
        create_date=to_seconds(key.created),
        access_key_secret=secret,
    )


@ram.operation("CreateAccessKey", on=on_user_or_caller)
async def create_access_key(service: Ram, call: Call, request: UserKeysRequest) -> CreateAccessKeyAnswer:
    """Make a key and show its secret for the only time."""
    key, secret = await service.keys.create(call.principal, request.user_name)
    return CreateAccessKeyAnswer(access_key=_item(key, secret))


@ram.operation("ListAccessKeys", on=on_user_or_caller)
async def list_access_keys(service: Ram, call: Call, request: UserKeysRequest) -> ListAccessKeysAnswer:
    """List keys, without secrets."""
    keys = await service.keys.of(call.principal, request.user_name)
    return ListAccessKeysAnswer(access_keys=KeyList(access_key=[_item(key) for key in keys]))


@ram.operation("UpdateAccessKey", on=on_user_or_caller)
async def update_access_key(service: Ram, call: Call, request: UpdateAccessKeyRequest) -> Done:
    """Switch a key on or off."""
    await service.keys.set_status(call.principal, request.user_name, request.user_access_key_id, request.status)
    return Done()


@ram.operation("DeleteAccessKey", on=on_user_or_caller)
async def delete_access_key(service: Ram, call: Call, request: KeyRequest) -> Done:
    """Remove a key."""
    await service.keys.remove(call.principal, request.user_name, request.user_access_key_id)
    return Done()


@ram.operation("GetAccessKeyLastUsed", on=on_user_or_caller)
async def get_access_key_last_used(service: Ram, call: Call, request: KeyRequest) -> LastUsedAnswer:
    """Tell when a key last signed a call."""
    used = await service.keys.last_used(call.principal, request.user_name, request.user_access_key_id)
    return LastUsedAnswer(access_key_last_used=LastUsed(last_used_date="" if used is None else to_seconds(used)))
