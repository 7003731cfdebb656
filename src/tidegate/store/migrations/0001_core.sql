-- The durable core: work that is driven to its goal, and what its controllers must not forget.
--
-- Payloads are json, not jsonb: they are opaque here, cheaper to write, and may hold a NUL character, which jsonb refuses.

-- One thing driven to its goal. Only the owner of its lease moves it on; others may set control or generation.
create table work (
    key         text primary key,
    kind        text not null,
    parent      text references work (key) on delete set null,
    input       json,
    status      text not null default 'Active' check (status in ('Active', 'Success', 'Failed', 'Cancelled')),
    control     text not null default 'run' check (control in ('run', 'pause', 'cancel')),
    -- raised each time somebody asks again for a goal: an end that was decided before does not count
    generation  bigint not null default 0,
    -- look again then at the latest; null: only a signal moves it
    due_at      timestamptz,
    -- failures in a row, without any progress between them
    attempts    integer not null default 0,
    output      json,
    error       text,
    started_at  timestamptz not null,
    finished_at timestamptz
);
create index work_due on work (due_at, key) where status = 'Active' and due_at is not null;
create index work_parent on work (parent) where parent is not null;
create index work_finished on work (finished_at) where finished_at is not null;

-- Who works on it now. The token fences: it grows with every owner, and every write of an owner asks for it.
create sequence lease_token;
create table lease (
    work     text primary key references work (key) on delete cascade,
    token    bigint not null,
    -- the advisory lock that the owner's process holds as long as it is connected
    node     integer not null,
    -- the queue's job that brought it here: the same job, given out again, may take the lease
    job      bigint,
    taken_at timestamptz not null
);

-- "Look at this." Insert only, so that waking somebody never waits for a row and cannot deadlock.
create table signal (
    id   bigint generated always as identity primary key,
    work text not null references work (key) on delete cascade,
    at   timestamptz not null
);
create index signal_work on signal (work, id);

-- The result of each finished step.
create table journal (
    work   text not null references work (key) on delete cascade,
    name   text not null,
    result json,
    primary key (work, name)
);

-- An open question. Once late is set no answer counts; once answered it is never late.
create table wait (
    key         text primary key,
    work        text not null references work (key) on delete cascade,
    deadline    timestamptz,
    result      json,
    answered_at timestamptz,
    late        boolean not null default false
);
create index wait_work on wait (work);

-- Who holds a key and who queues for it: the lowest position holds it.
create table mutex (
    pos  bigint generated always as identity,
    key  text not null,
    work text not null references work (key) on delete cascade,
    primary key (key, work)
);
create index mutex_order on mutex (key, pos);
create index mutex_work on mutex (work);

-- Answers to calls that carried a ClientToken; see store/tokens.py.
create table client_token (
    account     text not null,
    action      text not null,
    token       text not null,
    fingerprint text not null,
    answer      json,
    at          timestamptz not null,
    primary key (account, action, token)
);
create index client_token_at on client_token (at);
