"""The limited helper process: runs the jq programs and regular expressions of templates, and can do nothing else.

Started by ``sandbox`` as a plain file with an empty environment. It opens no file, starts no process, has a bounded
memory, and each request a bounded processor time; past a bound it dies, and the other side starts it again.

A request is ``kind, length of program, length of input`` and the two UTF-8 texts; an answer is ``status, length`` and a
UTF-8 text.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import struct
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, BinaryIO

REQUEST = struct.Struct("!cII")
ANSWER = struct.Struct("!cI")
MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 2
ANSWER_BYTES = 4 * 1024 * 1024
CACHED = 64
_NOBODY = 65534


def confine() -> None:
    """Give up everything that a program in here could misuse."""
    os.environ.clear()
    if os.geteuid() == 0:
        # Inside a user namespace that does not map nobody this fails; the limits below hold there too.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open: the two pipes
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        resource.setrlimit(kind, (value, value))


def ration() -> None:
    """Grant processor time for one more request."""
    granted = int(time.process_time()) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (granted, resource.RLIM_INFINITY))


@lru_cache(maxsize=CACHED)
def compile_jq(program: str) -> Any:
    """Compile a program; raises ValueError."""
    import jq  # noqa: PLC0415 - not for the other side, which imports this file for its constants

    return jq.compile(program)


@lru_cache(maxsize=CACHED)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression; raises ValueError."""
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None


def run_jq(program: str, text: str) -> str:
    """Return all results, one JSON text a line."""
    return str(compile_jq(program).input_text(text).text())


def check_jq(program: str, _text: str) -> str:
    """Return nothing when the program compiles."""
    compile_jq(program)
    return ""


def match(pattern: str, text: str) -> str:
    """Return ``true`` when the whole text matches, else ``false``."""
    return "true" if compile_pattern(pattern).fullmatch(text) else "false"


def check_pattern(pattern: str, _text: str) -> str:
    """Return nothing when the pattern compiles."""
    compile_pattern(pattern)
    return ""


HANDLERS: dict[bytes, Callable[[str, str], str]] = {b"j": run_jq, b"J": check_jq, b"r": match, b"R": check_pattern}


def answer(kind: bytes, program: bytes, text: bytes) -> tuple[bytes, bytes]:
    """Do what is asked; ``+`` with the result or ``-`` with the reason."""
    try:
        result = HANDLERS[kind](program.decode(), text.decode()).encode("utf-8", "replace")
    except ValueError as error:
        return b"-", str(error).encode("utf-8", "replace")[:2000]
    except MemoryError:
        return b"-", b"out of memory"
    if len(result) > ANSWER_BYTES:
        return b"-", b"the result is too large"
    return b"+", result


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the other side goes away."""
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        kind, program_length, text_length = REQUEST.unpack(head)
        program, text = requests.read(program_length), requests.read(text_length)
        ration()
        status, result = answer(kind, program, text)
        answers.write(ANSWER.pack(status, len(result)) + result)
        answers.flush()


if __name__ == "__main__":
    compile_jq(".")  # loads the library, while files can be opened
    confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)
