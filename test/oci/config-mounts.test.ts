// config.json's mounts, root and paths against runc: what is there, how it looks in mountinfo, what can be done to it.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';
import { ConfigFixture } from './config-fixture.ts';

/** Mount point, options, propagation, type, source and the filesystem's own options, in the order of the mounts. */
function mountinfo(...points: string[]): string {
  const wanted = points.map((point) => `p == "${point}"`).join(' || ');
  return `awk '{ p=$5; rest=""; for (i=7;i<=NF;i++) rest=rest" "$i; if (${wanted}) print p, $6, rest }' /proc/self/mountinfo | sed -E 's/(shared|master):[0-9]+/\\1:N/; s/,?inode64//'`;
}

/** A directory of the bundle with a file, a directory and a link in it. */
function prepare(bundle: string): void {
  const tree = join(bundle, 'tree');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  writeFileSync(join(tree, 'file'), 'content\n');
  writeFileSync(join(tree, 'sub/inner'), 'inner\n');
  writeFileSync(join(tree, 'program'), '#!/bin/sh\necho runs\n', { mode: 0o755 });
  symlinkSync('file', join(tree, 'link'));
}

const bind = (options: string[], destination = '/mnt/x', source = 'DIR/tree') => ({
  destination,
  type: 'bind',
  source,
  options,
});

describe.skipIf(!canRun)('config.json: mounts', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  beforeAll(() => {
    fixture = new ConfigFixture();
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  test('the ordinary mounts have the spec’s own sources, types and options', async () => {
    const { stdout } = await fixture.same({
      script: mountinfo('/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/tmp'),
    });
    expect(stdout).toContain('/dev/shm rw,nosuid,nodev,noexec,relatime  - tmpfs shm ');
  });

  test.each([
    ['size', ['size=1m', 'mode=700']],
    ['size in percent, inodes', ['size=64k', 'nr_inodes=50', 'mode=1777']],
    ['owner', ['size=64k', 'uid=1000', 'gid=1001', 'mode=0750']],
    ['noexec, nodev, nosuid, ro', ['ro', 'noexec', 'nodev', 'nosuid', 'size=64k']],
    ['noatime', ['noatime', 'size=64k']],
    ['strictatime, nodiratime', ['strictatime', 'nodiratime', 'size=64k']],
    ['sync, dirsync', ['sync', 'dirsync', 'size=64k']],
    ['rw after ro', ['ro', 'rw', 'size=64k']],
  ])('tmpfs: %s', async (_name, options) => {
    const tmpfs = { destination: '/mnt/t', type: 'tmpfs', source: 'some name', options };
    const script = `${mountinfo('/mnt/t')}; stat -c '%a %u %g' /mnt/t; /probe mount /mnt/t; echo x > /mnt/t/x; dd if=/dev/zero of=/mnt/t/big bs=1k count=2000 2>/dev/null; stat -c %s /mnt/t/big`;
    await fixture.same({ script, mounts: [tmpfs] });
  });

  test('tmpfs with tmpcopyup begins with what it covers', async () => {
    const options = ['tmpcopyup', 'mode=755'];
    const { stdout } = await fixture.same({
      script: 'ls -l /etc/ | sed s/.*:..//; cat /etc/passwd; echo x > /etc/passwd; cat /etc/passwd',
      mounts: [{ destination: '/etc', type: 'tmpfs', source: 'tmpfs', options }],
    });
    expect(stdout).toContain('root:x:0:0');
  });

  test.each([
    ['plain', ['bind']],
    ['ro', ['bind', 'ro']],
    ['recursive', ['rbind', 'rw']],
    ['rbind ro nosuid nodev noexec', ['rbind', 'ro', 'nosuid', 'nodev', 'noexec']],
    ['rro', ['rbind', 'rro']],
    ['rnoexec rnosuid rnodev', ['rbind', 'rnoexec', 'rnosuid', 'rnodev']],
    ['noatime', ['bind', 'noatime']],
    ['private', ['rbind', 'rprivate']],
    ['slave', ['rbind', 'rslave']],
    ['shared', ['rbind', 'rshared']],
    ['unbindable', ['rbind', 'runbindable']],
  ])('bind: %s', async (_name, options) => {
    const info = `awk '$5 == "/mnt/x" { print $5, $6, $7 }' /proc/self/mountinfo | sed -E 's/:[0-9]+/:N/'`;
    const script = `${info}; cd /mnt/x; ls; cat file link sub/inner; ./program; echo new > new; echo $?; cat new; echo more >> file; cat file; mkdir d; rm -f file; ls`;
    await fixture.same({ script, prepare, mounts: [bind(options)] });
  });

  test('bind of a file, onto what is not there and onto what is', async () => {
    const script =
      'cat /mnt/one /etc/passwd; ls -l /mnt/one | cut -c1-10; echo x > /mnt/one; cat /mnt/one; rm /mnt/one';
    const file = (destination: string) => bind(['bind'], destination, 'DIR/tree/file');
    await fixture.same({ script, prepare, mounts: [file('/mnt/one'), file('/etc/passwd')] });
  });

  test('a type is not needed with the option bind, nor the option with the type', async () => {
    const script = 'cat /mnt/a/file /mnt/b/file';
    const { type: _type, ...untyped } = bind(['bind'], '/mnt/a');
    await fixture.same({
      script,
      prepare,
      mounts: [untyped, { ...untyped, type: 'none', destination: '/mnt/b' }],
    });
  });

  test('a bind into a mount, and a mount into a bind', async () => {
    const script = 'cat /tmp/in/file; ls /mnt/x/sub; touch /mnt/x/sub/made; ls /mnt/x/sub';
    const inner = { destination: '/mnt/x/sub', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] };
    await fixture.same({ script, prepare, mounts: [bind(['bind'], '/tmp/in'), bind(['rbind']), inner] });
  });

  test('a bind into the cgroup hierarchy, as engines make it for systemd', async () => {
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] };
    await fixture.same({
      script: 'cat /sys/fs/cgroup/systemd/file; touch /sys/fs/cgroup/systemd/made; ls /sys/fs/cgroup/systemd',
      prepare,
      mounts: [cgroup, bind(['bind'], '/sys/fs/cgroup/systemd')],
    });
  });

  test('a destination is taken as it is written, and only what is mounted is made in /dev', async () => {
    const at = (destination: string) => ({ destination, type: 'tmpfs', source: 't', options: ['mode=755'] });
    const places = ['/mnt/no/../b/./', '/dev/../etc//./c', '/../mnt/../../d', '/dev/x/y'];
    const { stdout } = await fixture.same({
      script: 'find /dev /mnt /d /etc -type d | grep -v "^/dev/fd" | sort; find /dev -type l | sort',
      spec: {
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
          ...places.map(at),
        ],
      },
    });
    expect(stdout).toContain('/dev/x/y');
  });

  test('later mounts cover earlier ones', async () => {
    const tmpfs = { destination: '/mnt/x', type: 'tmpfs', source: 'over', options: ['mode=711'] };
    await fixture.same({
      script: "ls -A /mnt/x; grep -c ' /mnt/x ' /proc/self/mountinfo",
      prepare,
      mounts: [bind(['bind']), tmpfs],
    });
  });

  test('a destination through a symbolic link stays in the container', async () => {
    const link = (bundle: string): void => {
      prepare(bundle);
      symlinkSync('../../../../../../../../etc', join(bundle, 'tree/escape'));
    };
    const script = 'ls /mnt/x/escape 2>/dev/null | head -1; cat /etc/here/file';
    await fixture.same({
      script,
      prepare: link,
      mounts: [bind(['bind']), bind(['bind'], '/mnt/x/escape/here')],
    });
  });

  test('sources that are not there', async () => {
    const { status, stderr } = await fixture.ours({
      script: ':',
      mounts: [bind(['bind'], '/mnt', '/no/such')],
    });
    expect(status).toBe(1);
    expect(stderr).toContain('no such file or directory');
  });

  test.each(['tmpfs', 'devpts', 'proc', 'sysfs', 'mqueue'])(
    '%s with an option that it does not know',
    async (type) => {
      const change = {
        script: ':',
        mounts: [{ destination: '/mnt', type, source: type, options: ['bogus=1'] }],
      };
      expect((await fixture.run('runc', change)).status).toBe(1);
      const { status, stderr } = await fixture.ours(change);
      expect(stderr).toContain('mount /mnt: invalid argument');
      expect(status).toBe(1);
    },
  );

  test('masked and read-only paths', async () => {
    const script = `cat /proc/keys; ls -A /proc/acpi /sys/firmware; cat /etc/group; wc -c < /proc/timer_list;
      echo 1 > /proc/sys/kernel/domainname; echo x > /mnt/x/file; echo x > /mnt/x/new; echo $?; touch /mnt/x/sub/y; ls /home/nothing;
      ${mountinfo('/etc/group', '/proc/sys', '/mnt/x', '/mnt/x/sub')} | sed 's/ - .*//' | sort`;
    await fixture.same({
      script,
      prepare,
      mounts: [bind(['bind'])],
      linux: {
        maskedPaths: [
          '/proc/keys',
          '/proc/timer_list',
          '/proc/acpi',
          '/sys/firmware',
          '/etc/group',
          '/no/such',
        ],
        readonlyPaths: ['/proc/sys', '/mnt/x', '/no/such'],
      },
    });
  });

  test.each(['', 'private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'])(
    'rootfsPropagation %j',
    async (rootfsPropagation) => {
      const script = `awk '$5 == "/" { print $7 }' /proc/self/mountinfo | sed -E 's/:[0-9]+/:N/'`;
      await fixture.same({ script, linux: { rootfsPropagation } });
    },
  );

  test('mount points that a read-only root lacks are there, and are listed', async () => {
    const at = (destination: string) => ({ destination, type: 'tmpfs', source: 't', options: ['mode=755'] });
    const script = `find / -maxdepth 4 -name 'x-*' | sort; ls /x-one /etc | sort; ls -a /x-one/x-two/x-three; echo /etc/x*
      touch /x-one/file /x-one/x-two/file /x-one/x-two/x-three/file; cat /x-file; ls -d /probe; cd /x-one/x-two/x-three/..; pwd; ls ..; rmdir /x-one`;
    const mounts = [
      at('/x-one/x-two/x-three'),
      at('/etc/x-four'),
      bind(['bind'], '/x-file', 'DIR/tree/file'),
    ];
    await fixture.same({ script, prepare, mounts, spec: { root: { path: 'rootfs', readonly: true } } });
  });

  test('a read-only root, and a writable one', async () => {
    const script = 'touch /made; echo $?; mkdir /d; echo $?; ls / | grep -c made; rm -f /made; rmdir /d';
    await fixture.same({ script, spec: { root: { path: 'rootfs', readonly: true } } });
    await fixture.same({ script, spec: { root: { path: 'rootfs', readonly: false } } });
  });
});
