// Servers and clients of Debian in one container each, over the Sentry's own loopback and over the network
// namespace's: what they print has to be what they print under runc. The scripts are in net/.

import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { sameAsRunc } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';

import type { Mount } from '../../runsc/spec/spec.ts';

const tmpfs = (destination: string): Mount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', 'mode=755'],
});
const mounts: Mount[] = [
  tmpfs('/run'),
  tmpfs('/root'),
  tmpfs('/var/log'),
  {
    destination: '/net',
    type: 'bind',
    source: join(import.meta.dirname, 'net'),
    options: ['bind', 'ro'],
  },
];

const modes = [
  ['--network', 'none'],
  ['--network', 'host'],
];
/** As container engines set it: everybody may ping. */
const sysctl = { 'net.ipv4.ping_group_range': '0 2147483647' };

/** What to run, and a line that shows that it really did. */
const programs: Record<string, [script: string, shows: string]> = {
  'redis and memcached': ['. /net/redis.sh', 'RDB looks OK'],
  'nginx and caddy': ['. /net/nginx.sh', 'hi 127.0.0.1 200\nserved\n'],
  postgres: ['. /net/postgres.sh', 'number of transactions actually processed: 2000/2000'],
  'curl, wget, socat, netcat': ['. /net/clients.sh', 'VIA UNIX'],
  'iperf3, dnsmasq, dig': ['. /net/iperf.sh', 'None True\nNone True'],
  'ssh, rsync and git daemons': ['. /net/ssh.sh', 'synced'],
  'apt from a local mirror': ['. /net/apt.sh', 'Setting up hello-test (1.0)'],
  'interfaces and names': ['. /net/interfaces.sh', 'inet 127.0.0.1/8 scope host lo'],
  node: ['. /net/languages.sh node /net/servers.mjs', 'h2 /49'],
  'node cluster': [
    'node /net/cluster.cjs; NODE_CLUSTER_SCHED_POLICY=none node /net/cluster.cjs',
    'others go on',
  ],
  python: ['. /net/languages.sh python3 /net/sockets.py', 'ForkingTCPServer'],
  'grpc over loopback': ['python3 /net/grpc-calls.py 2>&1', '[::1]:50052'],
  java: ['java -Xshare:auto /net/HttpTest.java', 'got 500000 /x'],
};

describe.skipIf(!canRun)('network programs', () => {
  beforeAll(() => void rootfs('net'), MAKING_MS);

  test.each(Object.entries(programs))('%s', { timeout: 1_500_000 }, async (_name, [script, shows]) => {
    const { stdout } = await sameAsRunc(script, {
      tree: 'net',
      mounts,
      sysctl,
      flagSets: modes,
    });
    expect(stdout).toContain(shows);
  });
});
