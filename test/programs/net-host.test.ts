// Programs in a container that has a network namespace of the host's, with somebody to talk to: a container of runc in
// another namespace, at the other end of a veth pair. The same talk between two containers of runc is the oracle.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { inSandbox, sameAsRunc } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, type RunResult } from '../support/sandbox.ts';
import { VethPair, INSIDE, OUTSIDE } from '../support/veth.ts';

import type { Mount } from '../../runsc/spec/spec.ts';

const files = mkdtempSync(join(tmpdir(), 'runsc-net-host-'));
const mounts: Mount[] = [
  { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
  {
    destination: '/case',
    type: 'bind',
    source: join(import.meta.dirname, 'net-host'),
    options: ['bind', 'ro'],
  },
  { destination: '/net', type: 'bind', source: join(import.meta.dirname, 'net'), options: ['bind', 'ro'] },
  {
    destination: '/etc/resolv.conf',
    type: 'bind',
    source: join(files, 'resolv.conf'),
    options: ['bind', 'ro'],
  },
  { destination: '/var/log', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
];
writeFileSync(join(files, 'resolv.conf'), `nameserver ${OUTSIDE}\noptions timeout:1 attempts:20\n`);

/** For an outside that serves until the inside has had enough. */
const sayOver = `until (exec 3<>/dev/tcp/${OUTSIDE}/5999) 2>/dev/null; do sleep 0.1; done`;
const awaitOver = `python3 -c 'import socket; socket.create_server(("${OUTSIDE}", 5999)).accept()'`;

interface Talk {
  readonly inside: string;
  readonly outside: string;
  readonly during?: (pair: VethPair) => Promise<void>;
  /** Bound to /tmp/told in the inside. */
  readonly told?: string;
  readonly flags?: readonly string[];
}

/** Both sides' results; the inside runs under `runtime`. */
async function talk(
  runtime: string,
  { inside, outside, during, flags, told }: Talk,
): Promise<[RunResult, RunResult]> {
  const pair = new VethPair();
  try {
    const common = { tree: 'net' as const, mounts, env: ['PYTHONPATH=/case', 'PYTHONDONTWRITEBYTECODE=1'] };
    const far = inSandbox(outside, { ...common, runtime: 'runc', network: pair.path(pair.outside) });
    const near = inSandbox(inside, {
      ...common,
      runtime,
      network: pair.path(pair.inside),
      ...(told === undefined
        ? {}
        : {
            mounts: [...mounts, { destination: '/tmp/told', type: 'bind', source: told, options: ['bind'] }],
          }),
      ...(flags === undefined ? {} : { flags }),
    });
    await during?.(pair);
    return await Promise.all([near, far]);
  } finally {
    pair.remove();
  }
}

async function sameTalk(what: Talk): Promise<RunResult> {
  const theirs = await talk('runc', what);
  expect(theirs[0].timedOut || theirs[1].timedOut, 'the talk itself has to work under runc').toBe(false);
  const ours = await talk(runsc, what);
  expect(ours).toEqual(theirs);
  return ours[0];
}

describe.skipIf(!canRun)('sockets of the host', { timeout: 1_500_000 }, () => {
  beforeAll(() => void rootfs('net'), MAKING_MS);
  afterAll(() => rmSync(files, { recursive: true, force: true }));

  test('TCP', async () => {
    const { stdout } = await sameTalk({
      inside: 'python3 /case/tcp-inside.py',
      outside: 'python3 /case/tcp-outside.py',
    });
    expect(stdout).toContain('slow reader');
  });

  test('UDP', async () => {
    const { stdout } = await sameTalk({
      inside: 'python3 /case/udp-inside.py',
      outside: 'python3 /case/udp-outside.py',
    });
    expect(stdout).toContain("queue b'question' 111 2 3 3");
  });

  test('an interface goes down', async () => {
    const told = mkdtempSync(join(files, 'told-'));
    const listens = join(told, 'listens');
    const { stdout } = await sameTalk({
      inside: 'python3 /case/link.py',
      outside: 'true',
      told,
      during: async (pair) => {
        // Not before the program listens: what it prints comes at its end.
        await vi.waitUntil(() => existsSync(listens), { timeout: 300_000 });
        rmSync(listens);
        pair.setInside('down');
      },
    });
    expect(stdout).toBe('ready\ndown\nconnect ENETUNREACH\nsend ENETUNREACH\n0\n');
  });

  test('curl both ways', async () => {
    const get = (host: string): string => `
      until curl -sf -o /tmp/page http://${host}:8000/etc/debian_version; do sleep 0.1; done
      cat /tmp/page; curl -s -o /dev/null -w '%{http_code} %{size_download}\\n' http://${host}:8000/usr/bin/git`;
    const side = (own: string, other: string): string => `
      cd / && python3 -m http.server --bind ${own} 8000 >/dev/null 2>&1 & server=$!
      ${get(other)}
      until curl -s -o /dev/null http://${own}:8000/etc/hosts; do sleep 0.1; done; echo own
      touch /tmp/done
      until curl -sf http://${other}:8000/tmp/done; do sleep 0.1; done
      # Who has gone has seen it too.
      touch /tmp/over
      until curl -sf http://${other}:8000/tmp/over || [ $? = 7 ]; do sleep 0.1; done
      kill $server`;
    const { stdout } = await sameTalk({ inside: side(INSIDE, OUTSIDE), outside: side(OUTSIDE, INSIDE) });
    expect(stdout).toMatch(/200 \d{6,}\nown\n/);
  });

  test('iperf3 both ways', async () => {
    const run = `iperf3 -c ${OUTSIDE} -t 1 -J`;
    const shown = `python3 -c 'import json, sys; e = json.load(sys.stdin)["end"]; print(*[e[k]["bytes"] > 1e5 for k in ("sum_received", "sum_sent") if k in e], "sum" in e)'`;
    // Between two clients the server closes its socket, and who comes then is turned away, now and then with a report.
    const inside = [
      ...['', '-R', '-P 4', '--bidir', '-u -b 20M', '-u -R -b 20M'].map(
        (more) =>
          `until ${run} ${more} >/tmp/report && grep -q '"sum' /tmp/report; do sleep 0.1; done; ${shown} </tmp/report`,
      ),
      sayOver,
    ].join('\n');
    const outside = `iperf3 -s >/dev/null 2>&1 & ${awaitOver}; kill %1`;
    const { stdout } = await sameTalk({ inside, outside });
    expect(stdout.split('\n')[0]).toBe('True True False');
  });

  test('names', async () => {
    const { stdout } = await sameTalk({
      inside: `
        for name in there.test six.test; do getent hosts $name; done
        dig +short there.test A six.test AAAA; dig +short +tcp there.test; dig +short text.test TXT
        python3 -c 'import socket; print(sorted({a[4][0] for a in socket.getaddrinfo("both.test", 80)}))'
        node -e 'require("dns").lookup("there.test", (e, a) => console.log(e, a))'
        ${sayOver}`,
      outside: `dnsmasq -k -u root --no-resolv --no-hosts --log-facility=- \
        --address=/there.test/192.0.2.7 --host-record=six.test,2001:db8::7 --txt-record=text.test,words \
        --host-record=both.test,192.0.2.8,2001:db8::8 2>/dev/null & ${awaitOver}; kill %1`,
    });
    expect(stdout).toContain('192.0.2.7');
  });

  test('ping, by a ping socket or a raw one', async () => {
    const what = {
      inside: `ping -c 2 -i 0.2 -W 5 ${OUTSIDE} | sed 's/time.*//; s/rtt.*//'; ping -6 -c 1 -W 5 fd00:77::2 | grep -c 'bytes from'`,
      outside: 'sleep 3',
    };
    const theirs = await talk('runc', what);
    const ours = await talk(runsc, { ...what, flags: ['--net-raw'] });
    expect(ours).toEqual(theirs);
    expect(ours[0].stdout).toContain('2 packets transmitted, 2 received, 0% packet loss');
  });

  test('what several processes share', async () => {
    const { stdout } = await sameAsRunc('python3 /case/sharing.py', {
      mounts,
      tree: 'net',
      env: ['PYTHONPATH=/case', 'PYTHONDONTWRITEBYTECODE=1'],
    });
    expect(stdout).toContain('port 80 EACCES');
  });

  test('low ports where the namespace lets everybody have them', async () => {
    const { stdout } = await sameAsRunc(
      `cat /proc/sys/net/ipv4/ip_unprivileged_port_start; python3 -c 'import socket; s = socket.socket(); s.bind(("", 80)); print(s.getsockname())'`,
      { user: { uid: 1000, gid: 1000 }, sysctl: { 'net.ipv4.ip_unprivileged_port_start': '80' } },
    );
    expect(stdout).toBe("80\n('0.0.0.0', 80)\n");
  });

  test('servers are reached from outside', async () => {
    const wait = (port: number): string =>
      `until (exec 3<>/dev/tcp/${INSIDE}/${port}) 2>/dev/null; do sleep 0.1; done`;
    const { stdout } = await sameTalk({
      inside: `
        redis-server --bind ${INSIDE} --protected-mode no --save '' --dir /tmp >/dev/null & redis=$!
        node -e 'require("http").createServer((q, r) => r.end("node " + q.url)).listen(8081, "${INSIDE}")' & node=$!
        mkdir -p /tmp/www /tmp/lib && echo from nginx >/tmp/www/index.html
        printf 'daemon off; pid /tmp/nginx.pid; error_log /tmp/err; worker_processes 2; events {} http { access_log off; client_body_temp_path /tmp/lib/a; proxy_temp_path /tmp/lib/b; fastcgi_temp_path /tmp/lib/c; uwsgi_temp_path /tmp/lib/d; scgi_temp_path /tmp/lib/e; server { listen ${INSIDE}:8082; root /tmp/www; } }' >/tmp/nginx.conf
        chmod 755 /tmp/www; nginx -c /tmp/nginx.conf & nginx=$!
        until [ "$(redis-cli -h ${INSIDE} get finished 2>/dev/null)" = yes ]; do sleep 0.2; done
        kill $redis $node $nginx; wait; echo over`,
      outside: `
        ${[6379, 8081, 8082].map(wait).join('\n')}
        redis-benchmark -h ${INSIDE} -n 2000 -c 20 -t set,get --csv | cut -d, -f1
        redis-benchmark -h ${INSIDE} -n 20000 -P 16 -t get --csv | cut -d, -f1
        curl -s http://${INSIDE}:8081/there; curl -s http://${INSIDE}:8082/
        wrk -t 2 -c 50 -d 1s --timeout 100s http://${INSIDE}:8082/ | grep -c 'Non-2xx\\|Socket errors'
        redis-cli -h ${INSIDE} set finished yes`,
    });
    expect(stdout).toBe('over\n');
  });
});
