-- Elastic Container Instance: groups of containers, each group a host with an address.

create table eci_group (
    id                text primary key,
    account_id        text not null,
    region            text not null,
    zone              text not null,
    name              text not null,
    vpc_id            text not null,
    vswitch_id        text not null,
    security_group_id text not null,
    address           text not null,
    cpu               double precision not null,
    -- GiB
    memory            double precision not null,
    restart_policy    text not null,
    ram_role_name     text not null,
    resource_group_id text not null,
    -- [{name, image, cpu, memory, command, arguments, environment, working_dir}]
    containers        json not null,
    tags              json not null,
    status            text not null,
    created_at        timestamptz not null,
    started_at        timestamptz
);
create index eci_group_place on eci_group (account_id, region, created_at desc);
