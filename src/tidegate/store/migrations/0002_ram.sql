-- RAM and STS: identities, keys, policies and what is attached to whom (ram.md 1-4).

-- Every change of RAM adds one in its own transaction and so waits for the change before it: processes drop what they
-- remember when the number has grown, and limits are counted by one writer at a time.
create table ram_epoch (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null
);
insert into ram_epoch (epoch) values (1);

create table ram_account (
    account_id text primary key,
    alias text,
    created timestamptz not null
);

create table ram_user (
    user_id text primary key,
    account_id text not null references ram_account,
    user_name text collate "C" not null,
    display_name text not null,
    mobile_phone text not null,
    email text not null,
    comments text not null,
    created timestamptz not null,
    updated timestamptz not null,
    unique (account_id, user_name)
);

create table ram_access_key (
    access_key_id text primary key,
    account_id text not null references ram_account,
    user_id text references ram_user,  -- null: the account's own key
    sealed_secret bytea not null,
    status text not null check (status in ('Active', 'Inactive')),
    created timestamptz not null
);
create index ram_access_key_owner on ram_access_key (account_id, user_id);

-- Apart from the key, because a use changes no permission and bumps no epoch.
create table ram_access_key_use (
    access_key_id text primary key references ram_access_key on delete cascade,
    used timestamptz not null
);

create table ram_group (
    group_id text primary key,
    account_id text not null references ram_account,
    group_name text collate "C" not null,
    comments text not null,
    created timestamptz not null,
    updated timestamptz not null,
    unique (account_id, group_name)
);

create table ram_membership (
    user_id text references ram_user,
    group_id text references ram_group,
    joined timestamptz not null,
    primary key (user_id, group_id)
);
create index ram_membership_group on ram_membership (group_id);

create table ram_role (
    role_id text primary key,
    account_id text not null references ram_account,
    role_name text collate "C" not null,
    description text not null,
    trust_document text not null,
    max_session_duration integer not null,
    linked_service text,  -- not null: a service-linked role, which nobody but the service changes
    created timestamptz not null,
    updated timestamptz not null
);
create unique index ram_role_name on ram_role (account_id, lower(role_name));

create table ram_policy (
    account_id text references ram_account,
    policy_name text collate "C",
    description text not null,
    default_version integer not null,
    last_version integer not null,  -- version ids are never used again
    created timestamptz not null,
    updated timestamptz not null,
    primary key (account_id, policy_name)
);

create table ram_policy_version (
    account_id text,
    policy_name text collate "C",
    version integer,
    document text not null,
    created timestamptz not null,
    primary key (account_id, policy_name, version),
    foreign key (account_id, policy_name) references ram_policy on delete cascade
);

create table ram_attachment (
    account_id text not null references ram_account,
    entity_type text not null check (entity_type in ('User', 'Group', 'Role')),
    entity_id text,
    policy_type text check (policy_type in ('System', 'Custom')),
    policy_name text collate "C",
    attached timestamptz not null,
    primary key (entity_id, policy_type, policy_name)
);
create index ram_attachment_policy on ram_attachment (account_id, policy_type, policy_name);

create table sts_session (
    access_key_id text primary key,
    role_id text not null references ram_role on delete cascade,
    session_name text not null,
    session_policy text,
    sealed_secret bytea not null,
    sealed_token bytea not null,
    expires timestamptz not null
);
create index sts_session_expires on sts_session (expires);
create index sts_session_role on sts_session (role_id);
