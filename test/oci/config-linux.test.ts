// config.json's `linux`, hostname and the rest, against runc where it knows the property.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';
import { ConfigFixture } from './config-fixture.ts';

const NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type }));

describe.skipIf(!canRun)('config.json: linux', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  beforeAll(() => {
    fixture = new ConfigFixture();
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  test('the default devices', async () => {
    const names = 'null zero full random urandom tty fd stdin stdout stderr ptmx'.split(' ');
    const script = `/probe file ${names.map((name) => `/dev/${name}`).join(' ')} | grep -v 'mode 120'; ls -l /dev | sed 's/.*:[0-9][0-9] //' | grep -v console`;
    await fixture.same({ script });
  });

  test('devices: numbers, modes, owners, kinds', async () => {
    const devices = [
      { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 },
      { path: '/dev/deep/er', type: 'c', major: 1, minor: 5 },
      { path: '/dev/pipe', type: 'p', fileMode: 0o600 },
      { path: '/dev/block', type: 'b', major: 7, minor: 200, fileMode: 0o660 },
      // In place of the default one.
      { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o600 },
    ];
    const script = `cd /dev; /probe file mine deep/er pipe block full; echo x > mine; head -c 2 deep/er | od -c; cat pipe & echo through > pipe; wait`;
    await fixture.same({ script, linux: { devices } });
  });

  test('a device that this kernel has not cannot be opened', async () => {
    const devices = [{ path: '/dev/mem', type: 'c', major: 1, minor: 1, fileMode: 0o600 }];
    const { stdout, stderr } = await fixture.ours({
      script: 'ls /dev/mem; cat /dev/mem',
      linux: { devices },
    });
    expect(stdout).toBe('/dev/mem\n');
    expect(stderr).toContain('/dev/mem');
  });

  test('sysctl', async () => {
    const sysctl = {
      'kernel.shmmax': '123456',
      'kernel.msgmax': '9000',
      'kernel.sem': '10 20 30 40',
      'fs.mqueue.msg_max': '33',
      'net.ipv4.ip_forward': '1',
      'net.ipv4.ip_local_port_range': '20000 30000',
      'net.ipv4.ping_group_range': '0 1000',
      'net.ipv4.tcp_syncookies': '0',
      'net.ipv4.ip_unprivileged_port_start': '80',
      'net.core.somaxconn': '512',
      'net.ipv6.conf.all.disable_ipv6': '1',
      'kernel/shm_rmid_forced': '1',
    };
    const files = Object.keys(sysctl).map((name) => `/proc/sys/${name.replaceAll('.', '/')}`);
    await fixture.same({ script: `cat ${files.join(' ')}`, linux: { sysctl } });
  });

  test('hostname and domainname', async () => {
    const uts = { hostname: 'some-host' };
    const script = 'hostname; cat /proc/sys/kernel/hostname; uname -n';
    await fixture.same({ script, spec: uts });
    const domain = 'cat /proc/sys/kernel/domainname';
    await fixture.same({ script: `${script}; ${domain}`, spec: { hostname: '' } });
    const without = NAMESPACES.filter(({ type }) => type !== 'uts');
    await fixture.same({
      script: `${script}; ${domain}`,
      linux: { namespaces: without },
      spec: { hostname: '' },
    });
    const { stdout } = await fixture.ours({
      script: domain,
      spec: { ...uts, domainname: 'example.org' },
    });
    expect(stdout).toBe('example.org\n');
  });

  test('timeOffsets', async () => {
    const probe = join(fixture.directory, 'probe');
    const [boot, monotonic] = execFileSync(probe, ['clocks'], { encoding: 'utf8' }).split(' ').map(Number);
    const { stdout } = await fixture.ours({
      script: '/probe clocks; cut -d. -f1 /proc/uptime; sleep 0.2; echo slept',
      linux: {
        namespaces: [...NAMESPACES, { type: 'time' }],
        timeOffsets: { monotonic: { secs: 172800 }, boottime: { secs: 604800, nanosecs: 500_000_000 } },
      },
    });
    const [clocks = '', uptime, slept] = stdout.split('\n');
    const [theirBoot, theirMonotonic] = clocks.split(' ').map(Number);
    const near = (value: number, wanted: number): void => {
      expect(value).toBeGreaterThanOrEqual(wanted);
      expect(value).toBeLessThan(wanted + 30);
    };
    near(theirBoot!, boot! + 604800);
    near(theirMonotonic!, monotonic! + 172800);
    near(Number(uptime), boot! + 604800);
    expect(slept).toBe('slept');
  });

  test('a user namespace with mappings', async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const script = `id -u; cat /proc/self/uid_map /proc/self/gid_map; stat -c '%u %g' /bin/busybox /etc/mine; touch /tmp/x; stat -c %u /tmp/x`;
    await fixture.same({
      script,
      prepare: (bundle) => {
        execFileSync('chmod', ['755', fixture.directory, bundle]);
        execFileSync('sh', [
          '-c',
          `echo x > ${bundle}/rootfs/etc/mine; chown -R 100000:100000 ${bundle}/rootfs`,
        ]);
      },
      linux: { namespaces: [...NAMESPACES, { type: 'user' }], uidMappings: mappings, gidMappings: mappings },
    });
  });

  test('personality', async () => {
    const { stdout } = await fixture.ours({
      script: '/probe personality',
      linux: { personality: { domain: 'LINUX32' } },
    });
    expect(stdout).toBe('8\n');
  });

  test.each(['1.0.0', '1.0.2-dev', '1.1.0', '1.2.1', '1.3.0', '1.9.9-rc.1+build'])(
    'ociVersion %s',
    async (ociVersion) => {
      await fixture.same({ script: 'echo ran', spec: { ociVersion } });
    },
  );

  test('what is not known is warned of, and the container runs', async () => {
    const { status, stdout, stderr } = await fixture.ours({
      script: 'echo ran',
      spec: { annotations: { a: 'b' }, vm: { kernel: { path: '/k' } } },
      linux: { intelRdt: { closID: 'x' }, netDevices: { eth0: { name: 'x' } }, shiny: true },
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
    for (const field of ['linux.intelRdt', 'linux.netDevices', 'linux.shiny', 'vm']) {
      expect(stderr).toContain(`config.json: ${field}:`);
    }
  });

  test('a memory limit that leaves no room for the kernel is named as the reason', async () => {
    const resources = { memory: { limit: 2 << 20, swap: 2 << 20 } };
    const { status, stderr } = await fixture.ours({ script: ':', linux: { resources } });
    expect(status).toBe(137);
    expect(stderr).toContain("killed by signal 9: out of memory in the container's cgroup");
  });

  test('a kernel that has no more room when its guests run says so as well', async () => {
    const resources = { memory: { limit: 5 << 20, swap: 5 << 20 } };
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do ls -lR /etc /proc/self /dev /sys >/dev/null 2>&1; done';
    const { status, stderr } = await fixture.ours({ script, linux: { resources } });
    expect(status).toBe(137);
    expect(stderr).toContain(
      "the sentry ended unexpectedly: killed by signal 9: out of memory in the container's cgroup",
    );
  });

  test('a mount of a type that there is not is left out with a warning', async () => {
    const mounts = [{ destination: '/mnt/z', type: 'zfs', source: 'z' }];
    const { status, stderr } = await fixture.ours({ script: ':', mounts });
    expect(status).toBe(0);
    expect(stderr).toContain('.type: filesystem type \\"zfs\\" is not supported, left out');
  });

  test('resources as the container sees them', async () => {
    const { stdout } = await fixture.ours({
      script: `cd /sys/fs/cgroup; cat memory.max memory.low memory.swap.max cpu.max cpu.weight pids.max cpuset.cpus;
        grep -E '^MemTotal' /proc/meminfo; nproc`,
      linux: {
        resources: {
          memory: { limit: 128 << 20, reservation: 64 << 20, swap: 256 << 20 },
          cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0' },
          pids: { limit: 50 },
        },
      },
    });
    expect(stdout).toBe(
      `${[128 << 20, 64 << 20, 128 << 20].join('\n')}\n50000 100000\n20\n50\n0\nMemTotal:         131072 kB\n1\n`,
    );
  });
});
