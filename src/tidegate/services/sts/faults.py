"""The errors of STS, word for word (ram.md 4 and 8)."""

from __future__ import annotations

from tidegate.errors import CloudError


def role_arn_wrong() -> CloudError:
    """Complain about RoleArn."""
    return CloudError("InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")


def session_name_wrong() -> CloudError:
    """Complain about RoleSessionName."""
    return CloudError("InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")


def duration_wrong(least: int, most: int) -> CloudError:
    """Complain about DurationSeconds; the limits are seconds."""
    return CloudError(
        "InvalidParameter.DurationSeconds",
        f"The Min/Max value of DurationSeconds is {_in_words(least)}/{_in_words(most)}.",
    )


def policy_wrong() -> CloudError:
    """Complain about the grammar of Policy."""
    return CloudError("InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")


def policy_too_long(longest: int) -> CloudError:
    """Complain about the length of Policy."""
    return CloudError("InvalidParameter.PolicySize", f"The size of Policy must be smaller than {longest} bytes.")


def external_id_wrong() -> CloudError:
    """Complain about ExternalId (words by the pattern of the others)."""
    return CloudError("InvalidParameter.ExternalId", "The parameter ExternalId is wrongly formed.")


def source_identity_wrong() -> CloudError:
    """Complain about SourceIdentity (words by the pattern of the others)."""
    return CloudError("InvalidParameter.SourceIdentity", "The parameter SourceIdentity is wrongly formed.")


def root_refused() -> CloudError:
    """Refuse the account's own keys (ASSUMPTION on the words, ram.md 4)."""
    return CloudError("NoPermission", "Roles may not be assumed by root accounts.", 403)


def too_many() -> CloudError:
    """Refuse a call beyond the rate of an account."""
    return CloudError("Throttling.User", "Request was denied due to user flow control.")


def _in_words(seconds: int) -> str:
    return f"{seconds // 3600}hr" if seconds % 3600 == 0 else f"{seconds // 60}min"
