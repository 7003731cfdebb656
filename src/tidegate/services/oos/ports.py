"""What runbooks need of RAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidegate.services.operation import Principal

#: the service that roles of runbooks trust (ram.md 9)
OOS_SERVICE = "oos.aliyuncs.com"
#: the service that starts runbooks for lifecycle hooks
SCALING_SERVICE = "ess.aliyuncs.com"


class Decision(Protocol):
    """Whether something is allowed, and the AccessDeniedDetail when not."""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        ...

    @property
    def detail(self) -> Mapping[str, str]:
        """Why not."""
        ...


class Roles(Protocol):
    """RAM, as ``services.ram.service.Ram`` offers it to other products."""

    async def assume_role_as_service(self, account_id: str, service: str, role: str, session: str) -> Principal:
        """Let a service act under a role; raises ``EntityNotExist.Role`` or ``NoPermission``."""
        ...

    async def ensure_service_linked_role(self, account_id: str, service: str) -> Principal:
        """Return a service acting under its own role."""
        ...

    async def may_pass_role(self, principal: Principal, role_name: str, service: str) -> Decision:
        """Decide whether a principal may hand a role to a service."""
        ...

    async def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Decision:
        """Decide about one action on one resource."""
        ...
