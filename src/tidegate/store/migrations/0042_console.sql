-- What the console tells and no API does: first connections, and the decisions about the calls of runbooks.

-- When an address first came in since it is on a whitelist, as its gate saw it; the latest are kept.
create table kvstore_connection (
    id bigint generated always as identity primary key,
    instance_id text not null references kvstore_instance on delete cascade,
    address text not null,
    at timestamptz not null
);
create index kvstore_connection_address on kvstore_connection (instance_id, address, at);

-- What RAM decided about calls made in the session of an execution; the latest are kept.
create table ram_decision (
    id bigint generated always as identity primary key,
    session text not null,
    at timestamptz not null,
    action text not null,
    resource text not null,
    kind text not null,
    -- empty where no statement spoke of it
    policy text not null,
    policy_type text not null,
    statement integer
);
create index ram_decision_session on ram_decision (session, id);

-- Passwords of RAM users, for the console.
create table ram_login_profile (
    user_id text primary key references ram_user on delete cascade,
    hash text not null,
    -- the hashes before it, the latest first
    former text[] not null,
    reset_required boolean not null,
    mfa_required boolean not null,
    created timestamptz not null,
    -- when the password was last changed: sessions opened with an older one are over
    changed timestamptz not null,
    -- failures in a row, since when
    failures integer not null default 0,
    failing_since timestamptz,
    last_login timestamptz
);

-- An account without a row has the default policy.
create table ram_password_policy (
    account_id text primary key references ram_account on delete cascade,
    policy jsonb not null
);
