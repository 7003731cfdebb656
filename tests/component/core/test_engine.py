"""Controllers driven on a real database, by one node, without the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.reconcile.engine import MAX_ATTEMPTS, Cancelled, Controller, Run, Suspend, together
from tidegate.store import work
from tidegate.store.database import Database


class Diary:
    """Remembers what was done in the outside world."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def act(self, line: str, result: Any = None) -> Any:
        async def write() -> Any:
            self.lines.append(line)
            return result

        return write


@pytest.fixture
def diary() -> Diary:
    return Diary()


def driven(database: Database, clock: AdjustableClock, controller: Controller) -> Driver:
    return Driver(database, {"thing": controller}, clock)


async def test_a_finished_step_is_not_done_again(database: Database, clock: AdjustableClock, diary: Diary) -> None:
    async def controller(run: Run) -> list[int]:
        results = [await run.step(f"act:{n}", diary.act(f"act {n}", n)) for n in range(3)]
        await run.wait("approval", run.now() + timedelta(hours=1))
        return results

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()

    await driver.advance(hours=1)

    assert diary.lines == ["act 0", "act 1", "act 2"]
    assert (await driver.find("thing/1")).output == [0, 1, 2]


async def test_a_step_gives_the_same_value_now_and_later(database: Database, clock: AdjustableClock) -> None:
    seen = []

    async def controller(run: Run) -> None:
        async def act() -> Any:
            return {"pair": (1, 2), "nothing": None, "text": "\0 and 中文"}

        seen.append(await run.step("act", act))
        await run.wait("later", run.now() + timedelta(seconds=1))

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    await driver.advance(seconds=1)

    assert seen == [{"pair": [1, 2], "nothing": None, "text": "\0 and 中文"}] * 2


async def test_work_is_started_once(database: Database, clock: AdjustableClock, diary: Diary) -> None:
    async def controller(run: Run) -> None:
        await diary.act("look")()

    driver = driven(database, clock, controller)
    assert await driver.start("thing/1", "thing")
    await driver.settle()

    assert not await driver.start("thing/1", "thing")
    await driver.settle()

    assert diary.lines == ["look"]


async def test_suspended_work_is_looked_at_when_due_and_when_woken(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    until = clock.now() + timedelta(hours=6)

    async def controller(run: Run) -> None:
        diary.lines.append("look")
        if run.now() < until:
            raise Suspend(until)

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    assert await driver.settle() == 0

    async with database.transaction() as tx:
        await work.wake(tx, "thing/1", "thing/unknown", now=clock.now())
    assert await driver.settle() == 1
    assert await driver.advance(hours=6) == 1

    assert diary.lines == ["look"] * 3
    assert (await driver.find("thing/1")).status == "Success"


async def test_a_job_that_has_nothing_to_tell_causes_no_look(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> None:
        diary.lines.append("look")
        raise Suspend(run.now() + timedelta(hours=1))

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()

    await driver.node.advance("thing/1")

    assert diary.lines == ["look"]


async def test_a_timer_is_put_into_the_queue_once_and_only_when_it_is_near(
    database: Database, clock: AdjustableClock
) -> None:
    due = clock.now() + timedelta(hours=1)

    async def controller(run: Run) -> None:
        raise Suspend(due)

    async def timers() -> int:
        async with database.connection() as connection:
            return int(await connection.fetchval("select count(*) from pgqueuer where execute_after > now()"))

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    await driver.node.sweep()
    assert await timers() == 0

    clock.advance(due - clock.now() - timedelta(seconds=5))
    for _ in range(2):
        await driver.node.sweep()

    assert await timers() == 1


async def test_a_wake_up_during_a_look_is_not_lost(database: Database, clock: AdjustableClock, diary: Diary) -> None:
    async def controller(run: Run) -> None:
        diary.lines.append("look")
        if len(diary.lines) == 1:
            async with database.transaction() as tx:
                await work.wake(tx, run.key, now=run.now())
            raise Suspend

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")

    assert await driver.settle() == 1

    assert diary.lines == ["look", "look"]
    assert (await driver.find("thing/1")).status == "Success"


async def test_a_goal_set_at_the_last_moment_is_still_driven_to(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    goals = ["one", "two"]

    async def controller(run: Run) -> str:
        diary.lines.append(run.input)
        if run.input == "one":
            async with database.transaction() as tx:
                await work.drive(tx, run.key, "thing", "two", now=run.now())
        return str(run.input)

    driver = driven(database, clock, controller)
    async with database.transaction() as tx:
        await work.drive(tx, "thing/1", "thing", "one", now=clock.now())
    await driver.settle()

    assert diary.lines == goals
    assert (await driver.find("thing/1")).output == "two"


async def test_driving_ended_work_reopens_it_without_its_old_steps(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> None:
        await run.step("act", diary.act(f"act for {run.input}"))

    driver = driven(database, clock, controller)
    for goal in ("one", "two"):
        async with database.transaction() as tx:
            await work.drive(tx, "thing/1", "thing", goal, now=clock.now())
        await driver.settle()

    assert diary.lines == ["act for one", "act for two"]


async def test_a_cloud_error_is_the_ordinary_way_to_fail(database: Database, clock: AdjustableClock) -> None:
    async def controller(run: Run) -> None:
        raise CloudError("Forbidden.RAM", "User not authorized.", 403)

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()

    ended = await driver.find("thing/1")
    assert (ended.status, ended.error) == ("Failed", "Forbidden.RAM message: User not authorized.")


async def test_an_unexpected_error_is_tried_again_later_and_later_and_in_the_end_fails(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> None:
        diary.lines.append(str(run.attempt))
        raise RuntimeError("no")

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    assert await driver.settle() == 0
    between = await driver.find("thing/1")
    assert (between.status, between.attempts, between.error) == ("Active", 1, "RuntimeError: no")

    for _ in range(MAX_ATTEMPTS):
        await driver.advance(seconds=60)

    assert diary.lines == [str(n) for n in range(1, MAX_ATTEMPTS + 1)]
    assert (await driver.find("thing/1")).status == "Failed"


async def test_progress_forgives_earlier_errors(database: Database, clock: AdjustableClock, diary: Diary) -> None:
    async def controller(run: Run) -> None:
        diary.lines.append(str(run.attempt))
        await run.step(f"act:{len(diary.lines)}", diary.act("x"))
        diary.lines.pop()
        raise RuntimeError("no")

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    for _ in range(3):
        await driver.advance(seconds=60)

    assert (await driver.find("thing/1")).attempts == 1


async def test_work_without_a_controller_waits_for_one(database: Database, clock: AdjustableClock) -> None:
    driver = Driver(database, {}, clock)
    await driver.start("thing/1", "thing")
    await driver.settle()

    assert (await driver.find("thing/1")).error == "LookupError: no controller for works of kind thing"


async def test_a_cancelled_work_undoes_what_it_did(database: Database, clock: AdjustableClock, diary: Diary) -> None:
    async def controller(run: Run) -> None:
        try:
            await run.step("make", diary.act("make"))
            await run.wait("approval", None)
        except Cancelled:
            run.undoing = True
            await run.step("unmake", diary.act("unmake"))
            raise

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    async with database.transaction() as tx:
        assert await work.cancel(tx, "thing/1", now=clock.now())
    await driver.settle()

    assert diary.lines == ["make", "unmake"]
    assert (await driver.find("thing/1")).status == "Cancelled"
    async with database.transaction() as tx:
        assert not await work.cancel(tx, "thing/1", now=clock.now())


async def test_paused_work_keeps_answers_and_goes_on_when_resumed(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> Any:
        given = await run.wait("approval", run.now() + timedelta(hours=1), "Rejected")
        await run.step("act", diary.act(str(given)))

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    async with database.transaction() as tx:
        assert await work.pause(tx, "thing/1", now=clock.now())
        assert await work.answer(tx, "thing/1/approval", "Approved", now=clock.now())
    await driver.advance(hours=2)
    assert diary.lines == []

    async with database.transaction() as tx:
        assert await work.resume(tx, "thing/1", now=clock.now())
        assert not await work.resume(tx, "thing/1", now=clock.now())
    await driver.settle()

    assert diary.lines == ["Approved"]


async def test_the_first_answer_in_time_wins(database: Database, clock: AdjustableClock) -> None:
    async def controller(run: Run) -> Any:
        return await run.wait("approval", run.now() + timedelta(hours=1), "Rejected")

    driver = driven(database, clock, controller)
    for key in ("thing/1", "thing/2"):
        await driver.start(key, "thing")
    await driver.settle()

    async with database.transaction() as tx:
        assert not await work.answer(tx, "thing/9/approval", "x", now=clock.now())
        assert await work.answer(tx, "thing/1/approval", "first", now=clock.now())
        assert not await work.answer(tx, "thing/1/approval", "second", now=clock.now())
    clock.advance(timedelta(hours=1))
    async with database.transaction() as tx:
        assert not await work.answer(tx, "thing/2/approval", "too late", now=clock.now())
    await driver.settle()

    assert (await driver.find("thing/1")).output == "first"
    assert (await driver.find("thing/2")).output == "Rejected"


async def test_an_answer_is_refused_once_the_default_was_taken_even_by_a_slower_clock(
    database: Database, clock: AdjustableClock
) -> None:
    behind = clock.now()

    async def controller(run: Run) -> Any:
        given = await run.wait("approval", run.now() + timedelta(hours=1), "Rejected")
        await run.wait("more", None)
        return given

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    await driver.advance(hours=1)

    async with database.transaction() as tx:
        assert not await work.answer(tx, "thing/1/approval", "Approved", now=behind)


async def test_a_lock_has_one_holder_and_is_passed_on_in_order(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> None:
        if not run.finished("inside"):
            await run.lock("redis/r-1")
            diary.lines.append(f"{run.id} in")
            await run.wait("inside", run.now() + timedelta(minutes=1))
            diary.lines.append(f"{run.id} out")
        await run.unlock("redis/r-1")
        await run.wait("after", run.now() + timedelta(hours=1))

    driver = driven(database, clock, controller)
    for n in range(3):
        await driver.start(f"thing/{n}", "thing")
        await driver.settle()
    for _ in range(3):
        await driver.advance(minutes=1)

    assert [line for line in diary.lines if line.endswith("out")] == ["0 out", "1 out", "2 out"]
    assert diary.lines.index("1 in") > diary.lines.index("0 out")


async def test_a_lock_is_freed_by_the_end_of_its_holder(database: Database, clock: AdjustableClock) -> None:
    async def controller(run: Run) -> None:
        await run.lock("key")
        await run.wait("inside", run.now() + timedelta(minutes=1))

    driver = driven(database, clock, controller)
    for n in range(2):
        await driver.start(f"thing/{n}", "thing")
    await driver.settle()
    await driver.advance(minutes=1)
    await driver.advance(minutes=1)

    assert [(await driver.find(f"thing/{n}")).status for n in range(2)] == ["Success", "Success"]


async def test_the_end_of_a_child_wakes_its_parent(database: Database, clock: AdjustableClock) -> None:
    async def parent(run: Run) -> list[Any]:
        async with run.transaction() as tx:
            for n in range(3):
                await work.start(tx, f"child/{n}", "child", n, now=run.now(), parent=run.key)
            born = await work.children(tx, run.key)
        if any(child.status == "Active" for child in born):
            raise Suspend
        return [child.output for child in born]

    async def child(run: Run) -> int:
        await run.wait("pause", run.now() + timedelta(minutes=run.input))
        return int(run.input) * 2

    driver = Driver(database, {"parent": parent, "child": child}, clock)
    await driver.start("parent/1", "parent")
    await driver.settle()
    await driver.advance(minutes=1)
    await driver.advance(minutes=1)

    assert (await driver.find("parent/1")).output == [0, 2, 4]


async def test_together_lets_all_come_to_their_end_and_suspends_until_the_earliest(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> list[Any]:
        return await together(
            run.wait("slow", run.now() + timedelta(hours=2), "slow"),
            run.step("step", diary.act("step", "done")),
            run.wait("quick", run.now() + timedelta(hours=1), "quick"),
        )

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    assert (await driver.find("thing/1")).due_at <= clock.now() + timedelta(hours=1)
    await driver.advance(hours=1)
    await driver.advance(hours=1)

    assert diary.lines == ["step"]
    assert (await driver.find("thing/1")).output == ["slow", "done", "quick"]


async def test_a_fenced_transaction_of_a_stale_owner_changes_nothing(
    database: Database, clock: AdjustableClock, diary: Diary
) -> None:
    async def controller(run: Run) -> None:
        diary.lines.append("look")
        if len(diary.lines) == 1:
            async with database.transaction() as tx:  # somebody takes the lease over
                await tx.execute("update lease set token = nextval('lease_token') where work = $1", run.key)
            async with run.transaction() as tx:
                await work.start(tx, "thing/by-the-stale", "thing", now=run.now())

    driver = driven(database, clock, controller)
    await driver.start("thing/1", "thing")
    await driver.settle()
    assert (await driver.find("thing/1")).status == "Active"
    await driver.settle()  # the lease of a node that is not there any more is freed

    assert diary.lines == ["look", "look"]
    async with database.connection() as connection:
        assert await work.find(connection, "thing/by-the-stale") is None


async def test_finished_work_is_forgotten_after_its_time_but_not_under_an_active_parent(
    database: Database, clock: AdjustableClock
) -> None:
    async def controller(run: Run) -> None:
        if run.input == "wait":
            raise Suspend

    driver = driven(database, clock, controller)
    await driver.start("thing/old", "thing")
    await driver.start("thing/parent", "thing", "wait")
    await driver.start("thing/child", "thing", parent="thing/parent")
    await driver.settle()
    clock.advance(timedelta(days=8))

    async with database.transaction() as tx:
        assert await work.forget(tx, clock.now() - timedelta(days=7)) == 1
        assert await work.find(tx, "thing/old") is None
