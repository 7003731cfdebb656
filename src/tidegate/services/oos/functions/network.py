"""Functions on addresses."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_text
from tidegate.services.oos.values import ExpressionError


def is_inside(address: Any, block: Any) -> bool:
    """Whether an address lies in a CIDR block (oos.md 3.7, ASSUMPTION on the order)."""
    try:
        return ipaddress.ip_address(need_text(address)) in ipaddress.ip_network(need_text(block), strict=False)
    except ValueError as error:
        raise ExpressionError(str(error)) from None


FUNCTIONS: Final = (Function("Fn::IsIpInCIDR", is_inside, least=2, most=2),)
