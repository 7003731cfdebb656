-- Auto Scaling: groups, what they are made from, who is in them, what happens to them (ess.md).
--
-- Locks are taken in one order: group, activity, members and actions.

create table ess_group (
    id                       text primary key,
    position                 bigint generated always as identity,
    account_id               text not null,
    region                   text not null,
    name                     text not null,
    state                    text not null check (state in ('Inactive', 'Active', 'Deleting')),
    min_size                 integer not null,
    max_size                 integer not null,
    desired_capacity         integer,  -- null: the feature is off
    default_cooldown         integer not null,
    active_configuration_id  text,
    health_check_type        text not null,
    multi_az_policy          text not null,
    scaling_policy           text not null,
    removal_policies         text[] not null,
    vpc_id                   text not null,
    vswitch_ids              text[] not null,
    stop_instance_timeout    integer,
    deletion_protection      boolean not null,
    suspended_processes      text[] not null,
    options                  jsonb not null,  -- stored and shown, changes nothing else
    tags                     jsonb not null,  -- [{"key", "value", "propagate"}]
    created_at               timestamptz not null,
    modified_at              timestamptz not null,
    cooldown_until           timestamptz,  -- blocks alarm tasks only
    paused_until             timestamptz,  -- no automatic activity before, because the last one failed
    check (min_size <= max_size),
    unique (account_id, region, name)
);

create table ess_configuration (
    id         text primary key,
    position   bigint generated always as identity,
    group_id   text not null references ess_group on delete cascade,
    name       text not null,
    fields     jsonb not null,  -- as given, under their names on the wire
    created_at timestamptz not null,
    unique (group_id, name)
);

create table ess_rule (
    id               text primary key,
    position         bigint generated always as identity,
    group_id         text not null references ess_group on delete cascade,
    name             text not null,
    type             text not null,
    adjustment_type  text not null,
    adjustment_value integer not null,
    magnitude        integer,
    cooldown         integer,
    created_at       timestamptz not null,
    unique (group_id, name)
);

create table ess_hook (
    id                    text primary key,
    position              bigint generated always as identity,
    group_id              text not null references ess_group on delete cascade,
    name                  text not null,
    transition            text not null check (transition in ('SCALE_OUT', 'SCALE_IN')),
    default_result        text not null check (default_result in ('CONTINUE', 'ABANDON', 'ROLLBACK')),
    heartbeat_timeout     integer not null,
    notification_arn      text,
    notification_metadata text,
    status                text not null check (status in ('Active', 'InActive')),
    created_at            timestamptz not null,
    unique (group_id, name)
);

create table ess_activity (
    id                 text primary key,
    position           bigint generated always as identity,
    group_id           text not null references ess_group on delete cascade,
    kind               text not null,   -- what asked for it: rule, adjustment, attach, detach, remove, check, health
    direction          text not null check (direction in ('SCALE_OUT', 'SCALE_IN')),
    parallel           boolean not null,
    status             text not null check (status in ('InProgress', 'Successful', 'Warning', 'Failed', 'Rejected')),
    cause              text not null,
    description        text not null,
    status_message     text not null,
    detail             text not null,
    request_id         text not null,
    trigger_type       text not null,
    trigger_id         text not null,
    metadata           text,
    amount             integer not null,  -- instances it handles
    ordered            integer not null,  -- of these: still to be created, no members yet
    plan               jsonb not null,    -- how it is to be carried out; see records.Plan
    outcomes           jsonb not null,    -- what its hooks decided: {batch of instances: result}
    instance_ids       text[] not null,   -- chosen at the start: to attach, to start again, to remove
    created_ids        text[] not null,
    destroyed_ids      text[] not null,
    started_ids        text[] not null,
    stopped_ids        text[] not null,
    errors             jsonb not null,    -- [{"code", "message", "instance_ids"}]
    total_capacity     integer not null,
    auto_capacity      integer not null,
    attached_capacity  integer not null,
    started_at         timestamptz not null,
    ended_at           timestamptz
);
create index ess_activity_group on ess_activity (group_id, position desc);
create index ess_activity_running on ess_activity (group_id) where status = 'InProgress';
create index ess_activity_ended on ess_activity (ended_at);

create table ess_member (
    instance_id      text primary key,  -- an instance is in one group at most
    position         bigint generated always as identity,  -- order of joining
    group_id         text not null references ess_group on delete cascade,
    state            text not null check (state in ('Pending', 'Pending:Wait', 'InService', 'Protected', 'Standby',
                                                    'Stopped', 'Removing', 'Removing:Wait')),
    health           text not null check (health in ('Healthy', 'Unhealthy')),
    creation_type    text not null check (creation_type in ('AutoCreated', 'Attached')),
    entrusted        boolean not null,
    weight           integer not null,  -- of the load balancer
    configuration_id text,
    instance_type    text not null,
    zone             text not null,
    vswitch_id       text not null,
    address          text not null,
    activity_id      text not null,     -- the one that brought it in
    busy_with        text,              -- the running activity that moves it
    created_at       timestamptz not null,
    joined_at        timestamptz
);
create index ess_member_group on ess_member (group_id, position);

-- One wait: a lifecycle action of one activity and one hook. The hook's fields are copied when it begins, later changes
-- of the hook do not reach it.
create table ess_action (
    token                 text primary key,
    activity_id           text not null references ess_activity on delete cascade,
    group_id              text not null,
    hook_id               text not null,
    hook_name             text not null,
    position              bigint not null,  -- of the hook
    batch                 integer not null,  -- of the activity's instances
    transition            text not null,
    default_result        text not null,
    notification_arn      text,
    notification_metadata text,
    instance_ids          text[] not null,
    status                text not null check (status in ('Pending', 'Timeout', 'Completed')),
    result                text check (result in ('CONTINUE', 'ABANDON', 'ROLLBACK')),
    started_at            timestamptz not null,
    deadline              timestamptz not null,
    heartbeats            integer not null,
    ended_at              timestamptz,
    execution_id          text
);
create index ess_action_activity on ess_action (activity_id, batch, position);
create index ess_action_pending on ess_action (hook_id) where status = 'Pending';
