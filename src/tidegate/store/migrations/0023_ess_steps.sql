-- Step rules of Auto Scaling (ess.md 5.3): they have steps in place of one value.

alter table ess_rule alter column adjustment_value drop not null;
alter table ess_rule add column steps jsonb not null default '[]';  -- [{"lower", "upper", "adjustment"}]
alter table ess_rule add column warmup integer;                     -- seconds
