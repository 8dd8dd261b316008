// Cgroup paths and limits against what runc does with the same config.json.

import { describe, expect, test } from 'vitest';

import { limitsV1 } from '../../../runsc/sandbox/cgroup-limits-v1.ts';
import { limitsV2, weightOfShares } from '../../../runsc/sandbox/cgroup-limits-v2.ts';
import { parseCgroupHost } from '../../../runsc/sandbox/cgroup-mounts.ts';
import { cgroupDirectory } from '../../../runsc/sandbox/cgroup-path.ts';
import {
  listToBits,
  resourceProperties,
  systemdUnit,
  unitCgroup,
} from '../../../runsc/sandbox/systemd-unit.ts';
import { planCgroups } from '../../../runsc/sandbox/cgroup-plan.ts';
import { LaunchPlan } from '../../../runsc/sandbox/launch-plan.ts';

const V1 = parseCgroupHost(
  [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
  ].join('\n'),
  ['9:name=systemd:/user', '4:memory:/outer/own', '1:cpu,cpuacct:/', '0::/scope'].join('\n'),
);
const V2 = parseCgroupHost(
  '41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw',
  '0::/user.slice/a.scope\n',
);

describe('hierarchies of the host', () => {
  test('v1 controllers, named hierarchies and the unified one beside them', () => {
    expect(V1.unified).toBe(false);
    expect(V1.hierarchies).toEqual([
      {
        version: 1,
        mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
        controllers: ['cpu', 'cpuacct'],
        own: '/sys/fs/cgroup/cpu,cpuacct',
      },
      {
        version: 1,
        mountPoint: '/sys/fs/cgroup/memory',
        controllers: ['memory'],
        own: '/sys/fs/cgroup/memory/outer/own',
      },
      {
        version: 1,
        mountPoint: '/sys/fs/cgroup/systemd',
        controllers: ['name=systemd'],
        own: '/sys/fs/cgroup/systemd/user',
      },
      {
        version: 2,
        mountPoint: '/sys/fs/cgroup/unified',
        controllers: [],
        own: '/sys/fs/cgroup/unified/scope',
      },
    ]);
  });

  test('v2 alone', () => {
    expect(V2.unified).toBe(true);
    expect(V2.hierarchies[0]?.own).toBe('/sys/fs/cgroup/user.slice/a.scope');
  });

  test('a mount that shows only a part of the hierarchy, at a path with a blank', () => {
    const host = parseCgroupHost(
      '35 31 0:32 /docker/abc /cg\\040mem rw - cgroup cgroup rw,memory',
      '4:memory:/docker/abc/inner',
    );
    expect(host.hierarchies[0]).toMatchObject({ mountPoint: '/cg mem', own: '/cg mem/inner' });
  });

  test('no hierarchy at all', () => {
    expect(parseCgroupHost('22 27 0:21 / /proc rw - proc proc rw', '')).toEqual({
      hierarchies: [],
      unified: false,
    });
  });
});

describe('the container’s directory', () => {
  const memory = V1.hierarchies[1]!;
  test.each([
    ['', '/sys/fs/cgroup/memory/outer/own/c1'],
    ['/a/b', '/sys/fs/cgroup/memory/a/b'],
    ['a/b', '/sys/fs/cgroup/memory/outer/own/a/b'],
    ['/../../etc', '/sys/fs/cgroup/memory/etc'],
    ['../../../etc', '/sys/fs/cgroup/memory/outer/own/etc'],
  ])('v1, cgroupsPath %j', (path, directory) => {
    expect(cgroupDirectory(memory, V1, path, 'c1')).toBe(directory);
  });

  test.each([
    ['', '/sys/fs/cgroup/user.slice/c1'],
    ['/a/b', '/sys/fs/cgroup/a/b'],
    ['a/b', '/sys/fs/cgroup/user.slice/a/b'],
  ])('v2, cgroupsPath %j', (path, directory) => {
    expect(cgroupDirectory(V2.hierarchies[0]!, V2, path, 'c1')).toBe(directory);
  });

  test.each([
    ['system.slice:docker:abc', '/system.slice/docker-abc.scope'],
    ['a-b-c.slice:cri:abc', '/a.slice/a-b.slice/a-b-c.slice/cri-abc.scope'],
    ['-.slice:cri:abc', '/cri-abc.scope'],
    ['user.slice::unit.slice', '/user.slice/unit.slice'],
    ['', '/system.slice/runsc-c1.scope'],
  ])('systemd’s %j', (path, directory) => {
    expect(unitCgroup(systemdUnit(path, 'c1'))).toBe(directory);
  });

  test.each(['a/b', 'a:b', 'a:b:c:d'])('systemd’s %j is refused', (path) => {
    expect(() => systemdUnit(path, 'c1')).toThrow(
      /^expected cgroupsPath to be of format "slice:prefix:name"/,
    );
  });

  test.each(['a', 'a.scope', '-a.slice', 'a--b.slice', 'a-.slice', 'a/b.slice', '.slice'])(
    'the slice %j is refused',
    (slice) => {
      expect(() => unitCgroup(systemdUnit(`${slice}:p:n`, 'c1'))).toThrow(`invalid slice name: ${slice}`);
    },
  );

  test('systemd’s masks of CPUs', () => {
    expect(listToBits('0')).toEqual([1]);
    expect(listToBits('1-3,8,17')).toEqual([0b1110, 1, 2]);
    expect(() => listToBits('3-1')).toThrow('invalid list');
    expect(() => listToBits('x')).toThrow('invalid list');
  });

  test('systemd’s limits', () => {
    const resources = {
      memory: { limit: 1 << 20, swap: 3 << 20, reservation: 4096 },
      cpu: { shares: 1024, quota: 150_000, period: 100_000, cpus: '0-1' },
      pids: { limit: 1000 },
    };
    expect(resourceProperties(resources, true)).toEqual([
      ['MemoryMax', 't', 1 << 20],
      ['MemoryLow', 't', 4096],
      ['MemorySwapMax', 't', 2 << 20],
      ['CPUWeight', 't', 39],
      ['CPUQuotaPeriodUSec', 't', 100_000],
      ['CPUQuotaPerSecUSec', 't', 1_500_000],
      ['AllowedCPUs', 'ay', [3]],
      ['TasksMax', 't', 1000],
    ]);
    expect(resourceProperties({ memory: { limit: -1 }, cpu: { quota: -1 } }, false)).toEqual([
      ['MemoryLimit', 't', 2n ** 64n - 1n],
      ['CPUQuotaPerSecUSec', 't', 2n ** 64n - 1n],
    ]);
    // Hundredths of a CPU, rounded up.
    expect(resourceProperties({ cpu: { quota: 1234 } }, true)).toEqual([['CPUQuotaPerSecUSec', 't', 20_000]]);
  });
});

describe('limits', () => {
  const resources = {
    memory: { limit: 1048576, swap: 3145728, reservation: 524288, swappiness: 10, disableOOMKiller: true },
    cpu: { shares: 1024, quota: 20000, period: 50000, cpus: '0-1', mems: '0' },
    pids: { limit: 500 },
    blockIO: { weight: 500, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
    hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
  };

  test('v1, each controller its own files; the memory limit before memory and swap', () => {
    expect(limitsV1(['memory'], resources)).toEqual([
      { file: 'memory.limit_in_bytes', value: '1048576' },
      { file: 'memory.memsw.limit_in_bytes', value: '3145728' },
      { file: 'memory.soft_limit_in_bytes', value: '524288' },
      { file: 'memory.oom_control', value: '1' },
      { file: 'memory.swappiness', value: '10' },
    ]);
    expect(limitsV1(['cpu', 'cpuacct'], resources)).toEqual([
      { file: 'cpu.shares', value: '1024' },
      { file: 'cpu.cfs_period_us', value: '50000' },
      { file: 'cpu.cfs_quota_us', value: '20000' },
    ]);
    expect(limitsV1(['cpuset'], resources)).toEqual([
      { file: 'cpuset.cpus', value: '0-1' },
      { file: 'cpuset.mems', value: '0' },
    ]);
    expect(limitsV1(['pids'], resources)).toEqual([{ file: 'pids.max', value: '500' }]);
    expect(limitsV1(['name=systemd'], resources)).toEqual([]);
  });

  test('v2, with v1’s numbers converted', () => {
    expect(limitsV2(resources)).toEqual({
      set: [
        { file: 'memory.swap.max', value: '2097152' },
        { file: 'memory.max', value: '1048576' },
        { file: 'memory.low', value: '524288' },
        { file: 'cpu.weight', value: '39' },
        { file: 'cpu.max', value: '20000 50000' },
        { file: 'cpuset.cpus', value: '0-1' },
        { file: 'cpuset.mems', value: '0' },
        { file: 'pids.max', value: '500' },
        { file: 'io.max', value: '8:0 rbps=1000' },
        { file: 'hugetlb.2MB.max', value: '4194304' },
      ],
      attempt: [
        { file: 'io.bfq.weight', value: '500' },
        { file: 'io.weight', value: '4950' },
      ],
    });
  });

  test('the ends of cpu.shares', () => {
    expect([2, 1024, 262144].map(weightOfShares)).toEqual([1, 39, 10000]);
  });

  test('unlimited values', () => {
    const unlimited = { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } };
    expect(limitsV2(unlimited).set).toEqual([
      { file: 'memory.swap.max', value: 'max' },
      { file: 'memory.max', value: 'max' },
      { file: 'cpu.max', value: 'max 100000' },
      { file: 'pids.max', value: 'max' },
    ]);
    expect(limitsV1(['memory', 'pids'], unlimited)).toEqual([
      { file: 'memory.limit_in_bytes', value: '-1' },
      { file: 'memory.memsw.limit_in_bytes', value: '-1' },
      { file: 'pids.max', value: 'max' },
    ]);
  });

  test('unified files are written last and must be plain names', () => {
    expect(limitsV2({ unified: { 'memory.high': '1' } }).set).toEqual([{ file: 'memory.high', value: '1' }]);
    expect(() => limitsV2({ unified: { '../memory.high': '1' } })).toThrow('linux.resources.unified');
  });

  test('swap without or below memory', () => {
    expect(() => limitsV2({ memory: { swap: 5 } })).toThrow('linux.resources.memory.swap');
    expect(() => limitsV2({ memory: { limit: 6, swap: 5 } })).toThrow('must not be below');
  });

  test('a small pids limit leaves room for the sandbox’s own tasks', () => {
    expect(limitsV1(['pids'], { pids: { limit: 10 } })).toEqual([{ file: 'pids.max', value: '74' }]);
  });
});

describe('the plan', () => {
  const request = {
    id: 'c1',
    spec: { ociVersion: '1.0.2' },
    systemd: false,
    optional: false,
    joinLauncher: true,
  };

  test('v2 hands controllers on from the root down', () => {
    const plan = new LaunchPlan();
    const spec = { ociVersion: '1.0.2', linux: { cgroupsPath: '/a/b' } };
    expect(planCgroups(plan, V2, { ...request, spec })).toEqual({
      directories: ['/sys/fs/cgroup/a/b'],
      path: '/a/b',
    });
    const enabled = plan.values('cgroup.enable').filter((record) => record.endsWith('+memory'));
    expect(enabled).toEqual(
      ['/sys/fs/cgroup', '/sys/fs/cgroup/a'].map((path) => `${path}/cgroup.subtree_control\n+memory`),
    );
    expect(plan.values('cgroup.home')).toEqual(['/sys/fs/cgroup/user.slice/a.scope']);
  });

  test('every v1 hierarchy is joined', () => {
    const plan = new LaunchPlan();
    const { directories, path } = planCgroups(plan, V1, request);
    expect(path).toBe('/c1');
    expect(directories).toHaveLength(4);
    expect(plan.values('cgroup.dir')).toEqual(directories);
    expect(plan.values('cgroup.set')).toEqual([]);
  });

  test('limits without any hierarchy are an error, no limits are none', () => {
    const host = { hierarchies: [], unified: false };
    const limited = { ociVersion: '1.0.2', linux: { resources: { pids: { limit: 1 } } } };
    expect(() => planCgroups(new LaunchPlan(), host, { ...request, spec: limited })).toThrow(
      'no cgroup hierarchy',
    );
    expect(
      planCgroups(new LaunchPlan(), host, { ...request, spec: limited, optional: true }).directories,
    ).toEqual([]);
    const devices = { ociVersion: '1.0.2', linux: { resources: { devices: [{ allow: false }] } } };
    expect(planCgroups(new LaunchPlan(), host, { ...request, spec: devices }).path).toBe('');
  });
});
