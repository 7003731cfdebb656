"""Who has this key, and what may they do: the part of RAM that every call of every product goes through."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import Clock, to_seconds
from tidegate.errors import ConfigurationError
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram.accounts import Account
from tidegate.services.ram.assuming import assumed, check_trust, names_of, role_missing
from tidegate.services.ram.attachments import Attachments
from tidegate.services.ram.credential import Credential, RootKey, TemporaryKey
from tidegate.services.ram.decision import Decision, Layer, decide_as, denial_detail, diagnosis
from tidegate.services.ram.faults import bad_format
from tidegate.services.ram.groups import Groups
from tidegate.services.ram.keyring import KeyRing
from tidegate.services.ram.keys import Keys
from tidegate.services.ram.logins import Logins
from tidegate.services.ram.memory import Memory, remember_documents
from tidegate.services.ram.model import ram_resource
from tidegate.services.ram.policies import Policies
from tidegate.services.ram.policy import GrammarError, NamedPolicy, Question, read_policy, read_trust_policy
from tidegate.services.ram.roles import Roles
from tidegate.services.ram.system_policies import SYSTEM_POLICIES
from tidegate.services.ram.users import Users
from tidegate.store.database import Database
from tidegate.store.ram import identities, policies
from tidegate.store.ram.records import Grant, Role
from tidegate.vault import Vault

_DIAGNOSTIC = "diagnostic"
#: What a request carries when its caller does not say otherwise (ram.md 5): in-process calls come from here.
_COMMON_KEYS = {"acs:SourceIp": "127.0.0.1", "acs:SecureTransport": "false", "acs:MFAPresent": "false"}


class Ram:
    """RAM of one cloud. Any number of processes may have one on the same database.

    What was read is remembered until a newer epoch is seen (``refresh``, ``credential`` with an epoch): then a change
    made by any process counts for the very next decision.
    """

    def __init__(self, database: Database, vault: Vault, clock: Clock, ids: Ids) -> None:
        self.account = Account(database, vault, clock, ids)
        self.users = Users(database, clock, ids)
        self.keys = Keys(database, vault, clock, ids)
        self.logins = Logins(database, clock)
        self.groups = Groups(database, clock, ids)
        self.roles = Roles(database, clock, ids)
        self.policies = Policies(database, clock)
        self.attachments = Attachments(database, clock)
        self._database = database
        self._vault = vault
        self._clock = clock
        self._ring = KeyRing(database, vault, clock, ids)
        self._memory = Memory(0)
        self._read_policy = remember_documents(read_policy)
        self._read_trust = remember_documents(read_trust_policy)

    # --- the account ---

    async def bootstrap(self) -> RootKey | None:
        """Make the account, its root key and the role of OOS, once; return the key to the process that made it.

        Processes that start at once wait for one another; all but the first get None.
        """
        return await self.account.open()

    async def account_id(self) -> str:
        """Return the id of the account. Raises ConfigurationError before ``bootstrap``."""
        return await self.account.id()

    async def root_key(self) -> RootKey | None:
        """Return the account's oldest active key, for whoever holds the vault; None when there is none left."""
        return await self.account.root_key()

    # --- who and what ---

    async def refresh(self, epoch: int | None = None) -> None:
        """Forget what is older than ``epoch``; without one it is read first, as calls without a request must."""
        if epoch is None:
            async with self._database.connection() as connection:
                epoch = await identities.epoch(connection)
        if epoch > self._memory.epoch:
            self._memory = Memory(epoch)

    async def credential(self, access_key_id: str, epoch: int | None = None) -> Credential | None:
        """Return the key, or None when nobody has it.

        With ``epoch``, the present count of RAM changes, the answer is no older than that; without it the answer may be
        as old as the last epoch seen.
        """
        if epoch is not None:
            await self.refresh(epoch)
        memory = self._memory
        known = memory.credentials.get(access_key_id)
        if known is None:
            known = await self._ring.load(access_key_id)
            if known is not None:
                memory.credentials.put(access_key_id, known)
        return known

    async def note_use(self, access_key_id: str) -> None:
        """Remember that a key has just signed a call, for GetAccessKeyLastUsed."""
        await self._ring.note_use(access_key_id)

    async def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Decision:
        """Decide about one action (``ecs:DescribeInstances``) on one resource, as of the last epoch seen (ram.md 7).

        ``context`` are condition keys that the call carries; the common ones need not be given.
        """
        return await self.decide_all(principal, action, [resource], context)

    async def decide_all(
        self, principal: Principal, action: str, resources: Sequence[str], context: Mapping[str, str] | None = None
    ) -> Decision:
        """Decide about one action on every one of ``resources``: the first denial, else the allowance of the last."""
        if principal.kind == "Account":
            return Decision(kind="Allow", principal=principal, action=action, resource=resources[-1])
        carried = self._carried(context)
        questions = await self._questions(principal, action, carried)
        decision: Decision | None = None
        for resource in resources:
            complete = _complete(action, resource, principal.account_id)
            for layer, question in questions:
                decision = decide_as(question.answer(complete), principal, action, resource, layer)
                if not decision.allowed:
                    return self._explain(decision, carried)
        assert decision is not None, "no resource"
        return decision

    async def _questions(
        self, principal: Principal, action: str, carried: Mapping[str, str]
    ) -> list[tuple[Layer, Question]]:
        """The layers that must each allow, in their order: the session's own policy, then those of the identity."""
        own = Question(await self._policies_of(principal.id), action, carried)
        if principal.session_policy is None:
            return [("AccountLevelIdentityBasedPolicy", own)]
        session = Question([NamedPolicy(self._read_policy(principal.session_policy))], action, carried)
        return [("SessionPolicy", session), ("AccountLevelIdentityBasedPolicy", own)]

    def is_policy(self, document: str) -> bool:
        """Tell whether a text is a permission policy."""
        try:
            self._read_policy(document)
        except GrammarError:
            return False
        return True

    async def may_pass_role(self, principal: Principal, role_name: str, service: str) -> Decision:
        """Decide whether a principal may hand a role to a service (``ram:PassRole``, ram.md 9)."""
        resource = ram_resource(principal.account_id, f"role/{role_name.lower()}")
        return await self.decide(principal, "ram:PassRole", resource, {"acs:Service": service})

    def read_diagnostic(self, encoded: str) -> dict[str, object]:
        """Open the EncodedDiagnosticMessage of a denial. Raises ``InvalidParameter.EncodedDiagnosticMessage.Format``."""
        try:
            text = self._vault.open(base64.b64decode(encoded, validate=True), _DIAGNOSTIC)
        except (ValueError, ConfigurationError) as error:
            raise bad_format("EncodedDiagnosticMessage") from error
        opened: dict[str, object] = json.loads(text)
        return opened

    # --- roles that act ---

    async def trusted_role(
        self, account: str, role: str, trustee: Principal | str, context: Mapping[str, str] | None = None
    ) -> Role:
        """Return a role whose trust lets ``trustee``, a user, a role or the name of a service, assume it.

        ``role`` is a name or an ARN. Raises 404 ``EntityNotExist.Role`` or 403 ``NoPermission``.
        """
        record = await self.roles.find(account, role.rpartition(":role/")[2])
        if record is None:
            raise role_missing()
        check_trust(record, names_of(trustee, account), self._carried(context), self._read_trust)
        return record

    async def assume_role_as_service(self, account_id: str, service: str, role: str, session: str) -> Principal:
        """Let a service (``oos.aliyuncs.com``) act under a role; only the role's trust counts (ram.md 8).

        Raises 404 ``EntityNotExist.Role`` or 403 ``NoPermission``.
        """
        return assumed(await self.trusted_role(account_id, role, service), session)

    async def ensure_service_linked_role(self, account_id: str, service: str) -> Principal:
        """Return the service acting under its own role, which is made at the first time (ram.md 9)."""
        role = await self.roles.linked(account_id, service)
        return Principal(kind="Service", account_id=account_id, id=role.role_id, name=role.role_name)

    async def open_session(self, role: Role, session: str, session_policy: str | None, seconds: int) -> TemporaryKey:
        """Make a temporary key of a role."""
        return await self._ring.open_session(role, session, session_policy, seconds)

    def _carried(self, context: Mapping[str, str] | None) -> dict[str, str]:
        return {**_COMMON_KEYS, "acs:CurrentTime": to_seconds(self._clock.now()), **(context or {})}

    async def _policies_of(self, entity_id: str) -> Sequence[NamedPolicy]:
        memory = self._memory
        known = memory.policies.get(entity_id)
        if known is None:
            async with self._database.connection() as connection:
                known = [self._compile(grant) for grant in await policies.grants(connection, entity_id)]
            memory.policies.put(entity_id, known)
        return known

    def _compile(self, grant: Grant) -> NamedPolicy:
        document = grant.document if grant.document is not None else SYSTEM_POLICIES[grant.policy_name].document
        return NamedPolicy(
            self._read_policy(document),
            name=grant.policy_name,
            type=grant.policy_type,
            version=f"v{grant.version or 1}",
            attached_to=grant.entity_type,
        )

    def _explain(self, decision: Decision, carried: Mapping[str, str]) -> Decision:
        sealed = self._vault.seal(json.dumps(diagnosis(decision, carried)), _DIAGNOSTIC)
        detail = denial_detail(decision, base64.b64encode(sealed).decode())
        return msgspec.structs.replace(decision, detail=detail)


def _complete(action: str, resource: str, account: str) -> str:
    """Give a call that names no resource its product's own: policies say ``*`` or ``acs:ess:*:*:*`` (ram.md 11)."""
    return f"acs:{action.partition(':')[0]}:*:{account}:*" if resource == "*" else resource
