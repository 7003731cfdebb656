"""The signature of pushes: whoever gets one can tell, by our certificate, that it came from this cloud."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tidegate.store.database import Database
from tidegate.store.mns import topics as rows
from tidegate.vault import Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: for whom the private key is sealed
_OWNER = "mns-signing"
_BITS = 2048
_FROM, _UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2124, 1, 1, tzinfo=UTC)


class Signer:
    """One key pair for the cloud, made when it is first needed."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._certificate = ""
        self._key: RSAPrivateKey | None = None

    async def certificate(self) -> str:
        """Return the certificate, as PEM."""
        await self._load()
        return self._certificate

    async def sign(self, text: str) -> str:
        """Return the signature of a string to sign: SHA1 with RSA, in base64, as the cloud's receivers check it."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - first push
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415

        key = await self._load()
        return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA1())).decode()  # noqa: S303 - the protocol's own

    async def _load(self) -> RSAPrivateKey:
        if self._key is None:
            async with self._database.connection() as db:
                found = await rows.signing(db)
            if found is None:
                certificate, pem = await asyncio.to_thread(_make)
                async with self._database.connection() as db:
                    await rows.keep_signing(db, certificate, self._vault.seal(pem, _OWNER))
                    found = await rows.signing(db)  # another process may have been faster
            assert found is not None
            self._certificate = found[0]
            self._key = _read(self._vault.open(found[1], _OWNER))
        return self._key


def _make() -> tuple[str, str]:
    """Return a certificate and its private key, both as PEM."""
    from cryptography import x509  # noqa: PLC0415 - slow to import, and only needed once
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "notify")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def _read(pem: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key
