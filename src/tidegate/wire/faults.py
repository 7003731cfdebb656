"""The gateway's own errors, one function each, worded as the public gateway words them (wire.md 8)."""

from __future__ import annotations

from tidegate.errors import CloudError

#: Where an error sends its reader: production answers with a search page that names the code (wire.md 8).
_RECOMMEND = "https://api.alibabacloud.com/troubleshoot?q={code}&product={product}"


def recommend(code: str, product: str) -> str:
    """Return the help address that goes with ``code``."""
    return _RECOMMEND.format(code=code, product=product)


def missing_action() -> CloudError:
    """No operation was named."""
    return CloudError(
        "MissingParameter",
        'The input parameter "Action" that is mandatory for processing this request is not supplied.',
    )


def missing(name: str) -> CloudError:
    """A system parameter is missing: ``MissingVersion``, ``MissingAccessKeyId``, ``MissingSignatureNonce`` and so on."""
    return CloudError(f"Missing{name}", f"{name} is mandatory for this action.")


def api_not_found() -> CloudError:
    """No product has this operation in this version."""
    return CloudError("InvalidApi.NotFound", "Specified api is not found, please check your url and method.", 404)


def no_such_version() -> CloudError:
    """The operation exists, but no product has this version."""
    return CloudError("NoSuchVersion", "The specified version does not exist.")


def invalid_version() -> CloudError:
    """The version does not read like a date. ASSUMPTION: which of the two wordings of wire.md 8 is used when."""
    return CloudError("InvalidVersion", "Specified parameter Version is not valid.")


def key_not_found() -> CloudError:
    """Nobody has this access key."""
    return CloudError("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)


def key_inactive() -> CloudError:
    """The access key was disabled."""
    return CloudError("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")


def timestamp_format() -> CloudError:
    """The time stamp cannot be read."""
    return CloudError("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")


def timestamp_expired() -> CloudError:
    """The time stamp is too old, or too far ahead."""
    return CloudError("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")


def signature_method() -> CloudError:
    """The algorithm or its version is not supported. ASSUMPTION: bearer tokens are refused with this, too."""
    return CloudError("InvalidSignatureMethod", "Specified signature method is not valid.")


def signature_mismatch(string_to_sign: str) -> CloudError:
    """The signature is wrong. Old SDKs split the message at its colon and compare what follows (wire.md 8)."""
    return CloudError(
        "SignatureDoesNotMatch",
        f"Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}",
    )


def signature_incomplete(string_to_sign: str) -> CloudError:
    """The signature does not cover what it must cover. ASSUMPTION: wire.md 4 names no code for this."""
    return CloudError(
        "IncompleteSignature",
        f"The request signature does not conform to Aliyun standards. server string to sign is:{string_to_sign}",
    )


def nonce_used() -> CloudError:
    """The same call arrived before."""
    return CloudError("SignatureNonceUsed", "Specified signature nonce was used already.")


def nonce_invalid() -> CloudError:
    """The nonce is too long to be remembered. ASSUMPTION: real nonces have at most 64 characters (wire.md 4)."""
    return CloudError("InvalidParameter", 'The specified value of parameter "SignatureNonce" is not valid.')


def token_malformed() -> CloudError:
    """The security token does not look like one."""
    return CloudError("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")


def token_mismatch() -> CloudError:
    """The security token belongs to another access key."""
    return CloudError(
        "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."
    )


def token_expired() -> CloudError:
    """The temporary key is over."""
    return CloudError("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def format_invalid() -> CloudError:
    """The answer was asked for in a format that does not exist."""
    return CloudError("InvalidParameter.Format", "Specified parameter format is not valid.")


def method_unsupported() -> CloudError:
    """Only GET and POST are served. The message is the public gateway's own (sic)."""
    return CloudError("UnsupportedHTTPMethod", "Specified signature is not matched with our calculation.")


def parameters_malformed() -> CloudError:
    """Query or form cannot be read as UTF-8. ASSUMPTION: wire.md names no code for this."""
    return CloudError("InvalidParameter", "The specified parameters are not valid UTF-8.")


def too_many_parameters() -> CloudError:
    """More parameters than a request may have. ASSUMPTION: wire.md names no code for this."""
    return CloudError("InvalidParameter", "The request has too many parameters.")


def too_large() -> CloudError:
    """The request is larger than is accepted. ASSUMPTION: wire.md names no code for this."""
    return CloudError("RequestEntityTooLarge", "The request is too large.", 413)


def path_not_found() -> CloudError:
    """Nothing is served at this path."""
    return CloudError("InvalidApi.NotFound", "Nothing is served at this path, please check your url.", 404)


def crash() -> CloudError:
    """An error of ours."""
    return CloudError("InternalError", "The request processing has failed due to some unknown error.", 500)


def unavailable() -> CloudError:
    """Overloaded, or the database is away; the caller may try again."""
    return CloudError("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)
