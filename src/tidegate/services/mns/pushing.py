"""One try to give a message to an HTTP endpoint: a signed POST (page HttpEndpoint)."""

from __future__ import annotations

import asyncio
import base64
import importlib
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from tidegate.services.mns import endpoints
from tidegate.services.mns.around import Around
from tidegate.services.mns.notification import Publication, content, content_type, milliseconds
from tidegate.services.mns.signing import Signer
from tidegate.store.mns.topics import Push
from tidegate.telemetry import get_logger
from tidegate.wire.addresses import is_allowed
from tidegate.wire.mns import VERSION, content_md5, string_to_sign

#: where the certificate can be read, under this cloud's address
CERTIFICATE_PATH = "/_tidegate/mns/certificate.pem"
#: no answer within that time is a failure
_SECONDS = 5.0
_AGENT = "Aliyun Notification Service Agent"
_log = get_logger("mns.push")


class Pusher:
    """Pushes messages to the endpoints that the settings allow, and to no others."""

    def __init__(self, around: Around, signer: Signer) -> None:
        self._around = around
        self._signer = signer
        self._client: Any = None

    async def push(self, push: Push) -> bool:
        """Try once; whether the endpoint has taken the message."""
        if not is_allowed(push.subscription.endpoint, self._around.push_endpoints):
            _log.warning("an endpoint is not allowed any more", extra={"endpoint": push.subscription.endpoint})
            return False
        address, resource = endpoints.target_of(push.subscription.endpoint)
        publication = Publication(
            message_id=push.message_id, body=push.body, tag=push.tag, published_at=push.published_at
        )
        body = content(publication, push.topic, push.subscription).encode()
        headers = self._headers(push, body)
        headers["authorization"] = await self._signer.sign(string_to_sign("POST", resource, headers))
        try:
            status = await self._post(address, body, headers)
        except Exception as error:  # whatever keeps an endpoint from answering, it is tried again
            _log.info("a push failed", extra={"endpoint": address, "reason": type(error).__name__})
            return False
        return 200 <= status < 300

    def _headers(self, push: Push, body: bytes) -> dict[str, str]:
        certificate = f"{self._around.door()}{CERTIFICATE_PATH}"
        headers = {
            "content-md5": content_md5(body),
            "content-type": content_type(push.subscription),
            "date": format_datetime(self._around.now().astimezone(UTC), usegmt=True),
            "user-agent": _AGENT,
            "x-mns-message-id": push.message_id,
            "x-mns-publish-time": str(milliseconds(push.published_at)),
            "x-mns-request-id": self._around.ids.uuid(),
            "x-mns-signing-cert-url": base64.b64encode(certificate.encode()).decode(),
            "x-mns-subscriber": push.topic.account_id,
            "x-mns-subscription-name": push.subscription.name,
            "x-mns-topic-name": push.topic.name,
            "x-mns-topic-owner": push.topic.account_id,
            "x-mns-version": VERSION,
        }
        if push.tag:
            headers["x-mns-message-tag"] = push.tag
        return headers

    async def _post(self, address: str, body: bytes, headers: dict[str, str]) -> int:
        if self._client is None:
            # A quarter of a second to import: not before it is needed, and not on the loop.
            httpx = await asyncio.to_thread(importlib.import_module, "httpx")
            self._client = httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False, trust_env=False)
        async with (
            asyncio.timeout(_SECONDS),
            self._client.stream("POST", address, content=body, headers=headers) as got,
        ):
            return int(got.status_code)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
