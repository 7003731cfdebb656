-- Parameter Store: parameters and secret parameters with all their versions; secrets in task executions.

create table oos_parameter (
    account_id        text not null,
    region            text not null,
    -- secret parameters have names of their own
    is_secret         boolean not null,
    name              text not null,
    id                text not null unique,
    -- String | StringList | Secret
    kind              text not null,
    -- the newest
    version           integer not null,
    constraints       json,
    description       text,
    tags              jsonb not null default '{}',
    resource_group_id text,
    key_id            text,
    dkms_instance_id  text,
    created_by        text not null,
    created_at        timestamptz not null,
    updated_by        text not null,
    updated_at        timestamptz not null,
    primary key (account_id, region, is_secret, name)
);

create table oos_parameter_version (
    parameter_id text not null references oos_parameter (id) on delete cascade,
    version      integer not null,
    -- one of the two: open, or sealed by the vault for "<id>/<version>"
    value        text,
    sealed       bytea,
    updated_by   text not null,
    updated_at   timestamptz not null,
    primary key (parameter_id, version),
    check ((value is null) <> (sealed is null))
);

-- What a task that reads secret parameters really runs with, sealed by the vault for the task's id; its properties are masked.
alter table oos_task add column sealed text not null default '';
