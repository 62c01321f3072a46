-- Run against PostgreSQL 15 with psql -XAt; the output is pg15-columns.golden. Domains are shown as
-- their base type, as clients see them.
select n.nspname, c.relname, c.oid, a.attname, a.attnum,
  case when t.typtype = 'd' then b.typname else t.typname end, a.attnotnull
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
join pg_type t on t.oid = a.atttypid
left join pg_type b on b.oid = t.typbasetype
where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v')
order by 1, 2, 5
