"""Quotas and sizes. ASSUMPTION where the vendor's pages, which change them now and then, are not named."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

BALANCERS: Final = 60
LISTENERS: Final = 50
GROUPS: Final = 50
#: servers in one call (ecs.md 13), and in one group
SERVERS_PER_CALL: Final = 20
SERVERS: Final = 200
PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 100
#: Requests in flight through an HTTP listener may end although their server has been taken out (ASSUMPTION: how a
#: load balancer of layer 7 changes its servers). Connections of a TCP listener only with ConnectionDrain.
HTTP_GRACE: Final = timedelta(seconds=15)
#: how long a call waits for the call before it, before it is told that a configuration is pending
PATIENCE: Final = 3.0
