#!/bin/sh
# Records what catalog/system needs to know of PostgreSQL 15: columns of the system
# relations, and the rows of the catalogs that describe built-in objects. Run it
# against a fresh PostgreSQL 15 server: record.sh [psql connection arguments].
set -eu
cd "$(dirname "$0")"
q() { psql -XAtq "$@"; }

# One line "= schema name oid relkind reltype" per relation, then its columns:
# name, type, attnotnull.
q "$@" -F ' ' -c "
select case when attnum = 1 then '= ' || nspname || ' ' || relname || ' ' || c.oid || ' ' ||
         relkind::text || ' ' || reltype || E'\n' else '' end ||
       attname || ' ' || typname || case when attnotnull then ' !' else '' end
from pg_class c
join pg_namespace n on n.oid = relnamespace
join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
join pg_type t on t.oid = atttypid
where nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v')
order by nspname desc, relname, attnum" > columns.txt

# Rows in COPY's text format, columns in order. Names of functions become oids;
# privileges and expression trees are left out.
rows() {
  rel=$1; cond=$2; shift 2
  list=$(q "$@" -c "
    select string_agg(case
      when typname in ('regproc', 'regtype') then attname || '::oid'
      when typname in ('_aclitem', 'pg_node_tree') then 'null'
      else attname end, ', ' order by attnum)
    from pg_attribute join pg_type t on t.oid = atttypid
    where attrelid = '$rel'::regclass and attnum > 0 and not attisdropped")
  order=$(q "$@" -c "select attname from pg_attribute where attrelid = '$rel'::regclass and attnum = 1")
  q "$@" -c "copy (select $list from $rel where $cond order by $order) to stdout" > "$rel.tsv"
}
rows pg_type "oid < 16384 and typnamespace in (11, 'information_schema'::regnamespace) and typrelid = 0
  and not exists (select from pg_type e where e.oid = pg_type.typelem and e.typrelid <> 0)" "$@"
rows pg_operator true "$@"
rows pg_aggregate true "$@"
rows pg_cast true "$@"
rows pg_am true "$@"
rows pg_opclass "opcmethod in (403, 405)" "$@"
rows pg_opfamily "opfmethod in (403, 405)" "$@"
rows pg_amop "amopmethod in (403, 405)" "$@"
rows pg_amproc "amprocfamily in (select oid from pg_opfamily where opfmethod in (403, 405))" "$@"
rows pg_collation "collname in ('default', 'C', 'POSIX', 'ucs_basic')" "$@"
rows pg_language "lanname <> 'plpgsql'" "$@"
rows pg_range true "$@"
rows pg_tablespace "oid in (1663, 1664)" "$@"
rows pg_proc "pronamespace = 11" "$@"
q "$@" -c "copy (select word, catcode, barelabel, catdesc, baredesc from pg_get_keywords()
  order by 1) to stdout" > keywords.tsv
