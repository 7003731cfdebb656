"""Quotas and sizes of R-kvstore, each with the source that states it."""

from __future__ import annotations

from typing import Final

from tidegate.services.whitelist.rules import MODES, Mode, Rules

#: kvstore.md 6 and 8: of two documented numbers of groups the older one (ASSUMPTION); AppendDup as runbooks use it
WHITELIST: Final = Rules(
    group_entries=1000, entries=1000, groups=50, modes={**MODES, Mode.APPEND_DUP.lower(): Mode.APPEND_DUP}
)
#: InstanceIds of one DescribeInstances call (kvstore.md 3)
INSTANCE_IDS = 30
#: tags of a resource, and keys of one tag filter (kvstore.md 3; the family's number for the former)
TAGS = 20
TAG_FILTERS = 5
#: resources of one TagResources call
TAGGED = 50
#: characters of a tag's key and of its value
TAG_TEXT = 128
#: DescribeInstances (kvstore.md 3)
PAGE_SIZE = 30
MAX_PAGE_SIZE = 50
#: ListTagResources (wire.md 11, token style)
TAG_PAGE_SIZE = 50
#: ASSUMPTION: instances of one account in one region
INSTANCES = 200
#: whitelist changes remembered for the history of one instance
HISTORY = 1000
#: seconds a change waits for its turn before it answers LockTimeout; clients give up after 3 s (wire.md 10)
LOCK_WAIT = 2.5
