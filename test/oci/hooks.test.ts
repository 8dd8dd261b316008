// Hooks, against runc: which run when, what they read, and what their failures do.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

import type { Hook } from '../../runsc/spec/spec.ts';

const HOST_KINDS = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;
type Kind = (typeof HOST_KINDS)[number];

/** Writes down who it is, what it was given, and how; then does as its last argument says. */
const HOOK = `#!/bin/sh
[ "$2" = none ] || state=$(cat)
echo "$1 $(pwd) $0 [$GREETING] [$HOME] $state" >>"$LOG"
case $2 in
  fail) echo said; echo complained >&2; exit 3 ;;
  kill) kill -9 $$ ;;
  hang) exec sleep 1000 ;;
  net)
    pid=\${state##*'"pid":'}; pid=\${pid%%,*}
    readlink /proc/$$/ns/net /proc/$pid/ns/net >>"$LOG"
    for p in $$ $pid; do grep -q /runsc-hooks /proc/$p/cgroup && echo inside || echo outside; done >>"$LOG" ;;
  large) head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2 ;;
  large-fail) head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; exit 1 ;;
esac
exit 0
`;

describe.skipIf(!canRun)('hooks', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-hooks-'));
    writeFileSync(join(directory, 'hook'), HOOK);
    chmodSync(join(directory, 'hook'), 0o755);
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  class Hooked extends Runtime {
    constructor(program: string = runsc) {
      super(program, mkdtempSync(join(directory, 'x-')));
    }

    hook(kind: Kind, behaviour = '', more: Partial<Hook> = {}): Hook {
      return {
        path: join(directory, 'hook'),
        args: ['hook', kind, behaviour],
        env: ['GREETING=hello = world', `LOG=${this.#log}`, 'PATH=/usr/bin:/bin'],
        ...more,
      };
    }

    get #log(): string {
      return join(this.directory, 'hooks');
    }

    /** One line for each hook that ran, since the last call. */
    ran(): string[] {
      if (!existsSync(this.#log)) return [];
      const text = readFileSync(this.#log, 'utf8');
      rmSync(this.#log);
      return text.trimEnd().split('\n');
    }

    kinds(): string[] {
      return this.ran().map((line) => line.split(' ')[0]!);
    }
  }

  const all = (runtime: Hooked): Record<string, Hook[]> =>
    Object.fromEntries(HOST_KINDS.map((kind) => [kind, [runtime.hook(kind)]]));

  test('each runs once, in its place, with the state, directory and environment that runc gives', async () => {
    const seen: Record<string, string[]> = {};
    for (const program of ['runc', runsc]) {
      const runtime = new Hooked(program);
      const changes = { hooks: all(runtime), annotations: { 'org.example': 'a "b" \\ c' } };
      runtime.configure({ args: ['sleep', '1000'], changes });
      await runtime.create('c');
      const { pid } = JSON.parse((await runtime.call('state', 'c')).stdout) as { pid: number };
      const neutral = (line: string): string =>
        line
          .replaceAll(runtime.directory, 'DIR')
          .replaceAll(runtime.id('c'), 'ID')
          .replace(`"pid":${pid},`, '"pid":PID,');
      const created = runtime.ran().map(neutral);
      await runtime.call('start', 'c');
      const started = runtime.ran().map(neutral);
      await runtime.call('delete', '--force', 'c');
      const deleted = runtime.ran().map(neutral);
      expect(await runtime.leftovers()).toEqual([]);
      seen[program] = [...created, 'start', ...started, 'delete', ...deleted];
    }
    // runc runs poststart in `create` and calls the container "created" then; and what createContainer sees as
    // its pid is a namespace's, which a hook in the host's can't use.
    const expected = seen['runc']!.filter((line) => line !== 'start');
    expected.splice(3, 0, 'start');
    expected[4] = expected[4]!.replace('"created"', '"running"');
    expected[2] = expected[2]!.replace('"pid":1,', '"pid":PID,');
    expect(seen[runsc]).toEqual(expected);
  });

  test('run runs them all, and poststop at its end', async () => {
    const runtime = new Hooked();
    runtime.configure({ args: ['true'], changes: { hooks: all(runtime) } });
    expect((await runtime.call('run', 'c')).status).toBe(0);
    expect(runtime.kinds()).toEqual(HOST_KINDS);
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('a hook is in the caller’s network namespace and cgroup, and its pid in the container’s', async () => {
    for (const program of ['runc', runsc]) {
      const runtime = new Hooked(program);
      const hooks = {
        prestart: [runtime.hook('prestart', 'net')],
        createRuntime: [runtime.hook('createRuntime', 'net')],
      };
      runtime.configure({
        args: ['true'],
        changes: { hooks },
        linux: {
          cgroupsPath: `/runsc-hooks-${process.pid}`,
          namespaces: ['network', 'mount', 'pid', 'uts', 'ipc'].map((type) => ({ type })),
        },
      });
      expect((await runtime.create('c')).status).toBe(0);
      const own = readlinkSync('/proc/self/ns/net');
      const lines = runtime.ran().filter((line) => /^(net:|inside|outside)/.test(line));
      const theirs = lines[1]!;
      expect(theirs).not.toBe(own);
      const stage = [own, theirs, 'outside', 'inside'];
      expect(lines).toEqual([...stage, ...stage]);
      expect((await runtime.call('delete', 'c')).status).toBe(0);
      expect(await runtime.leftovers()).toEqual([]);
    }
  });

  test('createContainer hooks see the container’s mounts, which are mounted once', async () => {
    const seen: string[][] = [];
    for (const program of ['runc', runsc]) {
      const runtime = new Hooked(program);
      const shared = join(runtime.directory, 'shared');
      mkdirSync(join(shared, 'below'), { recursive: true });
      writeFileSync(join(shared, 'file'), 'content');
      const bundle = join(runtime.bundle, 'rootfs');
      execFileSync('cp', ['-a', rootfs('busybox'), bundle]);
      for (const name of ['data/hidden', 'memory', 'elsewhere', 'mnt'])
        mkdirSync(join(bundle, name), { recursive: true });
      writeFileSync(join(bundle, 'one'), '');
      // Led out of the rootfs, it would be the host's directory.
      execFileSync('ln', ['-s', '/elsewhere', join(bundle, 'link')]);
      const script = `ls data data/below; cat one elsewhere/file; echo x >data/x; ls -d memory; ls memory
        mount -t tmpfs tmpfs mnt && echo mounted >mnt/file`;
      const hook = {
        path: '/bin/sh',
        args: ['sh', '-c', `exec >>${runtime.directory}/hooks 2>&1; ${script}`],
        env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'],
      };
      const bind = (destination: string, source: string, ...options: string[]) => ({
        destination,
        type: 'bind',
        source,
        options: ['rbind', ...options],
      });
      runtime.configure({
        args: [
          'sh',
          '-c',
          'cat /data/file /one /mnt/file; umount /data; ls /data; grep -cE "/(data|one) " /proc/self/mounts',
        ],
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          bind('/data', shared, 'ro'),
          bind('/one', join(shared, 'file')),
          bind('/link', shared),
          { destination: '/memory', type: 'tmpfs', source: 'tmpfs' },
        ],
        changes: { hooks: { createContainer: [hook] }, root: { path: 'rootfs' } },
      });
      const config = JSON.parse(readFileSync(join(runtime.bundle, 'config.json'), 'utf8')) as {
        process: { capabilities: Record<string, string[]> };
      };
      for (const set of ['bounding', 'effective', 'permitted'])
        config.process.capabilities[set]!.push('CAP_SYS_ADMIN');
      writeFileSync(join(runtime.bundle, 'config.json'), JSON.stringify(config));
      expect(`${(await runtime.create('c')).status} ${runtime.output()}`).toBe('0 ');
      await runtime.call('start', 'c');
      await runtime.untilStopped('c');
      seen.push([...runtime.ran(), runtime.output()]);
      expect(readdirSync(join(bundle, 'data'))).toEqual(['hidden']);
      expect((await runtime.call('delete', 'c')).status).toBe(0);
      expect(await runtime.leftovers()).toEqual([]);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]!.join()).toContain('contentcontent');
  });

  test('createContainer hooks see the container’s network, and mount for it', async () => {
    const seen: string[][] = [];
    for (const program of ['runc', runsc]) {
      const runtime = new Hooked(program);
      const script = `
        state=$(cat)
        hostname; pwd
        [ $(readlink /proc/self/ns/net) = ${readlinkSync('/proc/self/ns/net')} ] && echo host network || echo other network
        ip -o link | wc -l
        [ $(readlink /proc/self/ns/mnt) = ${readlinkSync('/proc/self/ns/mnt')} ] && echo host mounts || echo other mounts
        mkdir -p mnt/made
        mount -t tmpfs -o mode=700 tmpfs mnt/made && echo mounted > mnt/made/file
        mount --bind ${directory}/hook mnt/bound
        ls -l bin/sh >/dev/null && echo links are followed`;
      const hook = {
        path: '/bin/sh',
        args: ['sh', '-c', `exec >>${runtime.directory}/hooks 2>&1; ${script}`],
        env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      };
      const bundle = join(runtime.bundle, 'rootfs');
      execFileSync('cp', ['-a', rootfs('busybox'), bundle]);
      writeFileSync(join(bundle, 'bound'), '');
      mkdirSync(join(bundle, 'mnt'), { recursive: true });
      writeFileSync(join(bundle, 'mnt/bound'), '');
      runtime.configure({
        args: [
          'sh',
          '-c',
          'cat /mnt/made/file; head -n 1 /mnt/bound; stat -c %a /mnt/made; echo x > /mnt/made/x && cat /mnt/made/x',
        ],
        changes: { hooks: { createContainer: [hook] }, hostname: 'inside', root: { path: 'rootfs' } },
        linux: { namespaces: ['network', 'mount', 'pid', 'uts', 'ipc'].map((type) => ({ type })) },
      });
      const { status } = await runtime.create('c');
      expect(status).toBe(0);
      await runtime.call('start', 'c');
      await runtime.untilStopped('c');
      seen.push(
        [...runtime.ran(), runtime.output()].map((line) => line.replaceAll(runtime.directory, 'DIR')),
      );
      expect(readdirSync(join(bundle, 'mnt/made'))).toEqual([]);
      expect((await runtime.call('delete', 'c')).status).toBe(0);
      expect(await runtime.leftovers()).toEqual([]);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toContain('other network');
  });

  const failures = ['fail', 'kill', 'hang', 'missing', 'large-fail'];
  test.each(['prestart', 'createRuntime', 'createContainer'] as const)(
    'create fails with %s, in runc’s words',
    { timeout: 600_000 },
    async (kind) => {
      const said: Record<string, string[]> = {};
      for (const program of ['runc', runsc]) {
        const runtime = new Hooked(program);
        for (const failure of failures) {
          const more =
            failure === 'missing' ? { path: '/no/such' } : failure === 'hang' ? { timeout: 3 } : {};
          const hooks = {
            [kind]: [runtime.hook(kind), runtime.hook(kind, failure, more)],
            poststop: [runtime.hook('poststop')],
          };
          runtime.configure({ args: ['true'], changes: { hooks } });
          const { status, stderr } = await runtime.create('c');
          expect(status).toBe(1);
          if (program === runsc) expect(stderr.length).toBeLessThan(4096);
          expect((await runtime.call('state', 'c')).status).toBe(1);
          const second = failure === 'missing' ? [] : [kind];
          expect(runtime.kinds(), failure).toEqual([kind, ...second, 'poststop']);
        }
        expect(await runtime.leftovers()).toEqual([]);
        said[program] = runtime.log.map((line) =>
          line.replace(/stdout: x+, stderr: y+/, 'stdout: xs, stderr: ys'),
        );
      }
      expect(said[runsc]).toEqual(said['runc']);
    },
  );

  test.each(failures.filter((failure) => failure !== 'large-fail'))(
    'a poststart that fails (%s) fails start and ends the container',
    async (failure) => {
      const runtime = new Hooked();
      const more = failure === 'missing' ? { path: '/no/such' } : failure === 'hang' ? { timeout: 3 } : {};
      const hooks = {
        poststart: [runtime.hook('poststart', failure, more)],
        poststop: [runtime.hook('poststop')],
      };
      for (const args of [['true'], ['sleep', '1000']]) {
        runtime.configure({ args, changes: { hooks } });
        await runtime.create('c');
        const { status, stderr } = await runtime.call('start', 'c');
        expect(status).toBe(1);
        expect(stderr).toMatch(/error running hook #0: (error running hook|fork\/exec|hook ran past)/);
        await runtime.untilStopped('c');
        expect((await runtime.call('delete', 'c')).status).toBe(0);
        expect(runtime.kinds().at(-1)).toBe('poststop');
      }
      expect(await runtime.leftovers()).toEqual([]);
    },
  );

  test.each(failures)(
    'a poststop that fails (%s) is logged; the others run, and delete succeeds',
    async (failure) => {
      const runtime = new Hooked();
      const more = failure === 'missing' ? { path: '/no/such' } : failure === 'hang' ? { timeout: 3 } : {};
      const hooks = { poststop: [runtime.hook('poststop', failure, more), runtime.hook('poststop')] };
      runtime.configure({ args: ['true'], changes: { hooks } });
      const ways = [
        async () => {
          await runtime.create('c');
          return runtime.call('delete', 'c');
        },
        () => runtime.call('run', 'c'),
      ];
      for (const way of ways) {
        const { status, stderr } = await way();
        expect(status).toBe(0);
        expect(stderr).toMatch(/level=warning msg="error running hook #0: /);
        expect(stderr.length).toBeLessThan(4096);
        expect(runtime.kinds()).toHaveLength(failure === 'missing' ? 1 : 2);
      }
      expect(await runtime.leftovers()).toEqual([]);
    },
  );

  const inside = (script: string, more: Partial<Hook> = {}): Hook => ({
    path: '/bin/sh',
    args: ['sh', '-c', script, 'its-name'],
    env: ['GREETING=hello = world', 'PATH=/bin'],
    ...more,
  });

  test('startContainer hooks run inside, as the container’s user, before its program', async () => {
    const seen: Record<string, string> = {};
    for (const program of ['runc', runsc]) {
      const runtime = new Hooked(program);
      const hooks = {
        startContainer: [
          inside('(echo "$0 [$GREETING] $(id -u) $(pwd) $(hostname)"; cat; echo) >/tmp/first'),
          inside(
            'sed s/its-name/second/ /tmp/first >/tmp/second; sleep 1000 >/dev/null 2>&1 & echo lost; exit 0',
          ),
        ],
      };
      runtime.configure({ args: ['sh', '-c', 'cat /tmp/first /tmp/second; echo $$'], changes: { hooks } });
      await runtime.create('c');
      expect((await runtime.call('start', 'c')).status).toBe(0);
      await runtime.untilStopped('c');
      seen[program] = runtime.output().replaceAll(runtime.directory, 'DIR').replaceAll(runtime.id('c'), 'ID');
      expect((await runtime.call('delete', 'c')).status).toBe(0);
      expect(await runtime.leftovers()).toEqual([]);
    }
    expect(seen[runsc]).toBe(seen['runc']);
  });

  test.each([
    [inside('exit 3'), 'error running hook #1: error running hook: exit status 3'],
    [
      inside('echo said; echo complained >&2; exit 4'),
      'error running hook: exit status 4, stdout: said , stderr: complained',
    ],
    [inside('head -c 100000 /dev/zero | tr "\\0" x; exit 1'), 'stdout: xxx'],
    [inside('kill -9 $$'), 'error running hook #1: error running hook: signal: killed'],
    [
      inside('exec sleep 1000', { timeout: 1 }),
      'error running hook #1: hook ran past specified timeout of 1.0s',
    ],
    [inside('', { path: '/no/such' }), 'error running hook #1: exec /no/such: no such file or directory'],
  ])('a startContainer hook that fails ends the container: %j', async (hook, message) => {
    const runtime = new Hooked();
    const hooks = { startContainer: [inside('true'), hook, inside('sleep 1000')] };
    runtime.configure({ args: ['echo', 'not run'], changes: { hooks } });
    await runtime.create('c');
    const { status, stderr } = await runtime.call('start', 'c');
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    await runtime.untilStopped('c');
    expect(runtime.output()).toBe('');
    expect((await runtime.call('delete', 'c')).status).toBe(0);
    const run = await runtime.call('run', 'd');
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('a container can be killed during its startContainer hooks', async () => {
    const runtime = new Hooked();
    runtime.configure({
      args: ['true'],
      mounts: [{ destination: '/dir', type: 'bind', source: runtime.directory, options: ['bind'] }],
      changes: { hooks: { startContainer: [inside('echo >/dir/running; exec sleep 1000')] } },
    });
    await runtime.create('c');
    const starting = runtime.call('start', 'c');
    await until(
      () => Promise.resolve(existsSync(join(runtime.directory, 'running'))),
      (there) => there,
    );
    expect((await runtime.call('start', 'c')).status).toBe(1);
    expect((await runtime.call('kill', 'c', 'KILL')).status).toBe(0);
    expect((await starting).status).toBe(1);
    await runtime.untilStopped('c');
    expect((await runtime.call('delete', 'c')).status).toBe(0);
    expect(await runtime.leftovers()).toEqual([]);
  });

  test.each(['large', 'none'])('a hook may write a lot and read nothing (%s)', async (behaviour) => {
    const runtime = new Hooked();
    const hooks = Object.fromEntries(HOST_KINDS.map((kind) => [kind, [runtime.hook(kind, behaviour)]]));
    // More than a pipe holds.
    const annotations = Object.fromEntries(
      Array.from({ length: 3000 }, (_, n) => [`key.${n}`, 'x'.repeat(50)]),
    );
    runtime.configure({ args: ['true'], changes: { hooks, annotations } });
    await runtime.create('c');
    expect((await runtime.call('start', 'c')).status).toBe(0);
    await runtime.untilStopped('c');
    expect((await runtime.call('delete', 'c')).status).toBe(0);
    expect(runtime.kinds()).toEqual(HOST_KINDS);
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('a hook that takes long stops nobody: signals, a second create, and a kill of the stand-in', async () => {
    const runtime = new Hooked();
    runtime.configure({
      args: ['true'],
      changes: { hooks: { prestart: [runtime.hook('prestart', 'hang')] } },
    });
    const creating = runtime.create('c');
    const pid = await until(
      () => runtime.state('c'),
      ({ status }) => status === 0,
    );
    expect(JSON.parse(pid.stdout)).toMatchObject({ status: 'creating' });
    expect((await runtime.call('run', 'c')).stderr).toContain('container with given ID already exists');
    expect((await runtime.call('delete', 'c')).stderr).toContain('that is not stopped: creating');
    expect((await runtime.call('delete', '--force', 'c')).status).toBe(0);
    expect((await creating).status).not.toBe(0);
    expect(await runtime.leftovers()).toEqual([]);
  });
});

async function until<T>(read: () => Promise<T>, condition: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    const value = await read();
    if (condition(value)) return value;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('still not');
}
