-- Server groups of application load balancers: records only, kept in step by scaling groups.

create table alb_server_group (
    id text primary key,
    account_id text not null,
    region text not null,
    name text not null,
    protocol text not null,
    scheduler text not null,
    type text not null,
    vpc_id text not null,
    resource_group_id text not null,
    health_check json not null,
    tags json not null,
    -- [{id, address, port, weight, type, description}]
    servers json not null,
    created_at timestamptz not null
);
create index alb_server_group_account on alb_server_group (account_id, region, created_at desc);
