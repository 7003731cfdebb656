"""Writes the answer, or the error, in the format that was asked for (wire.md 7 and 8)."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.errors import CloudError
from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.routes import Route
from tidegate.services.operation import unchanged_answer
from tidegate.wire import faults
from tidegate.wire.answers import error_tree, json_answer, xml_answer


async def choose_format(exchange: Exchange) -> None:
    """Set ``xml`` by Format, else by Accept. A wrong Format is answered like a missing one, see ``check_format``."""
    asked = exchange.parameters.get("Format", "").lower()
    if asked in {"json", "xml"}:
        exchange.xml = asked == "xml"
    else:
        # ASSUMPTION (wire.md 7): XML is the default of most products; ACS3 clients always want JSON.
        exchange.xml = "authorization" not in exchange.headers and "json" not in exchange.headers.get("accept", "")


async def check_format(exchange: Exchange) -> None:
    """Refuse a Format that does not exist. Old Python SDKs send the word None for "not given" (wire.md 7)."""
    if exchange.parameters.get("Format", "").lower() not in {"", "none", "json", "xml"}:
        raise faults.format_invalid()


def answer_tree(exchange: Exchange) -> dict[str, Any]:
    """Return the answer as the client's API version spells it, without its request id."""
    route: Route = known(exchange.route)
    # By way of JSON, because parts of an answer may be JSON already (an instance is encoded once, not at every look).
    tree = msgspec.json.decode(msgspec.json.encode(exchange.answer))
    left: dict[str, Any] = route.operation.product.leave(exchange.version, route.operation.name, tree)
    return left


async def encode(exchange: Exchange) -> None:
    """Set ``content``."""
    route: Route = known(exchange.route)
    if exchange.xml:
        exchange.content = xml_answer(f"{route.operation.name}Response", answer_tree(exchange), exchange.request_id)
    elif route.operation.product.leave is unchanged_answer:
        exchange.content = json_answer(exchange.answer, exchange.request_id)
    else:
        exchange.content = json_answer(answer_tree(exchange), exchange.request_id)


def encode_error(exchange: Exchange, error: CloudError) -> None:
    """Set ``status``, ``code`` and ``content``."""
    exchange.status = error.status
    exchange.code = error.code
    tree = error_tree(error, exchange.headers.get("host", ""), exchange.product)
    if exchange.xml:
        exchange.content = xml_answer("Error", tree, exchange.request_id)
    else:
        exchange.content = json_answer(tree, exchange.request_id)
