-- Load balancers, server groups and databases that a scaling group keeps in step (ess.md 3.4).

alter table ess_group
    add column bindings jsonb not null default '[]';  -- [{"kind", "id", "balancer_id", "port", "weight", "type"}]
