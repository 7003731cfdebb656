"""Starts processes in other namespaces and follows them to their end, without ever waiting.

The helper forks, the child enters or makes namespaces and forks again: only the grandchild is inside a new pid
namespace. The child then ends, and the grandchild becomes a child of the helper, which is pid 1 of its own namespace.
A pipe carries the pid and the first failure; its silent end means that the program has been started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tidegate.plane.helper import kernel
from tidegate.plane.helper.loop import HANGUP, READ, Loop

#: exit status of a process that failed before its program began
FAILED = 127


class Process:
    """A process that the helper follows. Exactly one of ``failed`` (never ran) and ``ended`` (exit code) is called last.

    ``code`` is the exit status, or 128 plus the signal that ended it.
    """

    def __init__(
        self,
        running: Callable[[], None],
        failed: Callable[[str], None],
        ended: Callable[[int], None],
    ) -> None:
        self.pid = 0
        #: seconds of processor time, known when it has ended
        self.cpu = 0.0
        self.running, self.failed, self.ended = running, failed, ended
        self.is_over = False
        #: whether it is known if the program ran
        self.is_told = False
        self._code: int | None = None
        self._doom: int | None = None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the process; one that has not begun yet gets it as soon as it does. Over: nothing."""
        if self.is_over:
            return
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
        else:
            self._doom = number

    def kill_group(self) -> None:
        """Kill the process and the whole group that it leads, if it does yet."""
        self.kill()
        if self.pid and not self.is_over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def tell(self, failure: str | None) -> None:
        """Learn whether the program ran, and call the owner."""
        self.is_told = True
        if failure is not None:
            self.is_over = True
            self.failed(failure)
        else:
            self.running()
            if self._code is not None:
                self.ended(self._code)

    def end(self, code: int) -> None:
        """Learn that the process has ended. Its report can come after that, by the hair's breadth its parent needs."""
        if self.is_told and not self.is_over:
            self.is_over = True
            self.ended(code)
        self.is_over = True
        self._code = code

    def began(self, pid: int) -> None:
        """Learn the pid."""
        self.pid = pid
        if self._doom is not None:
            self.kill(self._doom)


class _Report:
    """The pipe of one process that is being started."""

    def __init__(self, descriptor: int, process: Process) -> None:
        self.descriptor = descriptor
        self.process = process
        self.text = b""
        self.is_read = False

    def failure(self) -> str | None:
        """Return what went wrong, None while nothing did."""
        for line in self.text.split(b"\n"):
            if line.startswith(b"failed "):
                return line[7:].decode(errors="replace")
        return None if self.process.pid else "the process ended before it began"


class Processes:
    """All processes of the helper."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._by_pid: dict[int, Process] = {}
        self._reports: dict[int, _Report] = {}
        loop.on_child = self._reap

    def launch(
        self,
        body: Callable[[], None],
        *,
        prepare: Callable[[], None] = lambda: None,
        keep: Sequence[int] = (),
        running: Callable[[], None] = lambda: None,
        failed: Callable[[str], None] = lambda _: None,
        ended: Callable[[int], None] = lambda _: None,
    ) -> Process:
        """Start a process: ``prepare`` enters or makes namespaces, ``body`` runs in the grandchild and starts a program.

        Only the descriptors in ``keep``, and what the two open, exist in the process. ``running`` is called when the
        program has been started, ``failed`` with the reason when it could not be, ``ended`` with the exit code of a
        process that ran.
        """
        process = Process(running, failed, ended)
        try:
            self._fork(process, prepare, body, keep)
        except OSError as error:
            self._loop.call_later(0, partial(process.tell, str(error)))
        return process

    def _fork(
        self, process: Process, prepare: Callable[[], None], body: Callable[[], None], keep: Sequence[int]
    ) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            pid = os.fork()
            if pid == 0:
                _begin(prepare, body, writer, keep)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self._by_pid[pid] = _nobody()
        self._reports[reader] = report = _Report(reader, process)
        self._loop.watch(reader, READ | HANGUP, lambda _: self._read(report))

    def work(self, body: Callable[[], None], *, keep: Sequence[int] = (), ended: Callable[[int], None]) -> None:
        """Do something slow in a child process; ``ended`` gets 0 when it is done, else something went wrong."""
        try:
            pid = os.fork()
        except OSError:
            self._loop.call_later(0, partial(ended, FAILED))
            return
        if pid == 0:
            _toil(body, keep)
        worker = Process(lambda: None, lambda _: None, ended)
        worker.is_told = True
        self._by_pid[pid] = worker

    def spawn(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        network: int | None = None,
        directory: str,
        log: str = "/dev/null",
        keep: Sequence[int] = (),
        running: Callable[[], None] = lambda: None,
        failed: Callable[[str], None] = lambda _: None,
        ended: Callable[[int], None] = lambda _: None,
    ) -> Process:
        """Start a service of the cloud: in the network namespace of descriptor ``network``, output to the file ``log``.

        It leads a session and has no capabilities, no input, only the given environment, and can write nowhere but
        below ``directory``. Descriptors in ``keep`` stay open under their numbers.
        """
        output: list[int] = []

        def prepare() -> None:
            output.append(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600))
            if network is not None:
                kernel.setns(network, kernel.NEWNET)
            _freeze_all_but(directory)

        def body() -> None:
            os.setsid()
            os.dup2(output[0], 1)
            os.dup2(output[0], 2)
            for descriptor in keep:
                os.set_inheritable(descriptor, True)
            os.chdir(directory)
            # Capability 10, NET_BIND_SERVICE: a service may listen below port 1024.
            kernel.keep_capabilities({10})
            kernel.no_new_privileges()
            os.execvpe(argv[0], list(argv), environment)

        kept = (*keep, network) if network is not None else tuple(keep)
        return self.launch(body, prepare=prepare, keep=kept, running=running, failed=failed, ended=ended)

    def _read(self, report: _Report) -> None:
        """Take in what a starting process says; at the end of it call its owner."""
        if report.is_read:
            return
        while True:
            try:
                chunk = os.read(report.descriptor, 4096)
            except BlockingIOError:
                break
            if not chunk:
                self._close(report)
                break
            report.text += chunk
        self._learn_pid(report)
        if report.is_read:
            report.process.tell(report.failure())

    def _learn_pid(self, report: _Report) -> None:
        process = report.process
        if not process.pid and report.text.startswith(b"pid ") and b"\n" in report.text:
            process.began(int(report.text[4 : report.text.index(b"\n")]))
            self._by_pid[process.pid] = process

    def _close(self, report: _Report) -> None:
        report.is_read = True
        del self._reports[report.descriptor]
        self._loop.forget(report.descriptor)
        os.close(report.descriptor)

    def _reap(self) -> None:
        """Collect every child that has ended."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            # Whatever a process had to report lies in its pipe by now: its pid, and whether it ran at all.
            for report in list(self._reports.values()):
                self._read(report)
            if process := self._by_pid.pop(pid, None):
                process.cpu = used.ru_utime + used.ru_stime
                # Later, so that an owner that fails cannot keep the others from being collected.
                self._loop.call_later(0, partial(process.end, exit_code(status)))


def _freeze_all_but(directory: str) -> None:
    """Make every mount read-only in a mount namespace of our own, except for ``directory``."""
    kernel.unshare(kernel.NEWNS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    writable = kernel.clone_tree(directory)
    everything = os.open("/", os.O_PATH | os.O_CLOEXEC)
    kernel.restrict(everything, kernel.READ_ONLY)
    os.close(everything)
    kernel.attach(writable, directory)


def _nobody() -> Process:
    """Return what follows a process in which nobody is interested."""
    return Process(lambda: None, lambda _: None, lambda _: None)


def exit_code(status: int) -> int:
    """Turn what ``wait`` returns into what a shell would say."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _begin(prepare: Callable[[], None], body: Callable[[], None], report: int, keep: Sequence[int]) -> None:
    """Be the child: enter namespaces, fork the grandchild, tell its pid, end."""
    try:
        _forget_the_helper()
        kernel.close_all_but((report, *keep))
        prepare()
        gate, opened = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            # Nothing happens in the grandchild before the helper can know its pid.
            os.close(opened)
            os.read(gate, 1)
            os.close(gate)
            body()
            os._exit(0)
        os.write(report, b"pid %d\n" % pid)
        os._exit(0)
    except BaseException as error:  # nothing may return into the helper's loop
        _say(report, error)
    finally:
        os._exit(FAILED)


def _toil(body: Callable[[], None], keep: Sequence[int]) -> None:
    try:
        _forget_the_helper()
        kernel.close_all_but(keep)
        body()
        os._exit(0)
    except BaseException:  # nothing may return into the helper's loop
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(FAILED)


def _forget_the_helper() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def _say(report: int, error: BaseException) -> None:
    text = f"{type(error).__name__}: {error}" if not isinstance(error, OSError) else str(error)
    with contextlib.suppress(OSError):
        os.write(report, b"failed " + text.replace("\n", " ").encode(errors="replace")[:2000] + b"\n")
    with contextlib.suppress(OSError):
        sys.stderr.flush()
