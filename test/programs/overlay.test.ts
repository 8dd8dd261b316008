// --overlay2: the rootfs stays as it is, and contents go where the medium says.

import { execFileSync } from 'node:child_process';
import { readdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, sandbox } from '../support/sandbox.ts';

const MIB = 1 << 20;

describe.skipIf(!canRun)('overlay2', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-overlay-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (overlay: string, command: string, mounts: Parameters<typeof sandbox>[0]['mounts'] = []) =>
    sandbox({
      runtime: runsc,
      flags: ['--overlay2', overlay],
      rootfs: rootfs('busybox'),
      readonly: false,
      args: ['sh', '-c', command],
      mounts,
      timeoutMs: 500_000,
    });

  test.each(['root:memory', 'root:self', 'dir'])(
    '%s keeps changes for the container alone',
    async (medium) => {
      const overlay = medium === 'dir' ? `root:dir=${directory}` : medium;
      const before = readdirSync(rootfs('busybox')).sort();
      const used = diskUsage();
      const ended = await run(
        overlay,
        'dd if=/dev/urandom of=/new bs=1M count=60 2>/dev/null; sum=$(md5sum </new); mv /new /bin/new; rm -r /home; ' +
          '[ "$sum" = "$(md5sum </bin/new)" ] && cp /bin/new /copy && cmp /copy /bin/new && echo same; stat -c %s /copy',
      );
      expect(ended).toMatchObject({ status: 0, stdout: `same\n${60 * MIB}\n`, leftovers: [] });
      expect(readdirSync(rootfs('busybox')).sort()).toEqual(before);
      expect(readdirSync(directory)).toEqual([]);
      // What was written is given back: nobody is left who could have it open, and it is in no directory.
      expect(diskUsage()).toBe(used);
    },
  );

  test('the contents are on the named disk while the container runs', async () => {
    // /dev/shm is a memory filesystem of its own: what the container writes shows there, and nowhere else would.
    const shm = mkdtempSync('/dev/shm/runsc-overlay-');
    try {
      const free = (): number => statfsSync(shm).bavail * statfsSync(shm).bsize;
      const before = free();
      const source = mkdtempSync(join(directory, 'bind-'));
      const running = run(
        `root:dir=${shm}`,
        'dd if=/dev/zero of=/big bs=1M count=32 2>/dev/null; until [ -e /data/seen ]; do sleep 0.05; done',
        [{ destination: '/data', type: 'bind', source, options: ['rbind', 'ro'] }],
      );
      while (before - free() < 30 * MIB)
        expect(await Promise.race([running, later(100)]), 'it still runs').toBe(undefined);
      writeFileSync(join(source, 'seen'), '');
      expect(await running).toMatchObject({ status: 0 });
      expect(before - free()).toBeLessThan(8 * MIB);
      rmSync(source, { recursive: true });
    } finally {
      rmSync(shm, { recursive: true });
    }
  });

  test('size bounds what can be written', async () => {
    const ended = await run(
      'root:memory,size=8m',
      'dd if=/dev/zero of=/big bs=1M count=20 2>&1; stat -c %s /big',
    );
    expect(ended.stdout).toContain('No space left on device');
    expect(Number(ended.stdout.trim().split('\n').at(-1))).toBe(8 * MIB);
  });

  test('all: binds are kept from changes too; root: they are not', async () => {
    const source = mkdtempSync(join(directory, 'bind-'));
    const mounts = [{ destination: '/data', type: 'bind', source, options: ['rbind', 'rw'] }];
    const command = 'echo x > /data/file; cat /data/file';
    expect(await run('all:memory', command, mounts)).toMatchObject({ status: 0, stdout: 'x\n' });
    expect(readdirSync(source)).toEqual([]);
    expect(await run('root:memory', command, mounts)).toMatchObject({ status: 0, stdout: 'x\n' });
    expect(readdirSync(source)).toEqual(['file']);
    rmSync(source, { recursive: true });
  });

  test('a directory that is not there is an error that names it', async () => {
    const ended = await run('root:dir=/no/such/place', 'true');
    expect(ended).toMatchObject({ status: 1, leftovers: [] });
    expect(ended.stderr).toContain('overlay2: open /no/such/place: no such file or directory');
  });

  function diskUsage(): string {
    return execFileSync('du', ['-s', rootfs('busybox'), directory], { encoding: 'utf8' });
  }
});

function later(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined));
}
