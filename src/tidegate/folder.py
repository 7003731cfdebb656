"""What a cloud keeps in its data folder, and what other commands may read there."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

import msgspec

from tidegate.errors import ConfigurationError
from tidegate.vault import KEY_FILE, Vault

_LOCAL_KEY_OWNER = "local-key"


class LocalKey(msgspec.Struct, frozen=True, kw_only=True):
    """The account's own key, made at the first start."""

    access_key_id: str
    access_key_secret: str
    region: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a started cloud listens, and the process that does."""

    url: str
    pid: int


class DataFolder:
    """One cloud's folder: names and small files. Other users of the machine cannot look inside."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        #: namespaces, disks, Redis data: everything of the plane
        self.plane = self.path / "plane"
        #: the embedded database
        self.database = self.path / "database"
        #: templates of the vendor that were imported, with their index
        self.catalog = self.path / "catalog"
        #: the digest of a sign-in link that was not used yet
        self.console_link = self.path / "console-link.json"
        self._endpoint = self.path / "endpoint.json"
        self._local_key = self.path / "local-key.sealed"

    def create(self) -> None:
        """Make the folder, readable by its owner only; what is there stays."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.plane.mkdir(exist_ok=True, mode=0o700)

    def plane_identity(self) -> str:
        """Return the name of this folder's plane, made at the first call; any number of processes agree on it."""
        path = self.plane / "identity"
        draft = path.with_name(f"identity.{os.getpid()}")
        if not path.exists():
            draft.write_text(str(uuid.uuid4()))
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text()

    @property
    def is_a_cloud(self) -> bool:
        """Whether a cloud keeps its state here."""
        return (self.path / KEY_FILE).exists()

    def erase(self) -> None:
        """Delete what a cloud keeps here, and the folder itself when nothing else is in it."""
        for folder in (self.plane, self.database, self.catalog):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.console_link, self._endpoint, self._local_key, self.path / KEY_FILE):
            file.unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def write_local_key(self, key: LocalKey, vault: Vault) -> None:
        """Keep the root key, sealed."""
        replace(self._local_key, vault.seal(msgspec.json.encode(key).decode(), _LOCAL_KEY_OWNER))

    def read_local_key(self) -> LocalKey:
        """Return the root key. Raises ConfigurationError when no cloud was started here."""
        try:
            sealed = self._local_key.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"no cloud has been started in {self.path}: run `tidegate up` first") from error
        return msgspec.json.decode(Vault.in_folder(self.path).open(sealed, _LOCAL_KEY_OWNER), type=LocalKey)

    def write_endpoint(self, endpoint: Endpoint) -> None:
        """Say where the cloud listens."""
        replace(self._endpoint, msgspec.json.encode(endpoint))

    def read_endpoint(self) -> Endpoint | None:
        """Return where the cloud listens, or listened when it was killed; None when it was stopped."""
        try:
            return msgspec.json.decode(self._endpoint.read_bytes(), type=Endpoint)
        except (OSError, msgspec.MsgspecError):
            return None

    def forget_endpoint(self) -> None:
        """Say that the cloud no longer listens."""
        self._endpoint.unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)
