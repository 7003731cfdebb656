-- Databases without a server behind them: PolarDB, MongoDB, AnalyticDB, RDS. Their whitelists are kept, not enforced.

create table database (
    id text primary key,
    account_id text not null,
    region text not null,
    -- RAM code of the product
    product text not null check (product in ('polardb', 'dds', 'adb', 'rds')),
    zone text not null,
    vpc_id text not null,
    vswitch_id text not null,
    description text not null,
    engine text not null,
    engine_version text not null,
    node_class text not null,
    nodes integer not null,
    storage integer not null,
    charge_type text not null,
    resource_group_id text not null,
    order_id text not null,
    created_at timestamptz not null,
    tags jsonb not null,
    -- [{name, entries, attribute}], `default` first, the others in order of creation
    whitelist json not null,
    security_groups text[] not null
);
create index database_account on database (account_id, region, product);
