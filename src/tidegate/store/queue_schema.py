"""The tables of pgqueuer and the one function through which we put jobs into them.

They are unlogged: a job only says "look at this", the rows of ``work`` are the truth, and a sweep makes the jobs again
when a crash of PostgreSQL has emptied them. So no job ever waits for the disk.
"""

from __future__ import annotations

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel

ENTRYPOINT = "advance"


def settings() -> DBSettings:
    """Name everything, because pgqueuer would take unnamed ones from variables such as ``CHANNEL``."""
    return DBSettings(
        prefix="",
        db_schema=None,
        channel=Channel("ch_pgqueuer"),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.volatile,
    )


def installation() -> str:
    """The statements that make the queue: pgqueuer's own, no history of jobs, and ``enqueue``.

    ``enqueue(keys)`` and ``enqueue(keys, after, marks)`` wrap pgqueuer's own statement, so a change and its jobs are one
    round trip, and putting a job does not need the library. A job whose mark is in the queue is not put again.
    """
    insertion = QueryQueueBuilder(settings()).build_enqueue_query("skip")
    return f"""
        {QueryBuilderEnvironment(settings()).build_install_query()}
        {QueryBuilderEnvironment(settings()).build_optimize_autovacuum_query()}

        -- Nobody reads the log of jobs, and it would be written three times a job.
        create function forget_job() returns trigger language plpgsql as 'begin return null; end';
        create trigger forget_job before insert on pgqueuer_log for each row execute function forget_job();

        create function put_jobs(int[], text[], bytea[], interval[], text[], jsonb[])
        returns table (ord bigint, id bigint) language sql as $jobs${insertion}$jobs$;

        create function enqueue(keys text[], after interval[], marks text[]) returns bigint language sql as $enqueue$
            select count(*) from (
                select array_agg(0) priority, array_agg('{ENTRYPOINT}'::text) entrypoint,
                       array_agg(convert_to(key, 'UTF8')) payload, array_agg(delay) execute_after,
                       array_agg(mark) dedupe_key, array_agg(null::jsonb) headers
                from unnest(keys, after, marks) as job (key, delay, mark)
            ) jobs, put_jobs(priority, entrypoint, payload, execute_after, dedupe_key, headers)
            where priority is not null
        $enqueue$;

        create function enqueue(keys text[]) returns bigint language sql strict as $enqueue$
            select enqueue(keys, array_fill(interval '0', array[cardinality(keys)]),
                           array_fill(null::text, array[cardinality(keys)]))
        $enqueue$;
    """


def removal() -> str:
    """The statements that undo ``installation``."""
    return f"""
        drop function if exists enqueue(text[]);
        drop function if exists enqueue(text[], interval[], text[]);
        drop function put_jobs(int[], text[], bytea[], interval[], text[], jsonb[]);
        drop trigger forget_job on pgqueuer_log;
        drop function forget_job();
        {QueryBuilderEnvironment(settings()).build_uninstall_query()}
    """
