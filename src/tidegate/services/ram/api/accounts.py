"""The account's alias, and denials explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.model import check_alias
from tidegate.services.ram.service import Ram


class NoParameters(Request):
    """Nothing to say."""


class SetAccountAliasRequest(Request):
    """The new alias."""

    account_alias: str


class AccountAliasAnswer(Answer):
    """The alias."""

    account_alias: str


class DecodeDiagnosticMessageRequest(Request):
    """The EncodedDiagnosticMessage of a denial."""

    encoded_diagnostic_message: str


class DecodedAnswer(Answer):
    """What was evaluated, and which policy decided."""

    decoded_diagnostic_message: Mapping[str, Any]


@ram.operation("GetAccountAlias", on=on("*"))
async def get_account_alias(service: Ram, call: Call, _request: NoParameters) -> AccountAliasAnswer:
    """Return the account's alias."""
    return AccountAliasAnswer(account_alias=await service.account.alias(call.account_id))


@ram.operation("SetAccountAlias", on=on("*"))
async def set_account_alias(service: Ram, call: Call, request: SetAccountAliasRequest) -> Done:
    """Give the account an alias."""
    check_alias(request.account_alias)
    await service.account.set_alias(call.account_id, request.account_alias)
    return Done()


@ram.operation("ClearAccountAlias", on=on("*"))
async def clear_account_alias(service: Ram, call: Call, _request: NoParameters) -> Done:
    """Take the account's alias away."""
    await service.account.set_alias(call.account_id, None)
    return Done()


@ram.operation("DecodeDiagnosticMessage", on=on("*"))
async def decode_diagnostic_message(
    service: Ram, _call: Call, request: DecodeDiagnosticMessageRequest
) -> DecodedAnswer:
    """Explain a denial to somebody who may ask."""
    return DecodedAnswer(decoded_diagnostic_message=service.read_diagnostic(request.encoded_diagnostic_message))
