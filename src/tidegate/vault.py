"""Keeps secrets sealed: what the database holds of an AccessKey is useless without the vault's key file."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tidegate.errors import ConfigurationError

KEY_FILE = "vault.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals and opens short texts with AES-256-GCM.

    Every text is sealed for an ``owner`` (the id of the key it belongs to), so a sealed secret copied into another
    row does not open there.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(f"a vault key has {_KEY_BYTES} bytes, this one has {len(key)}")
        self._cipher = AESGCM(key)

    @classmethod
    def in_folder(cls, folder: Path) -> Vault:
        """Open the vault of a data folder, making its key file at the first start.

        Any number of processes may do this at once; all end with the same key.
        """
        path = folder / KEY_FILE
        if not path.exists():
            _create_key(path)
        path.chmod(0o600)
        return cls(path.read_bytes())

    def seal(self, text: str, owner: str) -> bytes:
        """Return ``text`` sealed for ``owner``; two seals of one text differ."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str:
        """Return the text sealed for ``owner``. Raises ConfigurationError when this vault did not seal it."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(
                f"this {KEY_FILE} does not open the secrets of the database: "
                f"bring the {KEY_FILE} of the data folder that made them, or start with an empty database"
            ) from error
        return opened.decode()


def _create_key(path: Path) -> None:
    """Make the key file whole or not at all; when another process was faster, its key stays."""
    draft = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
