"""Both signature dialects against the measured vectors of wire.md 13."""

from __future__ import annotations

from hashlib import sha256

from tidegate.wire.query import parse
from tidegate.wire.signatures import (
    acs3_signature,
    acs3_string_to_sign,
    percent,
    rpc_signature,
    rpc_string_to_sign,
    same,
    sign_acs3,
    sign_rpc,
)

SECRET = "made-up-secret-0001"
RPC = {
    "Action": "DescribeSecurityIps",
    "Version": "2015-01-01",
    "Format": "JSON",
    "AccessKeyId": "TESTAKID0001",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
    "SignatureNonce": "0f0e0d0c0b0a",
    "Timestamp": "2024-01-02T03:04:05Z",
    "RegionId": "cn-hangzhou",
    "InstanceId": "r-tide0001",
    "Note": "a b*c~d/+潮",
}
ACS3_BODY = b"SecurityIps=10.0.0.1%2C10.0.0.2"
ACS3_DIGEST = "b2bc137bdc3766b499008c2e46d58e5f1c2d80a31b4cd309ebb1e3c672bb69be"
ACS3_QUERY = b"InstanceId=r-tide0001&RegionId=cn-hangzhou&Note=a%20b%2Ac~d%2F%2B%E6%BD%AE"
ACS3_HEADERS = {
    "content-type": "application/x-www-form-urlencoded",
    "host": "127.0.0.1:8080",
    "x-acs-action": "ModifySecurityIps",
    "x-acs-content-sha256": ACS3_DIGEST,
    "x-acs-date": "2024-01-02T03:04:05Z",
    "x-acs-signature-nonce": "0f0e0d0c0b0a",
    "x-acs-version": "2015-01-01",
}


def test_an_rpc_get_signs_the_measured_string() -> None:
    to_sign = rpc_string_to_sign("GET", RPC)

    assert to_sign == (
        "GET&%2F&AccessKeyId%3DTESTAKID0001%26Action%3DDescribeSecurityIps%26Format%3DJSON%26InstanceId%3Dr-tide0001"
        "%26Note%3Da%2520b%252Ac~d%252F%252B%25E6%25BD%25AE%26RegionId%3Dcn-hangzhou%26SignatureMethod%3DHMAC-SHA1"
        "%26SignatureNonce%3D0f0e0d0c0b0a%26SignatureVersion%3D1.0%26Timestamp%3D2024-01-02T03%253A04%253A05Z"
        "%26Version%3D2015-01-01"
    )
    assert rpc_signature(SECRET, to_sign) == "9I47FbX5zDZOU6qXLBCauUXggJw="


def test_an_rpc_post_signs_query_and_form_together() -> None:
    form = parse(b"InstanceId=r-tide0001&Note=a+b%2Ac~d%2F%2B%E6%BD%AE")
    query = {name: value for name, value in RPC.items() if name not in form}

    assert sign_rpc(SECRET, "POST", {**query, **form}) == "UIJTh5PjtyINmy4Er9K4C4hLRJQ="


def test_the_signature_itself_is_not_signed() -> None:
    assert rpc_string_to_sign("GET", {**RPC, "Signature": "x"}) == rpc_string_to_sign("GET", RPC)


def test_an_acs3_call_signs_the_measured_string() -> None:
    to_sign = acs3_string_to_sign(
        method="POST",
        path="/",
        query=parse(ACS3_QUERY),
        headers=ACS3_HEADERS,
        signed_headers=sorted(ACS3_HEADERS),
        body_digest=sha256(ACS3_BODY).hexdigest(),
    )

    assert to_sign == "ACS3-HMAC-SHA256\n99e1cba92745fe6e3169373fe8a6c84f14c4ceb1ecaf2e1731c44a115d48d9aa"
    assert acs3_signature(SECRET, to_sign) == "4e032ee239e4bcc6056752ea59b0d747dda25771c7d3680ab3a907911303d4ec"


def test_the_authorization_header_names_key_headers_and_signature() -> None:
    header = sign_acs3(
        "TESTAKID0001",
        SECRET,
        method="POST",
        query=parse(ACS3_QUERY),
        headers=ACS3_HEADERS,
        body_digest=ACS3_DIGEST,
    )

    assert header == (
        "ACS3-HMAC-SHA256 Credential=TESTAKID0001,SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;"
        "x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=4e032ee239e4bcc6056752ea59b0d747dda25771c7d3680ab3a907911303d4ec"
    )


def test_only_unreserved_characters_stay_unencoded() -> None:
    assert percent("aZ0-_.~") == "aZ0-_.~"
    assert percent(" *+/潮") == "%20%2A%2B%2F%E6%BD%AE"


def test_signatures_that_differ_in_one_letter_are_not_the_same() -> None:
    assert same("4e03", "4e03")
    assert not same("4e03", "4E03")
    assert not same("4e03", "4e03潮")
