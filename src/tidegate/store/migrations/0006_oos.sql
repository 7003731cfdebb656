-- Runbooks: templates with their versions, and executions whose rows are their own journal.
--
-- Payloads are json, not jsonb: opaque here, cheaper to write, and they may hold a NUL character. Tags are looked into.

-- The texts of templates, kept once each: versions and executions refer to them by their SHA-256.
create table oos_content (
    hash    text primary key,
    content text not null
);

create table oos_template (
    account_id        text not null,
    region            text not null,
    name              text not null,
    id                text not null unique,
    -- the newest version
    version           integer not null,
    -- Automation | State | Package
    kind              text not null,
    -- YAML | JSON
    format            text not null,
    description       text,
    hash              text not null references oos_content (hash),
    -- TimerTrigger | EventTrigger | AlarmTrigger | Other
    category          text not null,
    tags              jsonb not null default '{}',
    resource_group_id text,
    created_by        text not null,
    created_at        timestamptz not null,
    updated_by        text not null,
    updated_at        timestamptz not null,
    primary key (account_id, region, name)
);

create table oos_template_version (
    template_id  text not null references oos_template (id) on delete cascade,
    version      integer not null,
    version_name text,
    format       text not null,
    description  text,
    hash         text not null references oos_content (hash),
    updated_by   text not null,
    updated_at   timestamptz not null,
    primary key (template_id, version)
);

create table oos_execution (
    id                text primary key,
    account_id        text not null,
    region            text not null,
    template_name     text,
    template_id       text,
    template_version  text,
    -- Private | Public
    share_type        text not null,
    hash              text not null references oos_content (hash),
    status            text not null,
    status_message    text not null default '',
    -- Approve | Pause | BatchPause | FailurePause while somebody must decide, else empty
    waiting           text not null default '',
    mode              text not null,
    loop_mode         text not null,
    safety_check      text not null,
    category          text not null,
    executed_by       text not null,
    -- who acts when the template's RamRole is empty
    principal         json not null,
    ram_role          text not null,
    parameters        json not null,
    -- names of the parameters whose values are never shown
    secrets           json not null,
    outputs           json,
    parent_id         text,
    description       text,
    tags              jsonb not null default '{}',
    resource_group_id text,
    created_at        timestamptz not null,
    started_at        timestamptz not null,
    updated_at        timestamptz not null,
    ended_at          timestamptz
);
create index oos_execution_started on oos_execution (account_id, region, started_at desc, id desc);
create index oos_execution_parent on oos_execution (parent_id) where parent_id is not null;
create index oos_execution_template on oos_execution (account_id, region, template_name);

-- One start of one task, or of one item of a looped task; a finished one is never run again.
create table oos_task (
    id             text primary key,
    execution_id   text not null references oos_execution (id) on delete cascade,
    -- the looped task, for an item
    parent_id      text,
    -- order of start, from 1: among the execution's tasks, or among the items of a looped task
    number         integer not null,
    name           text not null,
    action         text not null,
    status         text not null,
    status_message text not null default '',
    -- of a looped task: its items and its rate control; of an item: its value and the number of its batch
    loop           json,
    item           json,
    batch          integer,
    -- as evaluated at the start: the same at every look
    properties     json not null,
    polling        json not null,
    outputs        json not null,
    -- where ACS::Choice goes
    jump           text,
    -- what the action wants to know at its next look, which is due at ...
    memo           json not null,
    due_at         timestamptz,
    created_at     timestamptz not null,
    started_at     timestamptz not null,
    updated_at     timestamptz not null,
    ended_at       timestamptz
);
create unique index oos_task_number on oos_task (execution_id, number) where parent_id is null;
create unique index oos_task_item on oos_task (parent_id, number) where parent_id is not null;

-- What people answered to an execution that waits for them; gone once it is taken into account.
create table oos_notice (
    execution_id text not null references oos_execution (id) on delete cascade,
    number       bigint generated always as identity,
    kind         text not null,
    sender       text not null,
    note         text not null,
    primary key (execution_id, number)
);

create table oos_log (
    execution_id      text not null references oos_execution (id) on delete cascade,
    number            bigint generated always as identity,
    at                timestamptz not null,
    task_execution_id text not null,
    message           text not null,
    primary key (execution_id, number)
);
