// Id-mapped mounts. The oracle here is too old for them: what is expected is from mount_setattr(2), and from the mount
// that mount(8) itself would make.

import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';
import { ConfigFixture } from './config-fixture.ts';

import type { IdMapping, Mount } from '../../runsc/spec/spec.ts';

describe.skipIf(!canRun)('config.json: id-mapped mounts', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  let source: string;
  beforeAll(() => {
    fixture = new ConfigFixture();
    source = join(fixture.directory, 'source');
    mkdirSync(source);
    chownSync(source, 0, 7);
    for (const [name, uid, gid] of [
      ['root', 0, 0],
      ['some', 5, 7],
      ['other', 1005, 1007],
    ] as const) {
      writeFileSync(join(source, name), name);
      chownSync(join(source, name), uid, gid);
    }
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  const map = (containerID: number, hostID: number, size: number): IdMapping[] => [
    { containerID, hostID, size },
  ];
  const bind = (options: string[], more: Partial<Mount> = {}): Mount => ({
    destination: '/data',
    type: 'bind',
    source,
    options: ['rbind', ...options],
    ...more,
  });
  const owners = `cd /data; stat -c '%n %u:%g' . root some other`;
  const inUserNamespace = {
    namespaces: ['pid', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: map(0, 100_000, 65_536),
    gidMappings: map(0, 200_000, 65_536),
  };

  test('owners are mapped; those outside of the mapping are nobody’s', async () => {
    const mappings = { uidMappings: map(0, 3000, 10), gidMappings: map(0, 4000, 10) };
    const { stdout, stderr } = await fixture.ours({ script: owners, mounts: [bind([], mappings)] });
    expect(stderr).toBe('');
    expect(stdout).toBe('. 3000:4007\nroot 3000:4000\nsome 3005:4007\nother 65534:65534\n');
    // Without them nothing is.
    const plain = await fixture.ours({ script: owners, mounts: [bind([])] });
    expect(plain.stdout).toBe('. 0:7\nroot 0:0\nsome 5:7\nother 1005:1007\n');
  });

  test.each(['idmap', 'ridmap'])('with %s alone by the container’s user namespace', async (option) => {
    const script = `${owners}; echo x > ${option}; chown 9:10 ${option}; stat -c '%u:%g' ${option}; : > ${option}-2`;
    const { stdout, stderr } = await fixture.ours({
      script,
      mounts: [bind([option])],
      linux: inUserNamespace,
    });
    expect(stderr).toBe('');
    expect(stdout).toBe('. 0:7\nroot 0:0\nsome 5:7\nother 1005:1007\n9:10\n');
    expect(statSync(join(source, option))).toMatchObject({ uid: 9, gid: 10 });
    expect(statSync(join(source, `${option}-2`))).toMatchObject({ uid: 0, gid: 0 });
    // Where it is not mapped the files are those of others.
    const plain = await fixture.ours({ script: owners, mounts: [bind([])], linux: inUserNamespace });
    expect(plain.stdout).toBe('. 65534:65534\nroot 65534:65534\nsome 65534:65534\nother 65534:65534\n');
  });

  test.each<[string, Mount, string]>([
    ['no mappings at all', bind(['idmap']), 'idmap needs mappings'],
    [
      'only one of them',
      bind([], { uidMappings: map(0, 1, 1) }),
      'must have both uidMappings and gidMappings',
    ],
    [
      'an empty range',
      bind([], { uidMappings: map(0, 1, 0), gidMappings: map(0, 1, 1) }),
      'must be above zero',
    ],
    ['no bind', { destination: '/data', type: 'tmpfs', options: ['idmap'] }, 'only bind mounts'],
  ])('refused: %s', async (_name, mount, message) => {
    const { status, stderr } = await fixture.ours({ script: 'true', mounts: [mount] });
    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });

  test('a file system that has none', async () => {
    const mount = bind(['idmap'], {
      source: '/proc/sys',
      uidMappings: map(0, 1, 1),
      gidMappings: map(0, 1, 1),
    });
    const { status, stderr } = await fixture.ours({ script: 'true', mounts: [mount] });
    expect(status).toBe(1);
    expect(stderr).toContain('/proc/sys: map the ids of a mount: invalid argument');
  });
});
