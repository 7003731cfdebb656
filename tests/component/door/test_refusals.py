"""Every row of the gateway's error table (wire.md 8), and the order of checks (wire.md 15.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.door import KEY_ID, USER, Credential, Door, Knock, open_door
from tidegate.clock import to_seconds
from tidegate.services.operation import Principal

TOKEN = "a-long-opaque-session-token"
TEMPORARY = ("STS.Temporary0001", "made-up-secret-0003")
OTHER = ("STS.Temporary0002", "made-up-secret-0004")
SLEEPING = ("LTAISleepingKey0001", "made-up-secret-0005")
ROLE = Principal(kind="AssumedRoleUser", account_id="1234567890123456", id="3001", name="Keeper", session="s")


@pytest.fixture
def door() -> Door:
    made = open_door(
        Credential(access_key_id=SLEEPING[0], secret=SLEEPING[1], principal=USER, active=False),
    )
    for key, token in ((TEMPORARY, TOKEN), (OTHER, "another-long-session-token")):
        made.ram.credentials[key[0]] = Credential(
            access_key_id=key[0],
            secret=key[1],
            principal=ROLE,
            security_token=token,
            expires=made.clock.now() + timedelta(hours=1),
        )
    made.ram.allowed = {("tide:OpenGate", "acs:tide:cn-hangzhou:1234567890123456:gate/g")}
    return made


def off_by(door: Door, **amount: float) -> str:
    return to_seconds(door.clock.now() + timedelta(**amount))


def rows(door: Door) -> dict[str, tuple[Knock, int, str, str]]:
    """Return the table: name → request, status, code, message."""

    def rpc(**options: Any) -> Knock:
        return door.rpc("OpenGate", GateId="g", **options)

    def mandatory(name: str) -> str:
        return f"{name} is mandatory for this action."

    used = rpc()
    door.nonces.spent.add((KEY_ID, used.query.decode().split("SignatureNonce=")[1][:32]))
    parameter = 'The input parameter "Action" that is mandatory for processing this request is not supplied.'
    expired = "Specified time stamp or date value is expired."
    malformed_time = "Specified time stamp or date value is not well formatted."
    method = "Specified signature method is not valid."
    api = "Specified api is not found, please check your url and method."
    return {
        "no action": (rpc(drop=["Action"]), 400, "MissingParameter", parameter),
        "no action, acs3": (door.acs3("", drop=["x-acs-action"]), 400, "MissingParameter", parameter),
        "nothing at all": (Knock("GET", b"", []), 400, "MissingParameter", parameter),
        "no version": (rpc(drop=["Version"]), 400, "MissingVersion", mandatory("Version")),
        "unknown api": (door.rpc("CloseDam"), 404, "InvalidApi.NotFound", api),
        "unknown api of another version": (
            door.rpc("CloseDam", Version="1999-01-01"), 404, "InvalidApi.NotFound", api,
        ),
        "unknown version": (rpc(Version="1999-01-01"), 400, "NoSuchVersion", "The specified version does not exist."),
        "odd version": (rpc(Version="v1"), 400, "InvalidVersion", "Specified parameter Version is not valid."),
        "no key": (rpc(drop=["AccessKeyId"]), 400, "MissingAccessKeyId", mandatory("AccessKeyId")),
        "no signature": (rpc(drop=["Signature"]), 400, "MissingSignature", mandatory("Signature")),
        "no nonce": (rpc(drop=["SignatureNonce"]), 400, "MissingSignatureNonce", mandatory("SignatureNonce")),
        "no time": (rpc(drop=["Timestamp"]), 400, "MissingTimestamp", mandatory("Timestamp")),
        "no nonce, acs3": (
            door.acs3("OpenGate", drop=["x-acs-signature-nonce"]), 400, "MissingSignatureNonce",
            mandatory("SignatureNonce"),
        ),
        "no date, acs3": (door.acs3("OpenGate", drop=["x-acs-date"]), 400, "MissingTimestamp", mandatory("Timestamp")),
        "long nonce": (
            rpc(SignatureNonce="n" * 129), 400, "InvalidParameter",
            'The specified value of parameter "SignatureNonce" is not valid.',
        ),
        "unknown key": (
            rpc(key=("LTAIUnknown", "x")), 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.",
        ),
        "sleeping key": (rpc(key=SLEEPING), 400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."),
        "odd time": (rpc(Timestamp="yesterday"), 400, "InvalidTimeStamp.Format", malformed_time),
        "impossible time": (rpc(Timestamp="2024-13-01T00:00:00Z"), 400, "InvalidTimeStamp.Format", malformed_time),
        "too old": (rpc(Timestamp=off_by(door, minutes=-15, seconds=-1)), 400, "InvalidTimeStamp.Expired", expired),
        "too early": (rpc(Timestamp=off_by(door, minutes=15, seconds=1)), 400, "InvalidTimeStamp.Expired", expired),
        "other method": (rpc(SignatureMethod="HMAC-SHA256"), 400, "InvalidSignatureMethod", method),
        "other signature version": (rpc(SignatureVersion="2.0"), 400, "InvalidSignatureMethod", method),
        "bearer": (
            rpc(SignatureType="BEARERTOKEN", BearerToken="b", drop=["AccessKeyId", "Signature"]), 400,
            "InvalidSignatureMethod", method,
        ),
        "roa": (
            replace(rpc(), headers=[(b"authorization", b"acs LTAI:c2ln")]), 400, "InvalidSignatureMethod", method,
        ),
        "nonce used": (used, 400, "SignatureNonceUsed", "Specified signature nonce was used already."),
        "no token": (rpc(key=TEMPORARY), 400, "MissingSecurityToken", mandatory("SecurityToken")),
        "odd token": (
            rpc(key=TEMPORARY, SecurityToken="?"), 400, "InvalidSecurityToken.Malformed",
            "Specified SecurityToken is malformed.",
        ),
        "token of another key": (
            rpc(key=OTHER, SecurityToken=TOKEN), 400, "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        ),
        "token for a lasting key": (
            rpc(SecurityToken=TOKEN), 400, "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        ),
        "odd format": (
            rpc(Format="YAML"), 400, "InvalidParameter.Format", "Specified parameter format is not valid.",
        ),
        "other http method": (
            rpc(method="PUT"), 400, "UnsupportedHTTPMethod",
            "Specified signature is not matched with our calculation.",
        ),
        "missing business parameter": (
            door.rpc("OpenGate"), 400, "MissingParameter",
            'The input parameter "GateId" that is mandatory for processing this request is not supplied.',
        ),
        "bad business value": (
            rpc(Amount="much"), 400, "InvalidParameter", 'The specified value of parameter "Amount" is not valid.',
        ),
        "too large": (
            Knock("POST", b"", [(b"content-length", b"1048577")]), 413, "RequestEntityTooLarge",
            "The request is too large.",
        ),
        "too many parameters": (
            Knock("GET", b"&".join(b"A.%d=" % n for n in range(1001)), []), 400, "InvalidParameter",
            "The request has too many parameters.",
        ),
        "not utf-8": (
            Knock("GET", b"Action=%FF", []), 400, "InvalidParameter", "The specified parameters are not valid UTF-8.",
        ),
        "crash": (
            door.rpc("BreakDam"), 500, "InternalError",
            "The request processing has failed due to some unknown error.",
        ),
    }  # fmt: skip


ROWS = sorted(rows(open_door()))


@pytest.mark.parametrize("row", ROWS)
async def test_each_refusal_is_worded_as_on_the_cloud(door: Door, row: str) -> None:
    knock, status, code, message = rows(door)[row]
    knock.headers.append((b"accept", b"application/json"))

    reply = await knock.at(door.gateway)

    assert (reply.status, reply.code, reply.tree["Message"]) == (status, code, message)
    assert reply.tree["RequestId"] == reply.headers["x-acs-request-id"]
    assert door.service.opened == []


@pytest.mark.parametrize("dialect", ["rpc", "acs3"])
async def test_a_wrong_signature_is_answered_with_our_string_to_sign(door: Door, dialect: str) -> None:
    wrong = (KEY_ID, "another secret")
    knock = door.rpc("OpenGate", GateId="g", key=wrong) if dialect == "rpc" else door.acs3("OpenGate", key=wrong)

    reply = await knock.at(door.gateway)

    assert (reply.status, reply.code) == (400, "SignatureDoesNotMatch")
    text, to_sign = reply.tree["Message"].split(":", 1)
    assert text == "Specified signature is not matched with our calculation. server string to sign is"
    assert to_sign.startswith("POST&%2F&AccessKeyId%3D" if dialect == "rpc" else "ACS3-HMAC-SHA256\n")


@pytest.mark.parametrize("header", ["host", "x-acs-version", "x-acs-date", "x-acs-content-sha256"])
async def test_what_an_acs3_signature_must_cover(door: Door, header: str) -> None:
    knock = door.acs3("OpenGate", {"GateId": "g"}, drop=[header])
    sent = {"host": b"h", "x-acs-version": b"2024-01-01", "x-acs-date": to_seconds(door.clock.now()).encode()}
    knock.headers.append((header.encode(), sent.get(header, b"0" * 64)))

    reply = await knock.at(door.gateway)

    assert reply.code == "IncompleteSignature"
    assert ":" in reply.tree["Message"]


async def test_a_security_token_must_be_signed_too(door: Door) -> None:
    knock = door.acs3("OpenGate", {"GateId": "g"}, key=TEMPORARY)
    knock.headers.append((b"x-acs-security-token", TOKEN.encode()))

    assert (await knock.at(door.gateway)).code == "IncompleteSignature"


async def test_a_changed_body_does_not_match(door: Door) -> None:
    knock = door.acs3("OpenGate", form={"GateId": "g"})

    reply = await replace(knock, body=b"GateId=h").at(door.gateway)

    assert reply.code == "SignatureDoesNotMatch"


async def test_time_stamps_are_good_for_a_quarter_of_an_hour_either_way(door: Door) -> None:
    for minutes in (-15, 15):
        reply = await door.rpc("OpenGate", GateId="g", Timestamp=off_by(door, minutes=minutes)).at(door.gateway)
        assert reply.status == 200


async def test_a_temporary_key_with_its_token_is_let_in_until_it_ends(door: Door) -> None:
    first = await door.rpc("OpenGate", GateId="g", key=TEMPORARY, SecurityToken=TOKEN).at(door.gateway)
    second = await door.acs3("OpenGate", {"GateId": "g"}, key=TEMPORARY, x_acs_security_token=TOKEN).at(door.gateway)
    door.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    late = await door.rpc("OpenGate", GateId="g", key=TEMPORARY, SecurityToken=TOKEN).at(door.gateway)

    assert (first.status, second.status) == (200, 200)
    assert (late.status, late.code) == (400, "InvalidSecurityToken.Expired")


async def test_an_empty_token_is_no_token(door: Door) -> None:
    assert (await door.rpc("OpenGate", GateId="g", SecurityToken="").at(door.gateway)).status == 200


@pytest.mark.parametrize("dialect", ["rpc", "acs3"])
async def test_a_replayed_call_is_refused(door: Door, dialect: str) -> None:
    knock = door.rpc("OpenGate", GateId="g") if dialect == "rpc" else door.acs3("OpenGate", {"GateId": "g"})

    first, second = await knock.at(door.gateway), await knock.at(door.gateway)

    assert first.status == 200
    assert second.code == "SignatureNonceUsed"
    assert door.service.opened == ["g"]


async def test_a_nonce_belongs_to_one_key(door: Door) -> None:
    root = await door.rpc("OpenGate", GateId="g", SignatureNonce="same").at(door.gateway)
    role = await door.rpc("OpenGate", GateId="g", SignatureNonce="same", key=TEMPORARY, SecurityToken=TOKEN).at(
        door.gateway
    )

    assert (root.status, role.status) == (200, 200)


async def test_nothing_is_remembered_of_a_call_that_was_not_proven(door: Door) -> None:
    await door.rpc("OpenGate", GateId="g", key=(KEY_ID, "wrong")).at(door.gateway)

    assert door.nonces.spent == set()


async def test_checks_come_in_their_order(door: Door) -> None:
    """Each request is wrong in all later ways, too."""
    late, nobody, wrong = off_by(door, hours=1), ("LTAIUnknown", "x"), (KEY_ID, "x")
    used = {"SignatureNonce": "used"}
    await door.rpc("OpenGate", GateId="g", **used).at(door.gateway)
    await door.rpc("OpenGate", GateId="g", key=TEMPORARY, SecurityToken=TOKEN, **used).at(door.gateway)
    knocks = [
        door.rpc("None", key=nobody, Timestamp=late, drop=["SignatureNonce"]),
        door.rpc("None", key=nobody, Timestamp=late, **used),
        door.rpc("None", key=wrong, Timestamp=late, **used),
        door.rpc("None", key=wrong, **used),
        door.rpc("None", key=TEMPORARY, **used),
        door.rpc("None", key=TEMPORARY),
        door.rpc("None", key=TEMPORARY, SecurityToken=TOKEN),
        door.rpc("CloseGate", key=TEMPORARY, SecurityToken=TOKEN),
        door.rpc("CloseGate"),
    ]

    assert [(await knock.at(door.gateway)).code for knock in knocks] == [
        "MissingSignatureNonce",
        "InvalidAccessKeyId.NotFound",
        "InvalidTimeStamp.Expired",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "MissingSecurityToken",
        "InvalidApi.NotFound",
        "Forbidden.RAM",
        "MissingParameter",
    ]


async def test_a_key_that_was_put_to_sleep_elsewhere_is_refused_although_this_process_remembers_it(
    door: Door,
) -> None:
    fresh = door.ram.credential

    async def remembering(access_key_id: str, epoch: int | None = None) -> Credential | None:
        credential = await fresh(access_key_id)
        return credential if epoch is None or credential is None else replace_active(credential)

    def replace_active(credential: Credential) -> Credential:
        return Credential(
            access_key_id=credential.access_key_id,
            secret=credential.secret,
            principal=credential.principal,
            active=False,
        )

    door.ram.credential = remembering  # type: ignore[method-assign]

    assert (await door.rpc("OpenGate", GateId="g").at(door.gateway)).code == "InvalidAccessKeyId.Inactive"
