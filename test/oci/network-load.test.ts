// What a sandbox's kernel holds on to after many connections, and while nobody reads.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

const directory = mkdtempSync(join(tmpdir(), 'runsc-network-load-'));
const MIB = 1 << 20;

/** The Sentry's memory in bytes, and how many descriptors it has. */
interface Held {
  readonly memory: number;
  readonly descriptors: number;
}

describe.skipIf(!canRun)('load on sockets', { timeout: 600_000 }, () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(['none', 'host'])('--network %s: nothing piles up in the kernel', async (mode) => {
    const id = `runsc-network-load-${process.pid}-${mode}`;
    const bundle = join(directory, id);
    const root = join(directory, `${id}-state`);
    writeBundle(bundle, {
      rootfs: rootfs('debian'),
      args: ['python3', '/case/network-load.py'],
      mounts: [{ destination: '/case', type: 'bind', source: import.meta.dirname, options: ['bind', 'ro'] }],
    });
    const run = spawn(runsc, ['--root', root, '--network', mode, 'run', '--bundle', bundle, id], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const held = new Map<string, Held>();
    run.stdout.on('data', (line: Buffer) => {
      held.set(line.toString().trim(), heldBy(sentryOf(run.pid!)));
      run.stdin.write('\n');
    });
    expect(await new Promise((ended) => run.on('close', ended))).toBe(0);
    expect([...held.keys()]).toEqual(['warm', 'opened and closed', 'full', 'closed']);
    const [warm, after, full, closed] = [...held.values()] as [Held, Held, Held, Held];
    // Ten thousand in TIME_WAIT, which are kept for a minute, are some megabytes, and garbage that has not been collected
    // is some more; a buffer of each would be gigabytes.
    expect(after.memory - warm.memory).toBeLessThan(200 * MIB);
    expect(after.descriptors - warm.descriptors).toBeLessThan(20);
    // 400 buffers of what a socket holds by default would be 200 MiB.
    expect(full.memory - after.memory).toBeLessThan(150 * MIB);
    expect(closed.descriptors - after.descriptors).toBeLessThan(20);
    expect(await leftoversOf(id, root)).toEqual([]);
  });
});

function sentryOf(launcher: number): number {
  const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim().split(' ');
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'runsc-sentry\n'));
}

function heldBy(pid: number): Held {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return { memory: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}
