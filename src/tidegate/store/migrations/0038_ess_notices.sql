-- What Auto Scaling tells queues and topics: who wants which events, and what is on its way.

create table ess_notification (
    group_id   text not null references ess_group (id) on delete cascade,
    position   bigint generated always as identity,
    arn        text not null,
    types      text[] not null,
    encoding   text not null check (encoding in ('Base64', 'PlainText')),
    time_zone  text not null,
    created_at timestamptz not null,
    primary key (group_id, arn)
);

-- Written in the transaction of what it tells about, sent by a work, gone once it was taken. It outlives its group.
create table ess_message (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    kind        text not null check (kind in ('queue', 'topic')),
    name        text not null,
    body        text not null,
    activity_id text,
    -- a hook's message: pointless once the wait is over
    token       text,
    until       timestamptz not null
);
