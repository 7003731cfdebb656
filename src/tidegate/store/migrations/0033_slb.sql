-- Load balancers: what is wanted of each, and how much of it is so (`applied` has reached `revision`).

create table balancer (
    id text primary key,
    account_id text not null,
    region text not null,
    name text not null,
    status text not null check (status in ('active', 'inactive')),
    address_type text not null,
    address text not null,
    -- of an internet address empty: it stands on a vSwitch all the same
    vpc_id text not null,
    vswitch_id text not null,
    place_vswitch_id text not null,
    network text not null,
    gateway text not null,
    zone text not null,
    spec text not null,
    charge_type text not null,
    bandwidth integer not null,
    delete_protection boolean not null,
    resource_group_id text not null,
    tags json not null,
    -- the default server group: [{id, address, port, weight, type, description, until}]
    servers json not null,
    -- [{port, protocol, status, settings}]
    listeners json not null,
    created_at timestamptz not null,
    released boolean not null default false,
    revision bigint not null default 1,
    applied bigint not null default 0,
    problem text not null default '',
    -- works to be woken when `applied` has reached `revision` and nobody is leaving any more
    watchers json not null
);
create index balancer_account on balancer (account_id, region, created_at desc);

create table vserver_group (
    id text primary key,
    balancer_id text not null references balancer on delete cascade,
    name text not null,
    servers json not null,
    created_at timestamptz not null
);
create index vserver_group_balancer on vserver_group (balancer_id, created_at);
