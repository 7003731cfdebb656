-- Instance refreshes of groups (ess.md 12.9): old members are replaced batch by batch.

alter table ess_group add column refreshing text;  -- the refresh that alone may start activities now

create table ess_refresh (
    id            text primary key,
    position      bigint generated always as identity,
    group_id      text not null references ess_group on delete cascade,
    status        text not null,
    desired       jsonb,               -- what members are to be made from; null: what the group says
    previous      jsonb not null,      -- what they were made from, for a rollback
    min_healthy   integer not null,    -- percent
    max_healthy   integer not null,
    skip_matching boolean not null,
    checkpoints   integer[] not null,  -- percent
    passed        integer not null,    -- checkpoints that are behind
    pause_minutes integer not null,
    strategy      text,
    total         integer not null,    -- capacity to be refreshed
    finished      integer not null,
    owed          integer not null,    -- taken out and not yet made again
    activity_id   text,                -- the one whose end is waited for
    paused_until  timestamptz,
    detail        text not null,
    started_at    timestamptz not null,
    ended_at      timestamptz
);
create index ess_refresh_group on ess_refresh (group_id, position desc);

-- Which ends of activities the account is told of in ordinary messages (DescribeAlertConfiguration).
alter table ess_group add column alert_statuses text[] not null default '{}';

-- Seconds for which a member warms up once it has joined; null: it came by no rule that has a warm-up.
alter table ess_member add column warmup integer;

-- Diagnoses of groups, as they were found (CreateDiagnoseReport).
create table ess_diagnosis (
    id         text primary key,
    position   bigint generated always as identity,
    group_id   text not null references ess_group on delete cascade,
    findings   jsonb not null,  -- [{"type", "status", "code", "resource_id"}]
    created_at timestamptz not null
);
create index ess_diagnosis_group on ess_diagnosis (group_id, position desc);
