-- Elastic Compute Service: networks, addresses, instances, tags, Cloud Assistant.

create table ecs_vpc (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    name        text not null default '',
    description text not null default '',
    block       cidr not null,
    is_default  boolean not null default false,
    created_at  timestamptz not null
);
create index ecs_vpc_place on ecs_vpc (account_id, region);
-- one default VPC an account and region, whoever comes first
create unique index ecs_vpc_default on ecs_vpc (account_id, region) where is_default;

-- One plane carries every account's vSwitches, so blocks never overlap.
create table ecs_vswitch (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    zone        text not null,
    vpc_id      text not null references ecs_vpc,
    name        text not null default '',
    description text not null default '',
    block       cidr not null,
    is_default  boolean not null default false,
    created_at  timestamptz not null,
    exclude using gist (block inet_ops with &&)
);
create index ecs_vswitch_place on ecs_vswitch (account_id, region);

-- Who holds which address; addresses are IPv4 as numbers, so the lowest free one is arithmetic.
create table ecs_address (
    vswitch_id text not null references ecs_vswitch,
    address    bigint not null,
    owner      text not null unique,
    primary key (vswitch_id, address)
);

create table ecs_security_group (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    vpc_id      text not null references ecs_vpc,
    name        text not null default '',
    description text not null default '',
    type        text not null default 'normal',
    is_default  boolean not null default false,
    created_at  timestamptz not null
);
create index ecs_security_group_place on ecs_security_group (account_id, region);

-- Rows live exactly as long as the instance does: released means deleted.
create table ecs_instance (
    id                  text primary key,
    account_id          text not null,
    region              text not null,
    zone                text not null,
    -- the work "instances/<launch_id>" that drives it, and its place in the batch
    launch_id           text not null,
    position            integer not null,
    status              text not null,
    name                text not null,
    host_name           text not null,
    description         text not null,
    serial_number       text not null,
    image_id            text not null,
    instance_type       text not null,
    charge_type         text not null,
    vpc_id              text not null,
    vswitch_id          text not null,
    address             text not null,
    security_group_ids  text[] not null,
    interface_id        text not null,
    disk_id             text not null,
    user_data           bytea not null,
    deletion_protection boolean not null,
    stopped_mode        text not null default 'Not-applicable',
    resource_group_id   text not null default '',
    -- what is only stored and shown: charge periods, bandwidth, spot, disk sizes
    options             jsonb not null,
    created_at          timestamptz not null,
    started_at          timestamptz,
    -- the work that is woken when the instance settles
    watcher             text,
    -- the controller's next try
    attempts            integer not null default 0,
    due_at              timestamptz not null,
    -- raised by every change: what is rendered for one version never changes
    version             bigint not null default 1
);
create index ecs_instance_place on ecs_instance (account_id, region, created_at desc, id desc);
create index ecs_instance_launch on ecs_instance (launch_id);

create table ecs_tag (
    account_id    text not null,
    region        text not null,
    resource_type text not null,
    resource_id   text not null,
    key           text not null,
    value         text not null,
    primary key (resource_type, resource_id, key)
);
create index ecs_tag_pair on ecs_tag (account_id, region, resource_type, key, value);

create table ecs_command (
    id               text primary key,
    account_id       text not null,
    region           text not null,
    name             text not null,
    description      text not null,
    type             text not null,
    content          bytea not null,
    working_dir      text not null,
    timeout          integer not null,
    enable_parameter boolean not null,
    -- false: made by RunCommand for one invocation, not listed
    kept             boolean not null,
    created_at       timestamptz not null
);
create index ecs_command_place on ecs_command (account_id, region, created_at desc);

create table ecs_invocation (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    -- a copy: a command may be deleted while its runs are kept
    command_id  text not null,
    name        text not null,
    description text not null,
    type        text not null,
    content     bytea not null,
    script      bytea not null,
    working_dir text not null,
    timeout     integer not null,
    parameters  jsonb not null,
    username    text not null,
    created_at  timestamptz not null,
    -- the process that runs it, and when that was last heard of: a script is never begun twice
    runner      text,
    beat_at     timestamptz
);
create index ecs_invocation_place on ecs_invocation (account_id, region, created_at desc);

create table ecs_run (
    invocation_id text not null references ecs_invocation on delete cascade,
    instance_id   text not null,
    position      integer not null,
    status        text not null,
    exit_code     integer,
    output        bytea not null default '',
    dropped       bigint not null default 0,
    error_code    text not null default '',
    error_info    text not null default '',
    started_at    timestamptz,
    finished_at   timestamptz,
    stopped_at    timestamptz,
    updated_at    timestamptz not null,
    primary key (invocation_id, instance_id)
);
create index ecs_run_instance on ecs_run (instance_id);
