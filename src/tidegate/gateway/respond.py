"""What happens to every call in the end: it is answered, and one line is written about it."""

from __future__ import annotations

import time

from tidegate.errors import CloudError
from tidegate.gateway.encode import encode_error
from tidegate.gateway.exchange import Exchange
from tidegate.gateway.read import Send
from tidegate.store.database import UNREACHABLE
from tidegate.telemetry import get_logger
from tidegate.wire import faults
from tidegate.wire.answers import JSON_TYPE, XML_TYPE

#: What may be over when the call is tried again.
_PASSING: tuple[type[Exception], ...] = (*UNREACHABLE, OSError, TimeoutError)
_log = get_logger("gateway")


def fail(exchange: Exchange, error: Exception) -> CloudError:
    """Turn whatever went wrong into the answer. What is not a CloudError is logged with its trace and never shown."""
    if isinstance(error, CloudError):
        fault = error
    else:
        fault = faults.unavailable() if isinstance(error, _PASSING) else faults.crash()
    encode_error(exchange, fault)
    if fault is not error:
        _log.error("call failed", exc_info=error, extra=describe(exchange))
    return fault


def describe(exchange: Exchange) -> dict[str, object]:
    """Return what may be logged about a call: never its parameters, they may be secret."""
    return {
        "request_id": exchange.request_id,
        "product": exchange.product,
        "action": exchange.action[:64],
        "version": exchange.version[:16],
        "principal": exchange.principal.arn if exchange.principal else "",
        "status": exchange.status,
        "code": exchange.code,
        "milliseconds": round((time.perf_counter() - exchange.started) * 1000, 2),
    }


def record(exchange: Exchange) -> None:
    """Write the one log line of a call."""
    _log.info("call", extra=describe(exchange))


async def respond(exchange: Exchange, send: Send) -> None:
    """Send status, headers and content."""
    content = exchange.content
    await send(
        {
            "type": "http.response.start",
            "status": exchange.status,
            "headers": [
                (b"content-type", XML_TYPE if exchange.xml else JSON_TYPE),
                (b"content-length", b"%d" % len(content)),
                (b"x-acs-request-id", exchange.request_id.encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": content})
