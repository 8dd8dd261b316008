// linux.resources against runc: what the host's cgroup files hold then, which values are refused, and pure v2 hosts.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readCgroupHost } from '../../runsc/sandbox/cgroup-mounts.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

const RUNTIMES = ['runc', runsc] as const;
const v1 = !readCgroupHost().unified && readCgroupHost().hierarchies.length > 0;

describe.skipIf(!canRun)('linux.resources', { timeout: 600_000 }, () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-cgroups-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The files of the container's cgroups whose values are the same for both, or the error. */
  async function effect(program: string, resources: object, files: readonly string[]): Promise<string[]> {
    const used = new Runtime(program, mkdtempSync(join(directory, 'x-')));
    const id = used.id('c');
    const cgroupsPath = `/runsc-test/${id}`;
    used.configure({ args: ['sleep', '1000'], linux: { resources, cgroupsPath } });
    const { status, stderr } = await used.create('c');
    const text = (/level=error msg="(.*)"\n/.exec(stderr)?.[1] ?? '').replace(
      /^.*?: (?=[^:]*(cannot|failed|invalid|the (min|max)))/,
      '',
    );
    const found = files.map((file) => `${file} ${readEverywhere(cgroupsPath, file)}`);
    await used.call('delete', '--force', 'c');
    expect(await used.leftovers(), program).toEqual([]);
    removeParents();
    return status === 0
      ? found
      : [text.replaceAll(id, 'ID').replace(/^.*: (?=cannot|failed to|invalid|the m)/, '')];
  }

  test.runIf(v1).each<[object, string[]]>([
    [
      { memory: { limit: 100 << 20, swap: 200 << 20, reservation: 50 << 20, swappiness: 10 } },
      [
        'memory.limit_in_bytes',
        'memory.memsw.limit_in_bytes',
        'memory.soft_limit_in_bytes',
        'memory.swappiness',
      ],
    ],
    [{ memory: { limit: -1, disableOOMKiller: true } }, ['memory.limit_in_bytes', 'memory.oom_control']],
    [
      { cpu: { shares: 500, quota: 20_000, period: 50_000, burst: 1000 } },
      ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
    ],
    [{ cpu: { quota: -1 } }, ['cpu.cfs_quota_us']],
    [{ cpu: { cpus: '0', mems: '0' } }, ['cpuset.cpus', 'cpuset.mems']],
    [{ pids: { limit: 1000 } }, ['pids.max']],
    [{ pids: { limit: -1 } }, ['pids.max']],
    [
      { blockIO: { throttleReadBpsDevice: [{ major: 254, minor: 0, rate: 1 << 20 }] } },
      ['blkio.throttle.read_bps_device'],
    ],
    [{ blockIO: { weight: 500 } }, ['blkio.weight', 'blkio.bfq.weight']],
    // What the kernel or runc refuses, in the same words.
    [{ hugepageLimits: [{ pageSize: '2MB', limit: 1 << 20 }] }, []],
    [{ network: { classID: 100 } }, []],
    [{ network: { priorities: [{ name: 'lo', priority: 3 }] } }, []],
    [{ rdma: { mlx5: { hcaHandles: 3 } } }, []],
    [{ memory: { swappiness: 101 } }, []],
    [{ cpu: { shares: 1 } }, []],
    [{ cpu: { shares: 262_145 } }, []],
    [{ unified: { 'memory.high': '1' } }, []],
  ])('%j', async (resources, files) => {
    const [theirs, ours] = await Promise.all(RUNTIMES.map((program) => effect(program, resources, files)));
    expect(ours).toEqual(theirs);
  });

  const kvm = { type: 'c', major: 10, minor: 232 };
  test.runIf(v1).each<[string, object[]]>([
    ['none', []],
    [
      'as engines say it',
      [
        { allow: false, access: 'rwm' },
        { allow: true, ...kvm, access: 'rw' },
      ],
    ],
    [
      'taken back in part',
      [
        { allow: true, ...kvm, access: 'rwm' },
        { allow: false, ...kvm, access: 'w' },
        { allow: false, type: 'c', major: 1, minor: 3, access: 'rwm' },
      ],
    ],
    ['block devices', [{ allow: true, type: 'b', major: 8, access: 'r' }]],
    ['all', [{ allow: true, access: 'rwm' }]],
    [
      'all, then none',
      [
        { allow: true, access: 'rwm' },
        { allow: false, type: 'a', access: 'rwm' },
      ],
    ],
  ])('devices: %s', async (_name, devices) => {
    const lists = RUNTIMES.map(async (program) => {
      const used = new Runtime(program, mkdtempSync(join(directory, 'x-')));
      const cgroupsPath = `/runsc-test/${used.id('c')}`;
      used.configure({ args: ['sleep', '1000'], linux: { resources: { devices }, cgroupsPath } });
      expect((await used.create('c')).status).toBe(0);
      const list = readFileSync(join('/sys/fs/cgroup/devices', cgroupsPath, 'devices.list'), 'utf8');
      await used.call('delete', '--force', 'c');
      expect(await used.leftovers(), program).toEqual([]);
      return list.trim().split('\n').sort();
    });
    const [theirs, ours] = await Promise.all(lists);
    removeParents();
    expect(ours).toEqual(theirs);
  });

  test('a v2 host: limits, statistics, updates, pausing', async () => {
    const id = `runsc-test-${process.pid}-v2`;
    const bundle = join(directory, 'v2');
    writeBundle(bundle, {
      rootfs: rootfs('busybox'),
      args: ['sleep', '1000'],
      resources: {
        hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }],
        unified: { 'cgroup.max.depth': '3' },
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
        ],
      },
    });
    const cgroup = `/sys/fs/cgroup/${id}`;
    const call = `${runsc} --root ${directory}/v2-root`;
    const script = `umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; set -e
      ${call} create -b ${bundle} ${id} >/dev/null 2>&1; ${call} start ${id}
      cat ${cgroup}/hugetlb.2MB.max ${cgroup}/cgroup.max.depth
      grep -c . ${cgroup}/cgroup.procs
      ( echo $(sh -c 'echo $PPID') > ${cgroup}/cgroup.procs
        for open in '<>/dev/null' '</dev/zero' '</dev/kmsg' '>>/dev/kmsg'; do
          ( eval "exec 3$open" ) 2>/dev/null && echo "opens $open" || echo "does not open $open"
        done; mknod ${bundle}/node c 1 11 && echo mknod ) | tr '\\n' ','; echo
      ${call} pause ${id}; ${call} state ${id} | grep status; ${call} resume ${id}
      ${call} events --stats ${id}
      echo '{"hugepageLimits":[{"pageSize":"2MB","limit":8388608}]}' | ${call} update -r - ${id}
      cat ${cgroup}/hugetlb.2MB.max
      ${call} update --memory 100m ${id} 2>&1 || true
      ${call} delete --force ${id}; ls -d ${cgroup} 2>&1 || true`;
    const ran = await execute('unshare', ['-m', '--propagation=private', 'sh', '-c', script]);
    const lines = ran.stdout.trim().split('\n');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(lines.slice(0, 2)).toEqual(['4194304', '3']);
    expect(Number(lines[2])).toBeGreaterThan(3);
    expect(lines.splice(3, 1)).toEqual([
      'opens <>/dev/null,opens </dev/zero,opens </dev/kmsg,does not open >>/dev/kmsg,mknod,',
    ]);
    expect(lines[3]).toContain('paused');
    const stats = JSON.parse(lines[4]!) as { data: { cpu: { usage: { total: number } }; hugetlb: object } };
    expect(stats.data.cpu.usage.total).toBeGreaterThan(0);
    expect(stats.data.hugetlb).toMatchObject({ '2MB': { limit: 8388608 / 2, failcnt: 0 } });
    expect(lines[5]).toBe('8388608');
    // This host's v2 has no memory controller.
    expect(lines[6]).toMatch(/failed to write .*memory\.max: no such file or directory/);
    expect(lines[7]).toMatch(/No such file or directory/);
    expect(await leftoversOf(id, join(directory, 'v2-root'))).toEqual([]);
  });
});

/** The value of a file in whichever hierarchy has it. */
function readEverywhere(cgroupsPath: string, file: string): string {
  for (const { mountPoint } of readCgroupHost().hierarchies) {
    const path = join(mountPoint, cgroupsPath, file);
    if (existsSync(path)) return readFileSync(path, 'utf8').trim().split('\n')[0]!;
  }
  return 'is not there';
}

/** Runtimes leave the directories above the container's. */
function removeParents(): void {
  for (const { mountPoint } of readCgroupHost().hierarchies) {
    const path = join(mountPoint, 'runsc-test');
    if (
      existsSync(path) &&
      readdirSync(path, { withFileTypes: true }).every((entry) => !entry.isDirectory())
    ) {
      spawnSync('rmdir', [path]);
    }
  }
}
