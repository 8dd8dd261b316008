import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { EACCES, EINVAL, ENOENT } from '../../../sentry/abi/errno.ts';
import { Credentials } from '../../../sentry/auth/credentials.ts';
import { makeProc } from '../../../sentry/fs/proc/root-directory.ts';
import { PseudoFilesystem } from '../../../sentry/fs/pseudo/filesystem.ts';
import { StaticDirectory } from '../../../sentry/fs/pseudo/directory.ts';
import { makeCgroup2 } from '../../../sentry/fs/cgroup/cgroup2.ts';
import { makeSysfs } from '../../../sentry/fs/sys/sysfs.ts';
import type { Sysctls } from '../../../sentry/fs/proc/sysctl.ts';
import { allCpus, setCpuCount } from '../../../sentry/kernel/cpus.ts';
import type { Kernel } from '../../../sentry/kernel/kernel.ts';
import type { Namespaces } from '../../../sentry/kernel/namespaces.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { MountNamespace } from '../../../sentry/vfs/mount-namespace.ts';
import { resolve } from '../../../sentry/vfs/walk.ts';
import { addProcess, fakeKernel, fakeNamespaces, list, open, slurp } from './fake-kernel.ts';

let kernel: Kernel;
let ns: Namespaces;
let mounts: MountNamespace;
let init: Task;
let sysctls: Sysctls;

beforeEach(() => {
  kernel = fakeKernel();
  ns = fakeNamespaces();
  const root = new PseudoFilesystem('rootfs', 1, 0x1234);
  const top = new StaticDirectory(root);
  root.setRoot(top);
  for (const name of ['proc', 'sys', 'cg']) top.directory(name);
  mounts = new MountNamespace(root, 0, 'rootfs');
  init = addProcess(kernel, ns, mounts, 'init');
  const proc = makeProc(kernel, ns, 21, {
    cpuinfo: readFileSync('/proc/cpuinfo', 'latin1'),
    cmdline: 'quiet',
    net: { files: new Map() },
    charMajors: new Map([
      [5, '/dev/tty'],
      [1, 'mem'],
    ]),
    ptyCount: () => 3,
    cgroup: '/',
    hidepid: 0,
    gid: 0,
  });
  sysctls = proc.sysctls;
  mount(proc.fs, '/proc');
  mount(
    makeSysfs(kernel, 22, {
      cpuCount: () => ns.cgroup.cpuCount,
      memory: () => ({ total: 4096000, free: 1024000 }),
    }),
    '/sys',
  );
  const limits = {
    memoryMax: 1 << 30,
    memoryLow: 0,
    swapMax: 0,
    cpuQuota: 150000,
    cpuPeriod: 100000,
    cpuWeight: 0,
  };
  mount(makeCgroup2(ns.cgroup, 23, { ...limits, pidsMax: 100, cpusetCpus: '' }), '/cg');
});

function mount(fs: PseudoFilesystem, at: string): void {
  const path = resolve(init, null, at, 0);
  if (typeof path === 'number') throw new Error(`${at}: ${path}`);
  expect(mounts.mount(fs, path, 0, fs.type)).not.toBeTypeOf('number');
}

/** Field names of "Name: value" lines. */
function names(text: string): string[] {
  return [...text.matchAll(/^([^:\n]+):/gm)].map((m) => m[1]!);
}

describe('a process', () => {
  it('has the status lines of the host, in its order', () => {
    const skip = new Set(['Groups']);
    // Options of a kernel's build and bugs of its processor.
    const optional = /^(x86_Thread_features|Speculation|untag_mask|SpeculationIndirectBranch|Cpus|Mems)/;
    const wanted = (text: string): string[] => names(text).filter((n) => !skip.has(n) && !optional.test(n));
    expect(wanted(slurp(init, '/proc/1/status'))).toEqual(
      wanted(readFileSync('/proc/self/status', 'latin1')),
    );
  });
  it('has the 52 fields of stat', () => {
    const text = slurp(init, '/proc/self/stat');
    const fields = text.trim().split(' ');
    expect(fields).toHaveLength(52);
    expect(fields.slice(0, 8)).toEqual(['1', '(init)', 'S', '0', '1', '1', '0', '-1']);
    expect(fields[13]).toBe('123');
  });
  it('shows arguments and environment as they are in memory', () => {
    expect(slurp(init, '/proc/1/cmdline')).toBe('prog\0-x\0');
    expect(slurp(init, '/proc/1/environ')).toBe('A=1\0');
  });
  it('shows maps in the host’s columns', () => {
    const lines = slurp(init, '/proc/1/maps').split('\n');
    expect(lines[0]).toBe('00010000-00012000 rw-p 00000000 00:00 0 '.padEnd(73) + '[heap]');
    const host = readFileSync('/proc/self/maps', 'latin1');
    expect(/^.*\[heap\]$/m.exec(host)![0].indexOf('[heap]')).toBe(73);
  });
  it('has limits in the host’s columns', () => {
    const first = (text: string): string => text.split('\n')[0]!;
    expect(first(slurp(init, '/proc/1/limits'))).toBe(first(readFileSync('/proc/self/limits', 'latin1')));
    expect(slurp(init, '/proc/1/limits')).toContain(
      'Max stack size            8388608              unlimited            bytes     \n',
    );
  });
  it('lists what the host lists, as far as a container needs', () => {
    const mine = new Set(list(init, '/proc/self'));
    const needed = [
      'attr',
      'cmdline',
      'comm',
      'cwd',
      'exe',
      'fd',
      'fdinfo',
      'io',
      'limits',
      'maps',
      'mountinfo',
    ];
    for (const name of [
      ...needed,
      'ns',
      'oom_score_adj',
      'root',
      'smaps',
      'stat',
      'statm',
      'status',
      'task',
    ]) {
      expect(mine).toContain(name);
    }
  });
  it('takes a new comm from its own threads only, cut to 15 bytes', () => {
    const file = open(init, '/proc/1/comm', 1);
    if (typeof file === 'number') throw new Error(`open: ${file}`);
    const text = Buffer.from('a-name-that-is-too-long\n');
    expect(file.write(text, 0, text.length, init)).toBe(text.length);
    expect(slurp(init, '/proc/1/comm')).toBe('a-name-that-is-\n');
    const other = addProcess(kernel, ns, mounts, 'other');
    expect(file.write(text, 0, text.length, other)).toBe(-EINVAL);
  });
  it('hides its environment and links from other users', () => {
    const user = addProcess(
      kernel,
      ns,
      mounts,
      'user',
      new Credentials({ uid: 7, euid: 7, suid: 7, fsuid: 7 }),
    );
    expect(open(user, '/proc/1/environ')).toBe(-EACCES);
    expect(open(user, '/proc/1/cwd')).toBe(-EACCES);
    expect(slurp(user, '/proc/1/status')).toContain('Name:\tinit\n');
    expect(slurp(init, `/proc/${user.pid}/environ`)).toBe('A=1\0');
  });
  it('shows open descriptors, and opens them anew', () => {
    const version = open(init, '/proc/version');
    if (typeof version === 'number') throw new Error(`open: ${version}`);
    init.files.set(5, version, true);
    expect(list(init, '/proc/self/fd')).toEqual(['5']);
    const link = resolve(init, null, '/proc/self/fd/5', 1);
    if (typeof link === 'number') throw new Error(`resolve: ${link}`);
    expect(link.dentry.inode!.readlink(init)).toBe('/proc/version');
    expect(link.dentry.inode!.mode & 0o777).toBe(0o500);
    expect(slurp(init, '/proc/self/fd/5')).toMatch(/^Linux version 6\./);
    expect(slurp(init, '/proc/self/fdinfo/5')).toMatch(
      /^pos:\t0\nflags:\t02000000\nmnt_id:\t\d+\nino:\t\d+\n$/,
    );
    expect(open(init, '/proc/self/fd/6')).toBe(-ENOENT);
  });
  it('tells its mounts', () => {
    expect(slurp(init, '/proc/mounts')).toContain('proc /proc proc rw,relatime 0 0\n');
    const line = /^\d+ \d+ 0:21 \/ \/proc rw,relatime - proc proc rw$/m;
    expect(slurp(init, '/proc/self/mountinfo')).toMatch(line);
  });
  it('lists its threads and is gone when it is reaped', () => {
    expect(list(init, '/proc/1/task')).toEqual(['1']);
    expect(slurp(init, '/proc/thread-self/comm')).toBe('init\n');
    const other = addProcess(kernel, ns, mounts, 'other');
    expect(list(init, '/proc')).toContain(String(other.pid));
    const file = open(init, `/proc/${other.pid}/stat`);
    if (typeof file === 'number') throw new Error(`open: ${file}`);
    ns.pid.pids.delete(other.tid);
    ns.pid.groups.delete(other.pid);
    other.group.dead = true;
    expect(list(init, '/proc')).not.toContain(String(other.pid));
    expect(open(init, `/proc/${other.pid}/stat`)).toBe(-ENOENT);
    expect(file.read(Buffer.alloc(10), 0, 10, init)).toBeLessThan(0);
  });
});

describe('the system', () => {
  it('shows as many processors as the container has', () => {
    const text = slurp(init, '/proc/cpuinfo');
    expect(text.match(/^processor\s*:/gm)).toHaveLength(2);
    expect(slurp(init, '/proc/stat').match(/^cpu\d+ /gm)).toHaveLength(2);
  });
  it('has meminfo in the host’s columns, bounded by the limit', () => {
    const text = slurp(init, '/proc/meminfo');
    expect(text).toMatch(/^MemTotal: {8}1048576 kB\n/);
    const mine = names(text);
    const host = new Set(names(readFileSync('/proc/meminfo', 'latin1')));
    expect(
      mine.filter(
        (n) => !host.has(n) && !n.startsWith('HugePages') && n !== 'Hugetlb' && n !== 'DirectMap4k',
      ),
    ).toEqual([]);
  });
  it('has uptime, load and time of boot that agree', () => {
    expect(slurp(init, '/proc/uptime')).toMatch(/^100\.25 \d+\.\d\d\n$/);
    expect(slurp(init, '/proc/loadavg')).toBe('1.00 0.50 0.00 1/1 1\n');
    expect(slurp(init, '/proc/stat')).toContain('btime 1699999900\n');
  });
  it('has the headers of the host’s network tables', () => {
    for (const name of [
      'tcp',
      'udp',
      'tcp6',
      'udp6',
      'unix',
      'dev',
      'route',
      'arp',
      'raw',
      'netlink',
      'packet',
    ]) {
      const host = readFileSync(`/proc/net/${name}`, 'latin1').split('\n')[0]!;
      expect(slurp(init, `/proc/net/${name}`).split('\n')[0]!.trimEnd()).toBe(host.trimEnd());
    }
  });
  it('lists devices', () => {
    expect(slurp(init, '/proc/devices')).toBe(
      'Character devices:\n  1 mem\n  5 /dev/tty\n\nBlock devices:\n',
    );
  });
});

describe('sysctls', () => {
  it('say what Linux says', () => {
    for (const name of ['kernel/cap_last_cap', 'kernel/ngroups_max', 'fs/nr_open', 'vm/max_map_count']) {
      expect(slurp(init, `/proc/sys/${name}`)).toBe(readFileSync(`/proc/sys/${name}`, 'latin1'));
    }
    expect(slurp(init, '/proc/sys/kernel/hostname')).toBe('box\n');
    expect(slurp(init, '/proc/sys/kernel/random/uuid')).toMatch(
      /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}\n$/,
    );
  });
  it('take the configuration’s values and keep their shape', () => {
    expect(sysctls.set('net.ipv4.ip_local_port_range', '1024 2000')).toBe(0);
    expect(slurp(init, '/proc/sys/net/ipv4/ip_local_port_range')).toBe('1024\t2000\n');
    expect(sysctls.set('net.core.somaxconn', 'many')).toBe(-EINVAL);
    expect(sysctls.set('net.core.nothing', '1')).toBe(-ENOENT);
    expect(sysctls.set('kernel.hostname', 'renamed')).toBe(0);
    expect(ns.uts.hostname).toBe('renamed');
  });
});

describe('sysfs and cgroup2', () => {
  it('show processors as lscpu and nproc read them', () => {
    expect(slurp(init, '/sys/devices/system/cpu/online')).toBe('0-1\n');
    expect(slurp(init, '/sys/devices/system/cpu/cpu1/topology/core_cpus')).toBe('2\n');
    expect(slurp(init, '/sys/devices/system/cpu/cpu1/topology/package_cpus')).toBe('3\n');
    expect(slurp(init, '/sys/devices/system/cpu/cpu1/topology/thread_siblings_list')).toBe('1\n');
    expect(slurp(init, '/sys/class/net/lo/mtu')).toBe('65536\n');
  });
  it('show fewer processors after an update, and all again', () => {
    const cpus = (): string[] => list(init, '/sys/devices/system/cpu').filter((name) => /^cpu\d/.test(name));
    const other = addProcess(kernel, ns, mounts, 'other');
    other.affinity = allCpus(1);
    for (const [count, online] of [
      [1, '0'],
      [2, '0-1'],
    ] as const) {
      setCpuCount(ns.cgroup, count);
      expect(cpus()).toHaveLength(count);
      expect(slurp(init, '/sys/devices/system/cpu/online')).toBe(`${online}\n`);
      expect(slurp(init, '/sys/devices/system/cpu/cpu0/topology/package_cpus_list')).toBe(`${online}\n`);
      expect(slurp(init, '/sys/devices/system/node/node0/cpulist')).toBe(`${online}\n`);
      expect(slurp(init, '/cg/cpuset.cpus.effective')).toBe(`${online}\n`);
      expect(slurp(init, '/proc/cpuinfo').match(/^processor\s*:/gm)).toHaveLength(count);
      expect(slurp(init, '/proc/stat').match(/^cpu\d+ /gm)).toHaveLength(count);
      expect(slurp(init, '/proc/1/status')).toContain(`Cpus_allowed_list:\t${online}\n`);
    }
    expect(open(init, '/sys/devices/system/cpu/cpu1/topology/core_id')).not.toBe(-ENOENT);
    setCpuCount(ns.cgroup, 1);
    expect(open(init, '/sys/devices/system/cpu/cpu1/topology/core_id')).toBe(-ENOENT);
    expect(open(init, '/sys/devices/system/node/node0/cpu1')).toBe(-ENOENT);
  });
  it('keep the choice of those that chose', () => {
    const only = (cpu: number): Uint32Array =>
      allCpus(32).map((word, index) => (index === 0 ? 1 << cpu : word & 0));
    const first = addProcess(kernel, ns, mounts, 'first');
    const second = addProcess(kernel, ns, mounts, 'second');
    first.affinity = only(0);
    second.affinity = only(1);
    setCpuCount(ns.cgroup, 1);
    expect([init, first, second].map((task) => task.affinity[0])).toEqual([1, 1, 1]);
    setCpuCount(ns.cgroup, 4);
    // Whether it had chosen the only one there was cannot be told any more.
    expect([init, first, second].map((task) => task.affinity[0])).toEqual([15, 15, 15]);
    first.affinity = only(3);
    second.affinity = only(2);
    setCpuCount(ns.cgroup, 3);
    expect([init, first, second].map((task) => task.affinity[0])).toEqual([7, 7, 4]);
  });
  it('show the container’s limits', () => {
    expect(slurp(init, '/cg/memory.max')).toBe('1073741824\n');
    expect(slurp(init, '/cg/cpu.max')).toBe('150000 100000\n');
    expect(slurp(init, '/cg/pids.max')).toBe('100\n');
    expect(slurp(init, '/cg/pids.current')).toBe('1\n');
    expect(slurp(init, '/cg/cgroup.procs')).toBe('1\n');
    expect(slurp(init, '/cg/memory.swap.max')).toBe('max\n');
  });
});
