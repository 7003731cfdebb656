-- Executions that people take part in: what comes with an answer.
alter table oos_notice add column said json not null default '{}';
