"""Weeks of a group in virtual time; ``bench/year.py`` lives a whole year."""

from __future__ import annotations

from support.year import Life
from tidegate.store.database import Database


async def test_a_group_lives_two_weeks_and_is_sound_after_every_step(database: Database) -> None:
    life = await Life.begin(database)

    await life.live(14)

    assert life.steps > 100
    assert {3, 6} <= life.totals
    assert max(life.totals) <= 14  # MaxSize, and a tenth of it while members are renewed
    assert len(life.happened) >= 3  # of the surprises a life can have
