. /net/lib.sh
bin=/usr/lib/postgresql/15/bin
mkdir /run/pg
chown postgres /run/pg
as() { gosu postgres "$@"; }
control() {
  as $bin/pg_ctl -D /tmp/pg -w -t 300 -l /tmp/pg.log \
    -o '-c listen_addresses=localhost -c unix_socket_directories=/run/pg' "$@" >/dev/null
  echo "pg_ctl $*: $?"
}
as $bin/initdb -D /tmp/pg -A trust -U postgres >initdb.log 2>&1
echo "initdb: $?"
control start
export PGHOST=localhost PGUSER=postgres
psql -Atc 'select 1 + 1'
psql -h /run/pg -Atc 'show server_version_num'
createdb bench
pgbench -i -s 1 -q bench 2>/dev/null
pgbench -c 8 -j 2 -t 40 bench 2>/dev/null | grep -E 'processed|failed|clients'
pgbench -h /run/pg -S -c 20 -t 100 -M prepared bench 2>/dev/null | grep -E 'processed|failed|clients'
psql -At bench <<'S'
select count(*), sum(abalance) = (select sum(tbalance) from pgbench_tellers) from pgbench_accounts;
create table t(a int primary key, b text);
insert into t select i, md5(i::text) from generate_series(1, 20000) i;
select sum(length(b)) from t;
create index on t(b);
analyze t;
explain (costs off) select * from t where b = 'x';
copy (select * from t where a < 3) to stdout;
select inet_client_addr(), inet_server_port(), pg_sleep(0.02);
vacuum;
checkpoint;
S
seq 10 | xargs -P 10 -I% psql -At bench -c 'select %' | sort -n | tr '\n' ' '
echo
mkfifo holder
psql -At bench <holder >/dev/null &
exec 9>holder
echo 'begin; lock table t;' >&9
until_ok sh -c 'psql -At bench -c "select mode from pg_locks where relation = '"'t'"'::regclass" | grep -q Exclusive'
PGOPTIONS='-c lock_timeout=50' psql -At bench -c 'select 1 from t limit 1' 2>&1 | head -1
exec 9>&-
wait
control -m immediate stop
control start
psql -At bench -c 'select count(*) from t'
pg_dump bench | grep -c '^CREATE'
control -m fast stop
grep -c 'database system is ready' pg.log
ls /run/pg
