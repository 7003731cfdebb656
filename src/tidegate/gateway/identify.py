"""Finds out in which dialect a call is made, what it asks for, and who claims to ask (wire.md 2)."""

from __future__ import annotations

from hashlib import sha256

from tidegate.gateway.exchange import Claim, Exchange
from tidegate.wire import faults
from tidegate.wire.signatures import (
    ACS3,
    ACS3_MUST_SIGN,
    acs3_signature,
    acs3_string_to_sign,
    rpc_signature,
    rpc_string_to_sign,
)

_EMPTY_DIGEST = sha256(b"").hexdigest()
#: Characters of a nonce and of a key id that are looked at: Node's nonces have 64 (wire.md 4).
MAX_NONCE = 128
MAX_KEY_ID = 128


async def identify(exchange: Exchange) -> None:
    """Fill in ``action``, ``version`` and ``claim``; raises CloudError when the call lacks what its dialect demands."""
    if exchange.method not in {"GET", "POST"}:
        raise faults.method_unsupported()
    authorization = exchange.headers.get("authorization", "")
    if authorization.startswith(ACS3):
        exchange.action = exchange.headers.get("x-acs-action", "")
        exchange.version = exchange.headers.get("x-acs-version", "")
        _demand_operation(exchange)
        exchange.claim = _acs3_claim(exchange, authorization)
    else:
        # The x-acs-action header of an RPC v1 call is not signed: never look at it (wire.md 3).
        exchange.action = exchange.parameters.get("Action", "")
        exchange.version = exchange.parameters.get("Version", "")
        _demand_operation(exchange)
        exchange.claim = _rpc_claim(exchange, authorization)
    _demand_bounds(exchange.claim)


def _demand_operation(exchange: Exchange) -> None:
    if not exchange.action:
        raise faults.missing_action()
    if not exchange.version:
        raise faults.missing("Version")


def _demand_bounds(claim: Claim) -> None:
    if len(claim.nonce) > MAX_NONCE or "\0" in claim.nonce:
        raise faults.nonce_invalid()
    if len(claim.access_key_id) > MAX_KEY_ID or "\0" in claim.access_key_id:
        raise faults.key_not_found()


def _rpc_claim(exchange: Exchange, authorization: str) -> Claim:
    parameters = exchange.parameters
    if authorization or _is_bearer(exchange) or parameters.get("SignatureMethod", "HMAC-SHA1") != "HMAC-SHA1":
        raise faults.signature_method()
    if parameters.get("SignatureVersion", "1.0") != "1.0":
        raise faults.signature_method()
    for name in ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp"):
        if not parameters.get(name):
            raise faults.missing(name)
    return Claim(
        dialect="RPC",
        access_key_id=parameters["AccessKeyId"],
        signature=parameters["Signature"],
        nonce=parameters["SignatureNonce"],
        timestamp=parameters["Timestamp"],
        security_token=parameters.get("SecurityToken", ""),
        string_to_sign=rpc_string_to_sign(exchange.method, parameters),
        sign=rpc_signature,
    )


def _is_bearer(exchange: Exchange) -> bool:
    return exchange.parameters.get("SignatureType", "") == "BEARERTOKEN" or "x-acs-bearer-token" in exchange.headers


def _acs3_claim(exchange: Exchange, authorization: str) -> Claim:
    headers = exchange.headers
    proof = _proof(authorization)
    for name, value in (
        ("AccessKeyId", proof.get("Credential")),
        ("Signature", proof.get("Signature")),
        ("SignatureNonce", headers.get("x-acs-signature-nonce")),
        ("Timestamp", headers.get("x-acs-date")),
    ):
        if not value:
            raise faults.missing(name)
    signed = proof.get("SignedHeaders", "").split(";")
    # The digest is taken of the body itself: a header that tells another one can never match.
    digest = sha256(exchange.body).hexdigest() if exchange.body else _EMPTY_DIGEST
    to_sign = acs3_string_to_sign(
        method=exchange.method,
        path=exchange.path,
        query=exchange.query,
        headers=headers,
        signed_headers=signed,
        body_digest=digest,
    )
    must_sign = ACS3_MUST_SIGN | {"x-acs-security-token"} if "x-acs-security-token" in headers else ACS3_MUST_SIGN
    if not must_sign.issubset(signed):
        raise faults.signature_incomplete(to_sign)
    if headers.get("x-acs-content-sha256", "") != digest:
        raise faults.signature_mismatch(to_sign)
    return Claim(
        dialect="ACS3",
        access_key_id=proof["Credential"],
        signature=proof["Signature"],
        nonce=headers["x-acs-signature-nonce"],
        timestamp=headers["x-acs-date"],
        security_token=headers.get("x-acs-security-token", ""),
        string_to_sign=to_sign,
        sign=acs3_signature,
    )


def _proof(authorization: str) -> dict[str, str]:
    """Read ``ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…``."""
    pairs = (part.strip().partition("=") for part in authorization[len(ACS3) :].split(","))
    return {name: value for name, _, value in pairs}
