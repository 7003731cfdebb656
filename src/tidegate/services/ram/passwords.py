"""Passwords: what a policy asks of them, and how they are kept. Pure but for the salt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from datetime import datetime, timedelta
from typing import Final

import msgspec

#: Parameter of SetPasswordPolicy → its least and greatest value (the API's reference pages).
RANGES: Final = {
    "MinimumPasswordLength": (8, 32),
    "MaxPasswordAge": (0, 1095),
    "PasswordReusePrevention": (0, 24),
    "MaxLoginAttemps": (0, 32),
}
_LONGEST = 32
_SYMBOLS = frozenset(string.punctuation)
#: 16 MiB and some 40 ms a password: the usual choice for signing in interactively (RFC 7914).
_COST, _BLOCK, _LANES, _LENGTH, _SALT = 1 << 14, 8, 1, 32, 16


class PasswordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What passwords must be like. Days, attempts an hour and former passwords count from 1; 0 switches them off."""

    minimum_password_length: int = 8
    require_lowercase_characters: bool = False
    require_uppercase_characters: bool = False
    require_numbers: bool = False
    require_symbols: bool = False
    hard_expiry: bool = False
    max_password_age: int = 0
    password_reuse_prevention: int = 0
    max_login_attemps: int = 5  # ASSUMPTION: what the console proposes; the API's spelling

    def accepts(self, password: str) -> bool:
        """Tell whether a password is strong enough."""
        kinds = (
            (self.require_lowercase_characters, string.ascii_lowercase),
            (self.require_uppercase_characters, string.ascii_uppercase),
            (self.require_numbers, string.digits),
            (self.require_symbols, _SYMBOLS),
        )
        return (
            self.minimum_password_length <= len(password) <= _LONGEST
            and all(" " <= each <= "~" for each in password)
            and all(any(each in kind for each in password) for required, kind in kinds if required)
        )

    def has_expired(self, changed: datetime, now: datetime) -> bool:
        """Tell whether a password of that age is too old."""
        return self.max_password_age > 0 and now >= changed + timedelta(days=self.max_password_age)


def hash_password(password: str, salt: bytes) -> str:
    """Return what is kept of a password."""
    derived = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_LENGTH
    )
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def is_password(password: str, kept: str) -> bool:
    """Tell whether this is the password of which ``kept`` is kept."""
    salt = base64.b64decode(kept.split("$")[1])
    return hmac.compare_digest(hash_password(password, salt), kept)


#: Compared with when there is no such user, so that nobody learns it from the time an answer takes.
NOBODY: Final = f"scrypt${base64.b64encode(bytes(_SALT)).decode()}${base64.b64encode(bytes(_LENGTH)).decode()}"
