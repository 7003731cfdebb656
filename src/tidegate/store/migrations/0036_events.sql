-- The event bus: what the products tell has happened, in the transaction in which it happens.

create table event (
    id         text primary key,
    position   bigint generated always as identity,
    account_id text not null,
    region     text not null,
    bus        text not null,    -- of EventBridge; the products tell "default"
    source     text not null,    -- acs.ess
    type       text not null,    -- ess:LifecycleHook:ScaleOut
    subject    text not null,    -- the ARN of what it happened to
    -- the same as CloudMonitor tells it; product is empty when it does not
    product    text not null,
    name       text not null,
    level      text not null,
    data       json not null,
    at         timestamptz not null,
    -- somebody may want it and has not been asked yet
    pending    boolean not null
);
create index event_pending on event (position) where pending;
create index event_position on event (account_id, region, position);
create index event_at on event (at);

-- Who wants which events. The work is woken for each that matches.
create table event_subscription (
    key        text primary key,
    account_id text not null,
    pattern    json not null,
    work       text not null,
    created_at timestamptz not null
);
create index event_subscription_account on event_subscription (account_id);

-- Events on their way to a subscriber: gone once it has taken them.
create table event_delivery (
    subscription text not null references event_subscription (key) on delete cascade,
    event        text not null references event (id) on delete cascade,
    primary key (subscription, event)
);
create index event_delivery_event on event_delivery (event);

-- EventBridge: buses of users beside the default one, and rules that hand events on.
create table event_bus (
    account_id  text not null,
    region      text not null,
    name        text not null,
    description text not null,
    created_at  timestamptz not null,
    primary key (account_id, region, name)
);
create table event_rule (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    bus         text not null,
    name        text not null,
    description text not null,
    pattern     text not null,   -- JSON, as it was given
    status      text not null check (status in ('ENABLE', 'DISABLE')),
    targets     json not null,
    created_at  timestamptz not null,
    unique (account_id, region, bus, name)
);
