// What the Sentry and the gofer can reach once they run, and what they are given.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, Fixture, source } from './sandbox-fixture.ts';

interface Seen {
  readonly root: readonly string[] | string;
  readonly uid: number;
  readonly pid: number;
  readonly namespaces: Readonly<Record<string, string>>;
  readonly descriptors: readonly string[];
  readonly status: string;
  readonly boot: { readonly fds: Readonly<Record<string, number>>; readonly cgroupPath: string };
  readonly gofer: {
    readonly status: string;
    readonly root: readonly string[];
    readonly tree: readonly string[];
    readonly trees: readonly (readonly string[] | string)[];
    readonly write: string;
    readonly jail: string;
    readonly namespaces: Readonly<Record<string, string>>;
  };
}

describe.skipIf(!canRun)('jails', () => {
  let fixture: Fixture;
  let seen: Seen;
  beforeAll(async () => {
    fixture = await Fixture.make();
    const id = fixture.newId();
    const data = join(fixture.directory, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'inside'), '');
    writeFileSync(join(fixture.directory, 'file'), 'a file');
    const bundle = fixture.bundle(id, ['report'], {
      mounts: [
        { destination: '/data', type: 'bind', source: data, options: ['rbind', 'ro'] },
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/file', source: join(fixture.directory, 'file'), options: ['bind'] },
      ],
    });
    const run = fixture.run(id, bundle);
    await run.ended;
    seen = JSON.parse(run.output.stdout) as Seen;
  });
  afterAll(() => fixture.remove());

  test('the Sentry is nobody, init of its pid namespace, without any capability', () => {
    expect(seen.uid).toBe(65534);
    expect(seen.pid).toBe(1);
    expect(field(seen.status, 'Gid')).toBe('65534\t65534\t65534\t65534');
    expect(field(seen.status, 'Groups').trim()).toBe('');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(field(seen.status, set)).toBe('0000000000000000');
    }
    expect(field(seen.status, 'NoNewPrivs')).toBe('1');
  });

  test('their tables of descriptors have room from the start', () => {
    for (const status of [seen.status, seen.gofer.status])
      expect(Number(field(status, 'FDSize'))).toBeGreaterThanOrEqual(4096);
  });

  test('the Sentry sees an empty root, and nothing beside it', () => {
    expect(seen.root).toEqual([]);
  });

  test('no descriptor of the Sentry leads back to a directory of the host', () => {
    for (const descriptor of seen.descriptors) expect(descriptor).not.toMatch(/^directory/);
  });

  test.each(['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'])(
    'the Sentry has a %s namespace of its own',
    (name) => {
      expect(seen.namespaces[name]).toMatch(/^\w+:\[\d+\]$/);
      expect(seen.namespaces[name]).not.toBe(readlinkSync(`/proc/self/ns/${name}`));
    },
  );

  test.each(['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'])(
    'the gofer has a %s namespace of its own',
    (name) => {
      expect(seen.gofer.namespaces[name]).not.toBe(readlinkSync(`/proc/self/ns/${name}`));
      expect(seen.gofer.namespaces[name]).not.toBe(seen.namespaces[name]);
    },
  );

  test('the gofer has the six capabilities of file serving', () => {
    // CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID MKNOD: bits 0-4 and 27.
    const six = '000000000800001f';
    expect(field(seen.gofer.status, 'CapEff')).toBe(six);
    expect(field(seen.gofer.status, 'CapPrm')).toBe(six);
    expect(field(seen.gofer.status, 'CapBnd')).toBe(six);
    expect(field(seen.gofer.status, 'CapInh')).toBe('0000000000000000');
    expect(field(seen.gofer.status, 'NoNewPrivs')).toBe('1');
  });

  test('the gofer sees the rootfs and the binds, in a root that it cannot write to', () => {
    expect(seen.gofer.root).toEqual(['memory', 'mounts', 'root']);
    expect(seen.gofer.tree).toEqual(['marker']);
    expect(seen.gofer.trees).toEqual([['inside'], 'a file']);
    expect(seen.gofer.jail).toBe('EROFS');
    expect(seen.gofer.write).toBe('written');
  });

  test('mounts of the spec that are no binds are left to the Sentry', () => {
    expect(seen.boot).toMatchObject({
      mounts: [
        { goferIndex: 1, destination: '/data', directory: true, readonly: true },
        { goferIndex: 2, destination: '/file', directory: false, readonly: false },
      ],
    });
  });

  test('a read-only root is read-only on the host', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['report'], { root: { path: 'rootfs', readonly: true } }));
    await run.ended;
    expect((JSON.parse(run.output.stdout) as Seen).gofer.write).toBe('EROFS');
  });

  test('under an overlay in memory the host’s rootfs is read-only too', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['report']), { overlay2: 'root:memory' });
    await run.ended;
    expect((JSON.parse(run.output.stdout) as Seen).gofer.write).toBe('EROFS');
  });

  test('a source tree that only root can read', async () => {
    const id = fixture.newId();
    const copy = join(fixture.directory, 'private');
    for (const file of ['test/oci/fakes', 'build/Release/launcher', 'build/Release/stub']) {
      cpSync(join(source, file), join(copy, file), { recursive: true });
    }
    execFileSync('chmod', ['-R', 'go=', copy]);
    const run = fixture.run(id, fixture.bundle(id, ['report']), {}, [], copy);
    await run.ended;
    expect((JSON.parse(run.output.stdout) as Seen).root).toEqual([]);
  });

  test('an ordinary user can run a container in a root of their own', () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['report']);
    const root = join(fixture.directory, 'theirs');
    mkdirSync(root);
    execFileSync('chmod', ['755', fixture.directory]);
    execFileSync('chown', ['-R', '1234:1234', root, bundle]);
    const command = [process.execPath, ...fixture.command(bundle, id, { root })];
    const options = ['--reuid', '1234', '--regid', '1234', '--clear-groups'];
    const output = execFileSync('setpriv', [...options, ...command], { encoding: 'utf8' });
    const theirs = JSON.parse(output) as Seen;
    expect(theirs.root).toEqual([]);
    expect(theirs.uid).toBe(65534);
    expect(field(theirs.status, 'CapEff')).toBe('0000000000000000');
    expect(theirs.gofer.write).toBe('written');
    expect(statSync(join(bundle, 'rootfs/written')).uid).toBe(1234);
    expect(readdirSync(root)).toEqual([]);
  });

  test('the whole host can be the rootfs, without the jail in it', async () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['report'], { root: { path: '/', readonly: true } });
    const run = fixture.run(id, bundle, { doMode: true });
    await run.ended;
    const tree = (JSON.parse(run.output.stdout) as Seen).gofer.tree;
    expect(tree).toContain('etc');
    expect(tree).toContain('proc');
  });
});

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\t(.*)$`, 'm').exec(status)?.[1] ?? '';
}
