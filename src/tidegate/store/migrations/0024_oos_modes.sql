-- Executions that people and triggers take part in.
--
-- What comes with an answer, or with a trigger's message:
alter table oos_notice add column said json not null default '{}';
-- Of a child that runs a part of its parent's template, what it has from its parent: outputs of tasks before it.
alter table oos_execution add column origin json;
-- Those that run or are queued, for flow control. Neither column changes while an execution goes on, so its updates stay cheap.
create index oos_execution_flow on oos_execution (account_id, region, created_at)
    where ended_at is null and parent_id is null and waiting = '';
