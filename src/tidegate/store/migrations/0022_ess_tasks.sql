-- Scheduled tasks of Auto Scaling (ess.md 9.1). A task outlives its rule and its group, and then does nothing when due.

create table ess_task (
    id                text primary key,
    position          bigint generated always as identity,
    account_id        text not null,
    region            text not null,
    name              text not null,
    description       text not null,
    group_id          text not null,
    rule_id           text,     -- null: the values below become the bounds of the group
    min_value         integer,
    max_value         integer,
    desired_value     integer,
    launch_at         timestamptz,
    recurrence_type   text check (recurrence_type in ('Daily', 'Weekly', 'Monthly', 'Cron')),
    recurrence_value  text not null,
    recurrence_end    timestamptz,
    launch_expiration integer not null,  -- seconds
    enabled           boolean not null,
    created_at        timestamptz not null,
    due_at            timestamptz,  -- the occurrence that comes next or is being tried
    retry_at          timestamptz,  -- when it is tried again
    done_until        timestamptz,  -- the last occurrence that is over
    unique (account_id, region, name)
);
create index ess_task_group on ess_task (group_id, due_at);
