// Programs that look at packets and make their own, with --net-raw: tcpdump and nmap.

import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, sandbox } from '../support/sandbox.ts';

const here = join(import.meta.dirname, 'capture');

describe.skipIf(!canRun)('packets', { timeout: 900_000 }, () => {
  beforeAll(() => void rootfs('capture'), MAKING_MS);

  test('nmap finds what it finds on Linux', async () => {
    const linux = await run('runc', 'scan.sh');
    expect(linux).toContain('8080/tcp open');
    expect(linux).toContain('8081/tcp closed');
    expect(await run(runsc, 'scan.sh')).toBe(linux);
  });

  // The usual way is a ring of blocks; --immediate-mode takes one of frames.
  test.each([['-vv'], ['-vv', '--immediate-mode']])('tcpdump %j shows a connection', async (...flags) => {
    const lines = await run(runsc, 'tcpdump.sh', ...flags, 'tcp port 5000 and host 127.0.0.1');
    expect(lines).not.toContain('incorrect');
    expect(segments(lines)).toEqual(expectedSegments);
    expect(lines).toContain('0 packets dropped by kernel');
  });

  test('tcpdump shows what it shows on Linux of what is refused', async () => {
    const filter = 'udp port 5002 or icmp or tcp port 5001';
    const [linux, ours] = [await run('runc', 'tcpdump.sh', filter), await run(runsc, 'tcpdump.sh', filter)];
    expect(withoutNumbers(linux)).toContain('Flags [R.]');
    expect(withoutNumbers(linux)).toContain('udp port 5002 unreachable');
    expect(withoutNumbers(ours)).toBe(withoutNumbers(linux));
  });

  test('tcpdump shows IPv6', async () => {
    const lines = await run(runsc, 'tcpdump.sh', '-vv', 'ip6');
    expect(lines).toContain('::1.5000: Flags [S], cksum');
    expect(lines).toMatch(/Flags \[P\.\], cksum 0x[0-9a-f]+ \(correct\), seq 1:4, ack 1/);
    expect(lines).not.toContain('incorrect');
  });
});

async function run(runtime: string, script: string, ...args: string[]): Promise<string> {
  const result = await sandbox({
    runtime,
    rootfs: rootfs('capture'),
    args: ['/bin/bash', `/capture/${script}`, ...args],
    mounts: [{ destination: '/capture', type: 'bind', source: here, options: ['bind', 'ro'] }],
    timeoutMs: 400_000,
    flags: ['--network', 'none', '--net-raw'],
  });
  expect(result).toMatchObject({ status: 0, timedOut: false, leftovers: [], stderr: '' });
  return result.stdout;
}

/** Who sent what, with sequence numbers that count from the SYN. */
function segments(lines: string): string[] {
  const found = [...lines.matchAll(/\.(\d+) > .*?Flags \[(.*?)\].*?seq ([\d:]+)(?:, ack (\d+))?/g)];
  return found.map(([, port, flags, seq, ack]) => {
    const from = port === '5000' ? 'server' : 'client';
    // tcpdump counts from the SYN, whose number it shows as it is.
    return `${from} ${flags} ${flags!.startsWith('S') ? 0 : seq} ${flags === 'S' ? 0 : ack}`;
  });
}

const expectedSegments = [
  'client S 0 0',
  expect.stringMatching(/^server S\. 0 \d+$/),
  'client . 1 1',
  'client P. 1:6 1',
  'server . 1 6',
  // What has room in one segment of lo, and the rest.
  'server . 1:65465 6',
  'server P. 65465:100001 6',
  'client . 6 100001',
  'client F. 6 100001',
  'server . 100001 7',
  'server F. 100001 7',
  'client . 7 100002',
];

/** What is another number each time: ports, clocks, identifiers, sequence numbers. */
function withoutNumbers(lines: string): string {
  return lines
    .replace(/127\.0\.0\.1\.\d{5}/g, '127.0.0.1.PORT')
    .replace(/(seq|ack|val|win|id|wscale) \d+/g, '$1 N');
}
