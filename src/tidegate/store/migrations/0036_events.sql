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

-- Executions are written in several places, each a single statement that is worth its speed; so the row itself tells the bus
-- when its status changes. The same as store/events.py publish. ASSUMPTION on the data: the vendor names the type only.
create function oos_execution_told() returns trigger language plpgsql as $$
declare
    wanted boolean := exists (select from event_subscription where account_id = new.account_id);
begin
    insert into event (id, account_id, region, bus, source, type, subject, product, name, level, data, at, pending)
    values (
        upper(gen_random_uuid()::text), new.account_id, new.region, 'default', 'acs.oos',
        'oos:CloudMonitor:Execution[StatusChange]',
        format('acs:oos:%s:%s:execution/%s', new.region, new.account_id, new.id),
        'OOS', 'Execution:StatusChange', case new.status when 'Failed' then 'WARN' else 'INFO' end,
        json_build_object(
            'executionId', new.id, 'status', new.status, 'templateName', new.template_name,
            'templateVersion', new.template_version, 'executedBy', new.executed_by, 'parentExecutionId', new.parent_id
        ),
        new.updated_at, wanted
    );
    if wanted then
        insert into signal (work, at)
        select key, new.updated_at from work where key = 'events/dispatcher' and status = 'Active';
        perform enqueue(array['events/dispatcher']);
    end if;
    return null;
end
$$;
create trigger oos_execution_told after update of status on oos_execution
    for each row when (old.status is distinct from new.status) execute function oos_execution_told();
