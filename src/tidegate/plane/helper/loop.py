"""The helper's one thread: descriptors, timers and the ends of child processes, one after the other."""

from __future__ import annotations

import contextlib
import errno
import heapq
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

#: so many timers are worth looking through for cancelled ones
_CROWD = 1_024

READ, WRITE, HANGUP = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR


class Timer:
    """Something to be done at a moment of the monotonic clock, unless it is cancelled before."""

    def __init__(self, when: float, action: Callable[[], None]) -> None:
        self.when = when
        self.action: Callable[[], None] | None = action

    def __lt__(self, other: Timer) -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        """Forget it."""
        self.action = None


class Loop:
    """Waits for events and calls whoever asked for them. A handler that fails is logged and the loop goes on."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: list[Timer] = []
        self._crowd = _CROWD
        self._running = True
        #: called when child processes may have ended
        self.on_child: Callable[[], None] = lambda: None
        self._wake_up()

    def _wake_up(self) -> None:
        """Let SIGCHLD and SIGTERM interrupt the wait by way of a pipe."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.stop())

        def awake(_: int) -> None:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 4096)
            self.on_child()

        self.watch(reader, READ, awake)

    def watch(self, descriptor: int, events: int, handler: Callable[[int], None]) -> None:
        """Call ``handler(events)`` whenever the descriptor is ready. Watching again changes events and handler."""
        if descriptor in self._handlers:
            self._poll.modify(descriptor, events)
        else:
            self._poll.register(descriptor, events)
        self._handlers[descriptor] = handler

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more; to be called before it is closed. Not watched: nothing happens."""
        if self._handlers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call ``action`` after ``seconds``."""
        if len(self._timers) >= self._crowd:
            self._forget_cancelled()
        timer = Timer(time.monotonic() + seconds, action)
        heapq.heappush(self._timers, timer)
        return timer

    def _forget_cancelled(self) -> None:
        """Drop timers that were cancelled long before their time, as those of commands with a generous limit are."""
        self._timers = [timer for timer in self._timers if timer.action is not None]
        heapq.heapify(self._timers)
        self._crowd = max(_CROWD, 2 * len(self._timers))

    def stop(self) -> None:
        """End ``run`` after the event at hand."""
        self._running = False

    def run(self) -> None:
        """Serve events until ``stop``."""
        while self._running:
            for descriptor, events in self._wait():
                # A handler before may have closed this one.
                if handler := self._handlers.get(descriptor):
                    _guarded(partial(handler, events))
            self._fire()

    def _wait(self) -> list[tuple[int, int]]:
        timeout = max(self._timers[0].when - time.monotonic(), 0) if self._timers else None
        try:
            return self._poll.poll(timeout)
        except OSError as error:
            if error.errno != errno.EINTR:
                raise
            return []

    def _fire(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0].when <= now:
            timer = heapq.heappop(self._timers)
            if timer.action is not None:
                _guarded(timer.action)


def _guarded(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:  # one broken handler must not take the whole cloud down
        traceback.print_exc(file=sys.stderr)
