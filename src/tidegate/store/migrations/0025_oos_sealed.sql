-- What an execution with secrets really has, sealed by the vault for its id: values of NoEcho parameters, outputs that hold
-- one. The other columns hold masks.
alter table oos_execution add column sealed text not null default '';
