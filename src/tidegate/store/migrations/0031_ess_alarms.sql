-- Alarm tasks of Auto Scaling (ess.md 9.2). An alarm task outlives its group, and then nothing is measured for it.

create table ess_alarm (
    id               text primary key,
    position         bigint generated always as identity,
    account_id       text not null,
    region           text not null,
    group_id         text not null,
    name             text not null,
    description      text not null,
    metric_type      text not null check (metric_type in ('system', 'custom')),
    conditions       jsonb not null,  -- [{"metric", "statistics", "operator", "threshold", "period"}]
    logic            text check (logic in ('&&', '||')),  -- null: one condition, not written as an expression
    dimensions       jsonb not null,  -- {"device": "eth0"}
    metric_group     text not null,   -- of custom metrics
    evaluation_count integer not null,
    effective        text not null,   -- empty: always
    rule_ids         jsonb not null,
    enabled          boolean not null,
    state            text not null check (state in ('OK', 'ALARM', 'INSUFFICIENT_DATA')),
    tracked_rule     text,            -- the target tracking rule that made it
    created_at       timestamptz not null,
    evaluated_until  timestamptz not null  -- the end of the last period that was looked at
);
create index ess_alarm_place on ess_alarm (account_id, region, position desc);
create index ess_alarm_group on ess_alarm (group_id);
create index ess_alarm_tracked on ess_alarm (tracked_rule) where tracked_rule is not null;
