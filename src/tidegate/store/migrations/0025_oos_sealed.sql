-- What an execution with secrets really has, sealed by the vault for its id: values of NoEcho parameters, outputs that hold
-- one. The other columns hold masks.
alter table oos_execution add column sealed text not null default '';

-- How many executions a root has started, directly and through others: there is a limit.
alter table oos_execution add column descendants integer not null default 0;
