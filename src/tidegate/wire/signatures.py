"""Signs and checks calls: RPC v1 (HMAC-SHA1) and ACS3-HMAC-SHA256 (wire.md 3 and 4).

One canonical form serves both sides. It is built from decoded values, because clients encode the same value differently.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

ACS3: Final = "ACS3-HMAC-SHA256"
#: What an ACS3 signature must cover, or the call could be changed on its way (wire.md 4).
ACS3_MUST_SIGN: Final = frozenset(
    {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
)

#: Most names and values need no encoding, and telling so is much faster than encoding.
_is_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def percent(text: str) -> str:
    """Percent-encode as both dialects do: everything but letters, digits and ``- _ . ~``, in upper case."""
    return text if _is_plain(text) else quote(text, safe="")


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return ``name=value`` of all parameters, percent-encoded, sorted by name and joined with ``&``."""
    return "&".join([f"{percent(name)}={percent(value)}" for name, value in sorted(parameters.items())])


def rpc_string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return what an RPC v1 call signs: every parameter of query and form, except ``Signature`` itself."""
    signed = {name: value for name, value in parameters.items() if name != "Signature"}
    # Encoding the encoded text once more can only meet these three characters.
    twice = canonical_query(signed).replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"{method}&%2F&{twice}"


def rpc_signature(secret: str, string_to_sign: str) -> str:
    """Return the RPC v1 signature of a string to sign, in base64."""
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), string_to_sign.encode(), "sha1")).decode()


def acs3_string_to_sign(
    *,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    signed_headers: Sequence[str],
    body_digest: str,
) -> str:
    """Return what an ACS3 call signs: query, the named headers (in lower case in ``headers``) and the body's SHA-256."""
    lines = "".join([f"{name}:{headers.get(name, '').strip()}\n" for name in signed_headers])
    canonical = f"{method}\n{path}\n{canonical_query(query)}\n{lines}\n{';'.join(signed_headers)}\n{body_digest}"
    return f"{ACS3}\n{sha256(canonical.encode()).hexdigest()}"


def acs3_signature(secret: str, string_to_sign: str) -> str:
    """Return the ACS3 signature of a string to sign, in lower-case hexadecimal."""
    return hmac.digest(secret.encode(), string_to_sign.encode(), "sha256").hex()


def same(expected: str, given: str) -> bool:
    """Compare two signatures or tokens in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


def sign_rpc(secret: str, method: str, parameters: Mapping[str, str]) -> str:
    """Return the ``Signature`` parameter of an RPC v1 call."""
    return rpc_signature(secret, rpc_string_to_sign(method, parameters))


def sign_acs3(
    key_id: str,
    secret: str,
    *,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body_digest: str,
    path: str = "/",
) -> str:
    """Return the ``Authorization`` header of an ACS3 call that signs all of ``headers`` (names in lower case)."""
    names = sorted(headers)
    to_sign = acs3_string_to_sign(
        method=method, path=path, query=query, headers=headers, signed_headers=names, body_digest=body_digest
    )
    return f"{ACS3} Credential={key_id},SignedHeaders={';'.join(names)},Signature={acs3_signature(secret, to_sign)}"
