// Network programs and sockets on loopback: what each job is, and the rates a second that it reports.

import { measure, type RuntimeName } from './runtimes.ts';
import { rootfs } from '../test/support/rootfs.ts';

/** What prints `row<tab>rate` lines, given a function `row NAME RATE` and `listening PORT`, which waits. */
const jobs: readonly string[] = [
  '/bench/net',
  `redis-server --port 6379 --save '' --daemonize yes --pidfile /tmp/redis.pid >/dev/null; listening 6379
  bench() { redis-benchmark --csv "$@" | tr -d '"' | awk -F, 'NR > 1 { print $1, $2 }'; }
  bench -t set,get -n 60000 | while read -r name rate; do row "redis $name" "$rate"; done
  bench -t set,get -n 200000 -P 16 | while read -r name rate; do row "redis $name, pipelined 16" "$rate"; done`,
  `mkdir /tmp/www; head -c 600 /dev/zero >/tmp/www/f; printf '%s\n' 'user root; worker_processes 2; pid /tmp/pid; error_log /tmp/err;' \
    'events {} http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;' \
    'uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; server { listen 8080; root /tmp/www; }' \
    'server { listen 8081; keepalive_timeout 0; root /tmp/www; } }' >/tmp/n.conf
  nginx -c /tmp/n.conf; listening 8080
  rate() { wrk -t1 -d2s "$@" | awk '/^Requests/ { print $2 }'; }
  row 'nginx, wrk -c 10' "$(rate -c10 http://127.0.0.1:8080/f)"; row 'nginx, wrk -c 100' "$(rate -c100 http://127.0.0.1:8080/f)"
  row 'nginx, wrk -c 10, no keep-alive' "$(rate -c10 http://127.0.0.1:8081/f)"`,
  `node -e 'require("http").createServer((_, r) => r.end("hello")).listen(8082)' & listening 8082
  row 'node http, wrk -c 20' "$(wrk -t1 -c20 -d3s http://127.0.0.1:8082/ | awk '/^Requests/ { print $2 }')"; kill $!`,
  `iperf3 -s -D; listening 5201
  mb() { iperf3 -c 127.0.0.1 -t 2 -f M "$@" | awk '/receiver/ && !/SUM/ { print $(NF - 2) }'; }
  row 'iperf3, MB' "$(mb)"; row 'iperf3 -R -l 16K, MB' "$(mb -R -l 16K)"`,
];

const functions = `row() { printf '%s\\t%s\\n' "$1" "$2"; }
listening() { until (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; do sleep 0.05; done; }
cd /tmp`;

export const netJobs = jobs.map((script) => ['/bin/bash', '-c', `${functions}\n${script}`]);

/** Runs one job; its rows and rates. */
export function netRates(
  runtime: RuntimeName,
  args: readonly string[],
  bench: string,
  hostNetwork: boolean,
): [string, number][] {
  const { output } = measure(runtime, { rootfs: rootfs('net'), args, bench, hostNetwork });
  return output
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([row, rate]) => [row!, Number(rate)]);
}
