// Cgroups: v1 or v2 as the host has them, v2 alone, read-only, and none at all.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, cgroupsOf, Fixture, leftovers, processesOf, until } from './sandbox-fixture.ts';

/** The hosts are made by mount commands in a mount namespace of their own. */
const hosts = {
  v2: 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup',
  none: 'umount -R /sys/fs/cgroup',
  readonly:
    'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; mount -o remount,bind,ro /sys/fs/cgroup',
};

describe.skipIf(!canRun)('cgroups', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.make();
  });
  afterAll(() => fixture.remove());

  test('limits are in the cgroup before the container runs, and everything is in it', async () => {
    const id = fixture.newId();
    const linux = {
      cgroupsPath: `/${id}`,
      resources: {
        memory: { limit: 268435456 },
        pids: { limit: 300 },
        cpu: { shares: 512, quota: 50000, period: 100000 },
      },
    };
    const run = fixture.run(id, fixture.bundle(id, ['sleep'], { linux }));
    await until(
      'output',
      () => run.output.stdout,
      (text) => text.includes('ready'),
    );
    const read = (file: string): string => {
      const found = cgroupsOf(id)
        .map((directory) => join(directory, file))
        .find((path) => existsSync(path));
      return found === undefined ? `no ${file}` : readFileSync(found, 'utf8').trim();
    };
    const v2 = read('memory.max') !== 'no memory.max';
    expect(read(v2 ? 'memory.max' : 'memory.limit_in_bytes')).toBe('268435456');
    expect(read('pids.max')).toBe('300');
    if (v2) {
      expect(read('cpu.max')).toBe('50000 100000');
    } else {
      expect(read('cpu.shares')).toBe('512');
      expect(read('cpu.cfs_quota_us')).toBe('50000');
    }
    const members = new Set(read('cgroup.procs').split('\n').map(Number));
    for (const { pid, role } of processesOf(id)) expect(members.has(pid), role).toBe(role !== 'janitor');
    run.child.kill('SIGTERM');
    await run.ended;
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('a host with v2 alone: the container has a cgroup, and none afterwards', () => {
    const { id, status, stdout } = runOn('v2', ['sleep'], {}, true);
    expect(stdout).toContain(`cgroup /sys/fs/cgroup/${id}`);
    expect(status).toBe(143);
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('a limit that the host has no controller for fails the container, by name', () => {
    const linux = { resources: { memory: { limit: 268435456 } } };
    const { id, status, stderr } = runOn('v2', ['exit', '0'], { linux });
    expect(status).toBe(1);
    expect(stderr).toContain(
      `runsc run failed: write /sys/fs/cgroup/${id}/memory.max: no such file or directory`,
    );
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('without any cgroups a container runs, unless it wants limits', () => {
    expect(runOn('none', ['exit', '3']).status).toBe(3);
    const limited = runOn('none', ['exit', '3'], { linux: { resources: { pids: { limit: 5 } } } });
    expect(limited.status).toBe(1);
    expect(limited.stderr).toContain('linux.resources: no cgroup hierarchy is mounted');
  });

  test('read-only cgroups stop `run`, and not `do`', () => {
    const { id, status, stderr } = runOn('readonly', ['exit', '3']);
    expect(status).toBe(1);
    expect(stderr).toContain(`runsc run failed: mkdir /sys/fs/cgroup/${id}: read-only file system`);
    expect(runOn('readonly', ['exit', '3'], {}, false, { doMode: true }).status).toBe(3);
  });

  /** With `look`, the container is ended from outside once it runs, and its cgroup directories are printed. */
  function runOn(
    host: keyof typeof hosts,
    args: readonly string[],
    changes: Record<string, unknown> = {},
    look = false,
    request: Record<string, unknown> = {},
  ): { id: string; status: number | null; stdout: string; stderr: string } {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, args, changes);
    const command = [process.execPath, ...fixture.command(bundle, id, request)]
      .map((word) => `'${word}'`)
      .join(' ');
    const script = !look
      ? `${hosts[host]}; exec ${command}`
      : `${hosts[host]}; ${command} >${bundle}/output & pid=$!; i=0
           until grep -q ready ${bundle}/output || [ $i -gt 3000 ]; do sleep 0.02; i=$((i+1)); done
           find /sys/fs/cgroup -name ${id} -printf 'cgroup %p\\n'; kill -TERM $pid; wait $pid`;
    const result = spawnSync('unshare', ['-m', '--propagation=private', 'sh', '-c', script], {
      encoding: 'utf8',
    });
    return { id, status: result.status, stdout: result.stdout, stderr: result.stderr };
  }
});
