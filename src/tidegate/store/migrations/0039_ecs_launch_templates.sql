-- Launch templates of ECS (ecs.md 10): a template is its versions, one of which is the default.

create table ecs_launch_template (
    id                text primary key,
    position          bigint generated always as identity,
    account_id        text not null,
    region            text not null,
    name              text not null,
    created_by        text not null,
    resource_group_id text not null,
    tags              jsonb not null,  -- {key: value}
    default_version   integer not null,
    latest_version    integer not null,  -- numbers are never given twice
    created_at        timestamptz not null,
    modified_at       timestamptz not null,
    unique (account_id, region, name)
);

create table ecs_launch_template_version (
    template_id text not null references ecs_launch_template on delete cascade,
    number      integer not null,
    description text not null,
    fields      jsonb not null,  -- as given, under their names in RunInstances
    created_by  text not null,
    created_at  timestamptz not null,
    primary key (template_id, number)
);
