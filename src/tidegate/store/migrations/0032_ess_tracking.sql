-- Target tracking and predictive rules of Auto Scaling (ess.md 5.4, 5.5): they have a metric and its target in place of a
-- value. The alarm tasks that a target tracking rule makes go with it.

alter table ess_rule add column tracking jsonb;    -- {"metric", "target", "disable_scale_in", …}
alter table ess_rule add column prediction jsonb;  -- {"metric", "target", "mode", …}
alter table ess_alarm add foreign key (tracked_rule) references ess_rule (id) on delete cascade;

-- What a predictive rule foresees, hour by hour.
create table ess_forecast (
    rule_id   text not null references ess_rule (id) on delete cascade,
    at        timestamptz not null,  -- the beginning of the hour
    metric    double precision not null,
    instances integer not null,
    min_size  integer not null,
    max_size  integer not null,
    primary key (rule_id, at)
);
