"""Login profiles: the passwords with which users sign in to the console, and the policy for them.

Deriving a key from a password is slow on purpose; it happens in threads, a few at a time, and never in a transaction.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tidegate.clock import Clock
from tidegate.services.operation import Principal
from tidegate.services.ram.faults import fault, out_of_range, too_weak
from tidegate.services.ram.model import check_name
from tidegate.services.ram.passwords import NOBODY, RANGES, PasswordPolicy, hash_password, is_password
from tidegate.services.ram.users import known_user
from tidegate.store.database import Database
from tidegate.store.ram import identities, logins
from tidegate.store.ram.logins import LoginProfile
from tidegate.store.ram.records import User

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_AT_ONCE = 2
_SALT = 16
#: MaxLoginAttemps counts within an hour.
_COUNTED: Final = timedelta(hours=1)
#: Former passwords that are kept: the most that a policy can ask for.
_FORMER = RANGES["PasswordReusePrevention"][1]


Outcome = Literal["ok", "reset", "expired", "wrong", "locked"]


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt to sign in ended. ``principal`` is there for ``ok`` and ``reset``: the password must be changed."""

    outcome: Outcome
    principal: Principal | None = None
    #: when the password was set; the login stands as long as that does not change
    changed: datetime | None = None


class Logins:
    """Makes, changes and checks passwords of users."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)

    # --- profiles, for the API ---

    async def create(
        self, account: str, name: str, password: str, *, reset: bool, mfa: bool
    ) -> tuple[User, LoginProfile]:
        """Give a user a password. Raises ``EntityAlreadyExists.User.LoginProfile`` and ``…TooWeak``."""
        check_name("UserName", name)
        await self._check(account, "Password", password)
        kept, now = await self._hash(password), self._clock.now()
        async with identities.change(self._database) as tx:
            user = await known_user(tx, account, name)
            if await logins.find(tx, user.user_id) is not None:
                raise fault("EntityAlreadyExists.User.LoginProfile")
            profile = LoginProfile(
                user_id=user.user_id,
                hash=kept,
                former=[],
                reset_required=reset,
                mfa_required=mfa,
                created=now,
                changed=now,
            )
            await logins.add(tx, profile)
        return user, profile

    async def get(self, account: str, name: str) -> tuple[User, LoginProfile]:
        """Return a user's profile. Raises ``EntityNotExist.User.LoginProfile``."""
        check_name("UserName", name)
        async with identities.snapshot(self._database) as connection:
            user = await known_user(connection, account, name)
            return user, await _known(connection, user)

    async def update(
        self, account: str, name: str, password: str | None, *, reset: bool | None, mfa: bool | None
    ) -> None:
        """Change what is given; a new password ends the sessions of the old one."""
        check_name("UserName", name)
        if password is not None:
            await self._check(account, "Password", password)
        _, profile = await self.get(account, name)
        kept = None if password is None else await self._hash_unused(account, profile, "Password", password)
        async with identities.change(self._database) as tx:
            profile = await _known(tx, await known_user(tx, account, name))
            profile = msgspec.structs.replace(
                profile if kept is None else self._with(profile, kept),
                reset_required=profile.reset_required if reset is None else reset,
                mfa_required=profile.mfa_required if mfa is None else mfa,
            )
            await logins.update(tx, profile)

    async def remove(self, account: str, name: str) -> None:
        """Take a user's password away, and its sessions with it."""
        check_name("UserName", name)
        async with identities.change(self._database) as tx:
            profile = await _known(tx, await known_user(tx, account, name))
            await logins.remove(tx, profile.user_id)

    async def change(self, caller: Principal, old: str, new: str) -> datetime:
        """Let a user change its own password; return when the new one was set.

        Raises ``NotSupport.Account``, ``InvalidParameter.OldPassword.Incorrect`` and those of a new password.
        """
        if caller.kind != "RAMUser":
            raise fault("NotSupport.Account")
        _, profile = await self.get(caller.account_id, caller.name)
        login = await self._try(caller.account_id, profile, old)
        if login in ("wrong", "locked"):
            raise fault("InvalidParameter.OldPassword.Incorrect")
        await self._check(caller.account_id, "NewPassword", new)
        kept = await self._hash_unused(caller.account_id, profile, "NewPassword", new)
        async with identities.change(self._database) as tx:
            current = await _known(tx, await known_user(tx, caller.account_id, caller.name))
            if current.hash != profile.hash:  # changed by somebody else meanwhile
                raise fault("InvalidParameter.OldPassword.Incorrect")
            changed = msgspec.structs.replace(self._with(current, kept), reset_required=False)
            await logins.update(tx, changed)
        return changed.changed

    async def policy(self, account: str) -> PasswordPolicy:
        """Return the account's policy."""
        async with self._database.connection() as connection:
            return msgspec.convert(await logins.policy(connection, account), PasswordPolicy)

    async def set_policy(self, account: str, policy: PasswordPolicy) -> None:
        """Change the account's policy as a whole. Raises ``InvalidParameter.<parameter>.Range``."""
        for (parameter, (least, most)), value in zip(
            RANGES.items(),
            (
                policy.minimum_password_length,
                policy.max_password_age,
                policy.password_reuse_prevention,
                policy.max_login_attemps,
            ),
            strict=True,
        ):
            if not least <= value <= most:
                raise out_of_range(parameter, least, most)
        async with identities.change(self._database) as tx:
            await logins.set_policy(tx, account, msgspec.structs.asdict(policy))

    # --- signing in, for the console ---

    async def sign_in(self, account: str, name: str, password: str) -> Login:
        """Check a user's password, counting failures: more than the policy's within an hour lock the user out."""
        async with self._database.connection() as connection:
            user = await identities.users.find(connection, account, name)
            profile = await logins.find(connection, user.user_id) if user is not None else None
        if user is None or profile is None:
            await self._is(password, NOBODY)
            return Login(outcome="wrong")
        outcome = await self._try(account, profile, password)
        if outcome not in ("ok", "reset"):
            return Login(outcome=outcome)
        principal = Principal(kind="RAMUser", account_id=account, id=user.user_id, name=user.user_name)
        return Login(outcome=outcome, principal=principal, changed=profile.changed)

    async def stands(self, principal: Principal, changed: datetime) -> bool:
        """Tell whether the user is still there, by this name and with the password that was set then."""
        async with self._database.connection() as connection:
            user = await identities.users.find(connection, principal.account_id, principal.name)
            profile = await logins.find(connection, principal.id)
        return user is not None and user.user_id == principal.id and profile is not None and profile.changed == changed

    async def last_login(self, user_id: str) -> datetime | None:
        """Return when a user last signed in with its password."""
        async with self._database.connection() as connection:
            profile = await logins.find(connection, user_id)
        return profile.last_login if profile is not None else None

    async def _try(self, account: str, profile: LoginProfile, password: str) -> Outcome:
        policy = await self.policy(account)
        right = await self._is(password, profile.hash)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            current = await logins.find(tx, profile.user_id, lock=True)
            if current is None or current.hash != profile.hash:
                return "wrong"
            counts = current.failing_since is not None and now < current.failing_since + _COUNTED
            failures = current.failures if counts else 0
            if 0 < policy.max_login_attemps <= failures:
                return "locked"
            if not right:
                since = current.failing_since if counts else now
                await logins.update(tx, msgspec.structs.replace(current, failures=failures + 1, failing_since=since))
                return "wrong"
            expired = policy.has_expired(current.changed, now)
            if expired and policy.hard_expiry:
                return "expired"
            await logins.update(tx, msgspec.structs.replace(current, failures=0, failing_since=None, last_login=now))
            return "reset" if expired or current.reset_required else "ok"

    # --- passwords ---

    async def _check(self, account: str, parameter: str, password: str) -> None:
        if not (await self.policy(account)).accepts(password):
            raise too_weak(parameter)

    async def _hash_unused(self, account: str, profile: LoginProfile, parameter: str, password: str) -> str:
        """Return what to keep of a password that the policy lets a user have again."""
        prevented = (await self.policy(account)).password_reuse_prevention
        for kept in [profile.hash, *profile.former][:prevented]:
            if await self._is(password, kept):
                raise fault(f"InvalidParameter.{parameter}.ReusePrevention")
        return await self._hash(password)

    def _with(self, profile: LoginProfile, kept: str) -> LoginProfile:
        former: Sequence[str] = [profile.hash, *profile.former][:_FORMER]
        return msgspec.structs.replace(
            profile, hash=kept, former=former, changed=self._clock.now(), failures=0, failing_since=None
        )

    async def _hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(hash_password, password, secrets.token_bytes(_SALT))

    async def _is(self, password: str, kept: str) -> bool:
        async with self._turns:
            return await asyncio.to_thread(is_password, password, kept)


async def _known(db: Connection, user: User) -> LoginProfile:
    profile = await logins.find(db, user.user_id)
    if profile is None:
        raise fault("EntityNotExist.User.LoginProfile")
    return profile
