"""Named points of the chain at which a test can make the process die.

``reach("activity.create.acted")`` does nothing, unless ``TIDEGATE_CRASH_AT`` names the point: then the process kills
itself with SIGKILL, as a power cut would. ``name#3`` means the third time the point is reached. ``TIDEGATE_POINTS_LOG``
names a file to which every point reached is appended, so that a test can list them all first.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

_target = os.environ.get("TIDEGATE_CRASH_AT", "")
_log = os.environ.get("TIDEGATE_POINTS_LOG", "")
_armed = bool(_target or _log)
_seen: Counter[str] = Counter()


def reach(point: str) -> None:
    """Pass the point ``point``; die here when a test asked for it."""
    if not _armed:
        return
    _seen[point] += 1
    if _log:
        with Path(_log).open("a", encoding="utf-8") as log:
            log.write(point + "\n")
    name, _, count = _target.partition("#")
    if name == point and _seen[point] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
