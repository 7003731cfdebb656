-- Message queues and topics (MNS).

create table mns_queue (
    id                       bigint generated always as identity primary key,
    account_id               text not null,
    region                   text not null,
    name                     text not null,
    delay_seconds            integer not null,
    maximum_message_size     integer not null,
    message_retention_period integer not null,  -- seconds
    visibility_timeout       integer not null,  -- seconds
    polling_wait_seconds     integer not null,
    logging_enabled          boolean not null,
    created_at               timestamptz not null,
    modified_at              timestamptz not null,
    -- until then somebody may be waiting for a message, by the database's own clock; nobody is rung for without
    polled_until             timestamptz,
    unique (account_id, region, name)
);

create table mns_message (
    position          bigint generated always as identity primary key,
    queue_id          bigint not null references mns_queue (id) on delete cascade,
    id                text not null,
    body              text not null,
    priority          smallint not null,  -- 1 comes first
    properties        json,
    enqueued_at       timestamptz not null,
    -- not before: its delay, or the time-out of whoever received it
    visible_at        timestamptz not null,
    expires_at        timestamptz not null,
    first_dequeued_at timestamptz,
    dequeue_count     integer not null,
    unique (queue_id, id)
);
create index mns_message_turn on mns_message (queue_id, priority, visible_at, position);
create index mns_message_expiry on mns_message (expires_at);

create table mns_topic (
    id                       bigint generated always as identity primary key,
    account_id               text not null,
    region                   text not null,
    name                     text not null,
    maximum_message_size     integer not null,
    logging_enabled          boolean not null,
    created_at               timestamptz not null,
    modified_at              timestamptz not null,
    unique (account_id, region, name)
);

create table mns_topic_subscription (
    id              bigint generated always as identity primary key,
    topic_id        bigint not null references mns_topic (id) on delete cascade,
    name            text not null,
    endpoint        text not null,
    filter_tag      text not null,   -- empty: every message
    notify_strategy text not null check (notify_strategy in ('BACKOFF_RETRY', 'EXPONENTIAL_DECAY_RETRY')),
    content_format  text not null check (content_format in ('XML', 'JSON', 'SIMPLIFIED')),
    created_at      timestamptz not null,
    modified_at     timestamptz not null,
    unique (topic_id, name)
);

-- A message that a subscriber could not be given at once: pushed, and pushed again, by a work of its own.
create table mns_push (
    id              bigint generated always as identity primary key,
    subscription_id bigint not null references mns_topic_subscription (id) on delete cascade,
    message_id      text not null,
    body            text not null,
    tag             text not null,
    published_at    timestamptz not null,
    expires_at      timestamptz not null,
    unique (subscription_id, message_id)
);
create index mns_push_expiry on mns_push (expires_at);

-- The key pair that pushes are signed with; the private half is sealed by the vault.
create table mns_signing (
    only_one    boolean primary key default true check (only_one),
    certificate text not null,
    private_key bytea not null
);
