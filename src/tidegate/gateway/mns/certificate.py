"""The certificate with which receivers of pushes check their signatures."""

from __future__ import annotations

from tidegate.gateway.read import Receive, Scope, Send
from tidegate.services.mns.signing import Signer


class Certificate:
    """Serves the certificate, as PEM."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        content = (await self._signer.certificate()).encode()
        headers = [(b"content-type", b"application/x-pem-file"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
