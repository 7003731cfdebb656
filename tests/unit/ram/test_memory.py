"""What a process remembers of RAM is bounded."""

from __future__ import annotations

from tidegate.services.ram.memory import Bounded, remember_documents
from tidegate.services.ram.policy import Policy


def test_what_came_first_is_let_go_when_there_is_no_room() -> None:
    memory: Bounded[str, int] = Bounded(2)

    for number, key in enumerate("abca"):
        memory.put(key, number)

    assert [memory.get(key) for key in "abc"] == [3, None, 2]


def test_what_is_put_again_takes_no_more_room() -> None:
    memory: Bounded[str, int] = Bounded(2)

    for number, key in enumerate("abbb"):
        memory.put(key, number)

    assert [memory.get(key) for key in "ab"] == [0, 3]


def test_a_document_is_compiled_once() -> None:
    compiled: list[str] = []

    def read(text: str) -> Policy:
        compiled.append(text)
        return Policy(())

    remember = remember_documents(read)

    assert remember("x") is remember("x")
    assert compiled == ["x"]
