-- CloudMonitor: series of samples, of hosts, of scaling groups and of what users report, and events that users report.

create table cms_series (
    id          text primary key,  -- the instance's or the group's id; of a custom metric one of our own
    account_id  text not null,
    kind        text not null check (kind in ('host', 'group', 'custom')),
    created_at  timestamptz not null,
    -- custom metrics only
    group_id    text not null default '',
    metric      text not null default '',
    dimension   text not null default ''  -- key1=value1&key2=value2, keys in order
);
create index cms_series_account on cms_series (account_id, kind, id);
create unique index cms_series_custom on cms_series (account_id, group_id, metric, dimension) where kind = 'custom';

-- Each moment of a series is covered by one grain: old samples are joined to coarser ones.
create table cms_sample (
    series  text not null,
    grain   integer not null,      -- seconds that a sample covers, from ``at`` on
    at      timestamptz not null,
    count   bigint not null,       -- values behind it
    mean    double precision[] not null,
    low     double precision[],    -- null: as mean
    high    double precision[],
    primary key (series, grain, at)
);
create index cms_sample_age on cms_sample (grain, at);

create table cms_event (
    id          bigint generated always as identity primary key,
    account_id  text not null,
    group_id    text not null,
    name        text not null,
    content     text not null,
    at          timestamptz not null
);
create index cms_event_account on cms_event (account_id, name, at);
create index cms_event_age on cms_event (at);

-- Until when hosts have been measured.
create table cms_meter (
    id             boolean primary key default true check (id),
    measured_until timestamptz not null
);
