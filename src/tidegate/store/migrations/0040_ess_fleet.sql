-- Groups made from launch templates, members of different weight, spot instances (ess.md 2.2), and what lasts.

alter table ess_group
    add column launch_template_id        text,
    add column launch_template_version   text,                          -- Default, Latest or a number
    add column launch_template_overrides jsonb not null default '[]',   -- [{"instance_type", "weight", "spot_price_limit"}]
    add column failing_since             timestamptz;                   -- automatic activities have failed ever since

alter table ess_activity
    add column refresh_id text;                                         -- of the instance refresh it is part of
create index ess_activity_refresh on ess_activity (refresh_id) where refresh_id is not null;

alter table ess_member
    add column launch_template_id      text,
    add column launch_template_version integer,
    add column capacity                integer not null default 1,      -- what it counts for
    add column spot_strategy           text not null default 'NoSpot';
