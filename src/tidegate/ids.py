"""The only source of new identifiers."""

from __future__ import annotations

import random
import secrets
import string
import uuid

_LETTERS = string.ascii_lowercase + string.digits

#: First three characters of a regional id (ess.md 1). Regions not listed: ASSUMPTION, any fixed three characters.
REGION_MARKS = {
    "cn-hangzhou": "bp1",
    "cn-beijing": "2ze",
    "cn-shanghai": "uf6",
    "cn-shenzhen": "wz9",
    "cn-qingdao": "m5e",
    "cn-hongkong": "j6c",
}
_OTHER_REGION_MARK = "0jl"


#: under which derived ids are made; any fixed UUID
_DERIVED = uuid.UUID("6f6d6e69-0000-4000-8000-746964656761")


def derived_uuid(*parts: str) -> str:
    """Return an upper-case UUID that is always the same for the same parts: the id of what is told again after a crash."""
    return str(uuid.uuid5(_DERIVED, "\0".join(parts))).upper()


class Ids:
    """Makes identifiers. Unpredictable by default; with a ``seed`` repeatable, for tests only."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = secrets.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - tests

    def resource(self, prefix: str, region: str, length: int = 20) -> str:
        """Return ``<prefix>-<region mark><random>`` with ``length`` characters after the dash: ``asg-bp18p2yfxow…``."""
        mark = REGION_MARKS.get(region, _OTHER_REGION_MARK)
        return f"{prefix}-{mark}{self.text(length - len(mark))}"

    def text(self, length: int, alphabet: str = _LETTERS) -> str:
        """Return ``length`` random characters of ``alphabet`` (lower-case letters and digits)."""
        return "".join(self._random.choices(alphabet, k=length))

    def number(self, digits: int) -> str:
        """Return a decimal number of exactly ``digits`` digits that does not start with 0 (account, user, role ids)."""
        return self.text(1, "123456789") + self.text(digits - 1, string.digits)

    def uuid(self) -> str:
        """Return an upper-case UUID: request ids and lifecycle action tokens."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4)).upper()
