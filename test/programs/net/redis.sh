. /net/lib.sh
mkdir data
start() {
  redis-server --port 6379 --unixsocket /tmp/redis.sock --dir /tmp/data --save 3600 1 --appendonly yes \
    --daemonize yes --logfile /tmp/redis.log --pidfile /tmp/redis.pid >/dev/null
  until_ok redis-cli ping
}
stop() {
  local pid
  pid=$(cat redis.pid)
  redis-cli shutdown "$@" 2>&1
  until_gone "$pid"
}
info() { redis-cli info persistence | tr -d '\r' | sed -n "s/^$1://p"; }
idle() { [ "$(info rdb_bgsave_in_progress)$(info aof_rewrite_in_progress)" = 00 ]; }

start
redis-cli set a 1
redis-cli incr a
redis-cli -s redis.sock incrby a 5
redis-cli lpush l x y z
redis-cli lrange l 0 -1
seq 1000 | sed 's/.*/set k& v&/' | redis-cli --pipe | tail -1
redis-cli eval 'return redis.call("get", KEYS[1])' 1 k77
redis-cli blpop nothing 0.1
(redis-cli subscribe channel >sub & echo $! >sub.pid)
until_ok grep -q subscribe sub
redis-cli publish channel hello
until_ok grep -q hello sub
kill "$(cat sub.pid)"
head -c 500000 /dev/zero | redis-cli -x set big
redis-cli strlen big

echo == persistence
redis-cli bgsave
until_ok idle
info rdb_last_bgsave_status
redis-check-rdb data/dump.rdb | grep -o 'RDB looks OK'
redis-cli bgrewriteaof >/dev/null
until_ok idle
info aof_last_bgrewrite_status
redis-cli set after rewrite
ls data data/appendonlydir
stop
start
redis-cli get after
redis-cli dbsize
kill -9 "$(cat redis.pid)"
until_gone "$(cat redis.pid)"
start
redis-cli get after
redis-cli dbsize

echo == load
rows() { tr '\r' '\n' | grep -c 'requests per second'; }
redis-benchmark -q -n 10000 -t set,get,lpush,lrange_100 -c 50 | rows
redis-benchmark -q -n 20000 -t set,get -P 16 -s redis.sock | rows
redis-benchmark -q -n 4000 -t ping -c 200 -k 0 2>/dev/null | rows
redis-benchmark -q -n 10000 -t get --threads 2 -c 20 | rows
stop nosave
echo "ended $?"

echo == memcached
memcached -u root -d -p 11311 -U 11311 -P mc.pid
memcached -u root -d -s /tmp/mc.sock -P mc2.pid
until_listening 11311
until_ok test -S mc.sock
printf 'set k 0 0 5\r\nhello\r\nget k\r\nquit\r\n' | nc -N -U mc.sock
printf 'set k 0 0 3\r\ntcp\r\nget k\r\ndelete k\r\nget k\r\nquit\r\n' | nc localhost 11311
kill "$(cat mc.pid)" "$(cat mc2.pid)"
