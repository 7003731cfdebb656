-- R-kvstore: Redis instances, the groups of their whitelists, and who changed what in them.

create table kvstore_instance (
    id text primary key,
    account_id text not null,
    region text not null,
    zone text not null,
    vpc_id text not null,
    vswitch_id text not null,
    -- of the vSwitch, for the plane
    network text not null,
    gateway text not null,
    private_ip text not null,
    port integer not null,
    connection_domain text not null,
    name text not null,
    status text not null check (status in ('Creating', 'Normal', 'Released')),
    instance_class text not null,
    capacity integer not null,
    engine_version text not null,
    node_type text not null,
    charge_type text not null check (charge_type in ('PostPaid', 'PrePaid')),
    created_at timestamptz not null,
    end_at timestamptz,
    order_id bigint not null,
    resource_group_id text not null,
    release_protection boolean not null default false,
    vpc_auth_mode text not null default 'Open' check (vpc_auth_mode in ('Open', 'Close')),
    -- null: clients need no password
    sealed_password bytea,
    -- a whitelist change keeps the instance Changing until then
    changing_until timestamptz,
    tags jsonb not null
);
create index kvstore_instance_account on kvstore_instance (account_id, region);

create table kvstore_group (
    instance_id text not null references kvstore_instance on delete cascade,
    position bigint generated always as identity,
    name text collate "C" not null,
    attribute text not null,
    entries text[] not null,
    primary key (instance_id, name)
);

-- One row for each change of a whitelist: written with the change, completed when the gate has it.
create table kvstore_change (
    id bigint generated always as identity primary key,
    instance_id text not null references kvstore_instance on delete cascade,
    at timestamptz not null,
    group_name text not null,
    mode text not null,
    added text[] not null,
    removed text[] not null,
    -- the caller's ARN, which names the execution for calls of a runbook
    caller text not null,
    source_ip text not null,
    request_id text not null,
    -- null: not on the wire yet; milliseconds is what the gate took
    applied_at timestamptz,
    milliseconds double precision
);
create index kvstore_change_instance on kvstore_change (instance_id, id);
create index kvstore_change_pending on kvstore_change (instance_id) where applied_at is null;
