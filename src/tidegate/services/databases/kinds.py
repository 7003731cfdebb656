"""What sets the four products apart: names, numbers and words (ecs.md 14 and 16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from tidegate.errors import CloudError
from tidegate.services.whitelist.rules import FAMILY, MODES, Mode, Refusal, Rules, Wording
from tidegate.store.databases import ProductCode

#: databases of one product, account and region (ASSUMPTION)
DATABASES: Final = 200
PAGE_SIZE: Final = 30
MAX_PAGE_SIZE: Final = 100

_CLUSTER_ATTRIBUTE: Final = {
    Refusal.ATTRIBUTE: Wording("InvalidParameter", 'The specified parameter "DBClusterIPArrayAttribute" is not valid.')
}
_TOO_MANY: Final = {
    Refusal.TOO_MANY_ENTRIES: Wording("InvalidSecurityIPListLength.Malformed", "The quota of security ip exceeds.")
}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One product. Ids begin with ``prefix``; ``rules`` are those of its whitelists."""

    code: ProductCode
    prefix: str
    rules: Rules
    #: refuses an id that is unknown, of another account or of another product
    unknown: Callable[[], CloudError]


def unknown_cluster() -> CloudError:
    """No such cluster. ASSUMPTION: status and words of the family (kvstore.md 4)."""
    return CloudError("InvalidDBClusterId.NotFound", "The DBClusterId provided does not exist in our records.", 404)


def unknown_instance() -> CloudError:
    """No such instance (ecs.md 14)."""
    return CloudError("InvalidDBInstanceId.NotFound", "The DBInstanceId provided does not exist in our records.", 404)


def unknown_region() -> CloudError:
    """No such region."""
    return CloudError("InvalidRegion.NotFound", "The RegionId or ZoneId provided does not exist in our records.", 404)


def invalid_parameter(name: str) -> CloudError:
    """A parameter's value cannot be read; the wording of the family (kvstore.md 10)."""
    return CloudError("InvalidParameter", f'The specified parameter "{name}" is not valid.')


def too_many_databases() -> CloudError:
    """The account has as many as it may. ASSUMPTION: the code and words of R-kvstore."""
    return CloudError("QuotaExceed", "The quota of instances exceeds.")


POLARDB: Final = Kind(
    code="polardb", prefix="pc", rules=Rules(words={**FAMILY, **_CLUSTER_ATTRIBUTE}), unknown=unknown_cluster
)

ADB: Final = Kind(
    code="adb",
    prefix="am",
    rules=Rules(group_entries=500, entries=500, groups=50, words={**FAMILY, **_CLUSTER_ATTRIBUTE}),
    unknown=unknown_cluster,
)

DDS: Final = Kind(
    code="dds",
    prefix="dds",
    rules=Rules(
        # Its own page has Extend for what the Redis runbook calls AppendDup (oos.md 11.4).
        modes={**MODES, "extend": Mode.APPEND_DUP},
        words={
            **FAMILY,
            **_TOO_MANY,
            Refusal.LIST_FORMAT: Wording(
                "InvalidSecurityIps.MalFormed", 'The specified parameter "SecurityIps" is not valid.'
            ),
        },
    ),
    unknown=unknown_instance,
)

RDS: Final = Kind(
    code="rds",
    prefix="rm",
    rules=Rules(
        groups=200,
        words={
            **FAMILY,
            **_TOO_MANY,
            Refusal.LIST_FORMAT: Wording("SecurityIPList.Format", "Specified SecurityIPList is not valid."),
            Refusal.ATTRIBUTE: Wording("InvalidIPArrayAttribute.Format", "Specified IP array attribute is not valid."),
        },
        # ASSUMPTION (ecs.md 14): it goes with the first real address, with Append as well as Cover.
        placeholder="127.0.0.1",
    ),
    unknown=unknown_instance,
)
