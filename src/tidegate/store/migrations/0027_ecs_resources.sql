-- What stands beside instances: elastic addresses, further network interfaces, disks, snapshots, images, rules, keys.
--
-- A status that passes by itself (Associating, Creating) is written with the moment when it has passed: `passing` is shown
-- until `passes_at`, `status` from then on. Nothing has to happen at that moment, so nothing is lost in a crash.

create table ecs_eip (
    id            text primary key,
    account_id    text not null,
    region        text not null,
    address       text not null unique,
    name          text not null,
    description   text not null,
    bandwidth     integer not null,
    charge_type   text not null,
    isp           text not null,
    -- what it is bound to: an instance or a network interface; empty: nothing
    instance_id   text not null,
    instance_type text not null,
    status        text not null,
    passing       text not null,
    passes_at     timestamptz not null,
    created_at    timestamptz not null
);
create index ecs_eip_place on ecs_eip (account_id, region, created_at desc);
create index ecs_eip_bound on ecs_eip (instance_id) where instance_id <> '';

-- Interfaces beside the primary one, which is part of its instance.
create table ecs_interface (
    id                 text primary key,
    account_id         text not null,
    region             text not null,
    zone               text not null,
    vpc_id             text not null,
    vswitch_id         text not null,
    address            text not null,
    name               text not null,
    description        text not null,
    type               text not null,
    security_group_ids text[] not null,
    instance_id        text not null,
    delete_on_release  boolean not null,
    status             text not null,
    passing            text not null,
    passes_at          timestamptz not null,
    created_at         timestamptz not null
);
create index ecs_interface_place on ecs_interface (account_id, region, created_at desc);
create index ecs_interface_bound on ecs_interface (instance_id) where instance_id <> '';

create view ecs_any_interface as
select id, account_id, region, zone, vpc_id, vswitch_id, address, name, description, type, security_group_ids,
       instance_id, delete_on_release, status, passing, passes_at, created_at
from ecs_interface
union all
select interface_id, account_id, region, zone, vpc_id, vswitch_id, address, '', '', 'Primary', security_group_ids,
       id, true, 'InUse', '', created_at, created_at
from ecs_instance;

-- Disks beside the system disk, which is part of its instance.
create table ecs_disk (
    id                   text primary key,
    account_id           text not null,
    region               text not null,
    zone                 text not null,
    type                 text not null,
    category             text not null,
    size                 integer not null,
    name                 text not null,
    description          text not null,
    image_id             text not null,
    snapshot_id          text not null,
    instance_id          text not null,
    device               text not null,
    delete_with_instance boolean not null,
    policy_id            text not null,
    charge_type          text not null,
    status               text not null,
    passing              text not null,
    passes_at            timestamptz not null,
    attached_at          timestamptz,
    created_at           timestamptz not null
);
create index ecs_disk_place on ecs_disk (account_id, region, created_at desc);
create index ecs_disk_bound on ecs_disk (instance_id) where instance_id <> '';

create view ecs_any_disk as
select id, account_id, region, zone, type, category, size, name, description, image_id, snapshot_id, instance_id, device,
       delete_with_instance, policy_id, charge_type, status, passing, passes_at, attached_at, created_at
from ecs_disk
union all
select disk_id, account_id, region, zone, 'system', coalesce(options->>'disk_category', 'cloud_essd'),
       coalesce((options->>'disk_size')::integer, 20), coalesce(options->>'disk_name', ''),
       coalesce(options->>'disk_description', ''), image_id, '', id, '/dev/xvda', true,
       coalesce(options->>'disk_policy_id', ''), charge_type, 'In_use', '', created_at, created_at, created_at
from ecs_instance;

create table ecs_snapshot (
    id             text primary key,
    account_id     text not null,
    region         text not null,
    name           text not null,
    description    text not null,
    -- user, or auto: made by a policy
    type           text not null,
    disk_id        text not null,
    disk_type      text not null,
    disk_size      integer not null,
    instance_id    text not null,
    -- days; 0: for ever
    retention_days integer not null,
    status         text not null,
    passing        text not null,
    passes_at      timestamptz not null,
    created_at     timestamptz not null
);
create index ecs_snapshot_place on ecs_snapshot (account_id, region, created_at desc);

create table ecs_snapshot_policy (
    id             text primary key,
    account_id     text not null,
    region         text not null,
    name           text not null,
    -- hours of the day and days of the week (Monday is 1), in UTC+8
    time_points    integer[] not null,
    weekdays       integer[] not null,
    -- days; -1: for ever
    retention_days integer not null,
    -- up to when it has done what it says
    done_until     timestamptz not null,
    created_at     timestamptz not null
);

-- Images that accounts made; those of the system are part of the program.
create table ecs_image (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    name        text not null,
    family      text not null,
    version     text not null,
    description text not null,
    -- the system image it descends from: what its instances boot
    base_id     text not null,
    size        integer not null,
    is_copied   boolean not null,
    -- [{device, type, size, snapshot_id}]
    disks       json not null,
    -- accounts it is shared with
    shared_with text[] not null,
    status      text not null,
    passing     text not null,
    passes_at   timestamptz not null,
    created_at  timestamptz not null
);
create index ecs_image_place on ecs_image (account_id, region, created_at desc);

create table ecs_security_rule (
    id              text primary key,
    account_id      text not null,
    region          text not null,
    group_id        text not null references ecs_security_group on delete cascade,
    direction       text not null,
    policy          text not null,
    priority        integer not null,
    protocol        text not null,
    port_range      text not null,
    source_cidr     text not null,
    destination_cidr text not null,
    peer_group_id   text not null,
    nic_type        text not null,
    description     text not null,
    created_at      timestamptz not null
);
create index ecs_security_rule_group on ecs_security_rule (group_id);

create table ecs_key_pair (
    id          text primary key,
    account_id  text not null,
    region      text not null,
    name        text not null,
    fingerprint text not null,
    public_key  text not null,
    created_at  timestamptz not null,
    unique (account_id, region, name)
);
