// --systemd-cgroup against a stand-in for systemd on a real bus: what it is asked, and what becomes of its answers.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import dbus from '@particle/dbus-next';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

const hasBus = spawnSync('dbus-daemon', ['--version']).status === 0;
/** The hierarchy that systemd has for itself, or the only one. */
const HIERARCHY = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
);
const CONFIG = (directory: string): string => `<!DOCTYPE busconfig PUBLIC
  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${directory}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>`;

type Variants = [string, dbus.Variant][];

describe.skipIf(!canRun || !hasBus || HIERARCHY === undefined)(
  '--systemd-cgroup',
  { timeout: 600_000 },
  () => {
    let directory: string;
    let daemon: ChildProcess;
    let bus: dbus.MessageBus;
    const asked: { member: string; body: unknown[] }[] = [];
    const made: string[] = [];
    /** How the next job ends. */
    let result = 'done';

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'runsc-systemd-'));
      writeFileSync(join(directory, 'bus.conf'), CONFIG(directory));
      daemon = spawn('dbus-daemon', [`--config-file=${directory}/bus.conf`, '--nofork', '--nopidfile']);
      for (let attempt = 0; attempt < 3000 && !existsSync(join(directory, 'bus')); attempt++) await sleep(10);
      bus = dbus.sessionBus({ busAddress: `unix:path=${directory}/bus` });
      await bus.requestName('org.freedesktop.systemd1', 0);
      bus.addMethodHandler(answer);
      writeBundle(directory, {
        rootfs: rootfs('busybox'),
        args: ['sh', '-c', 'cat /proc/self/cgroup; sleep 1000'],
      });
    }, MAKING_MS);
    afterAll(() => {
      bus.disconnect();
      daemon.kill();
      for (const path of made.reverse()) if (existsSync(path)) rmdirSync(path);
      rmSync(directory, { recursive: true, force: true });
    });
    beforeEach(() => {
      asked.length = 0;
      result = 'done';
    });

    /** As systemd does: the cgroup with the process in it, then word that the job is over. */
    function answer(message: dbus.Message): boolean {
      if (message.path !== '/org/freedesktop/systemd1') return false;
      asked.push({ member: message.member, body: message.body as unknown[] });
      if (message.member === 'StopUnit' && result === 'done') {
        const [name] = message.body as [string];
        answerJob(message, name);
        return true;
      }
      if (!['StartTransientUnit', 'StopUnit'].includes(message.member)) {
        bus.send(dbus.Message.newMethodReturn(message, '', []));
        return true;
      }
      const [name, , properties] = message.body as [string, string, Variants];
      const value = (key: string): unknown => properties.find(([known]) => known === key)?.[1].value;
      if (result === 'refused') {
        bus.send(
          // Its types say text; it takes the message.
          dbus.Message.newError(
            message as unknown as string,
            'org.freedesktop.systemd1.UnitExists',
            'Unit already exists',
          ),
        );
        return true;
      }
      if (result === 'done') {
        for (const path of [value('Slice') as string, `${value('Slice') as string}/${name}`]) {
          const cgroup = join(HIERARCHY!, path);
          if (!existsSync(cgroup)) {
            mkdirSync(cgroup);
            made.push(cgroup);
          }
        }
        for (const pid of value('PIDs') as number[]) {
          writeFileSync(join(HIERARCHY!, value('Slice') as string, name, 'cgroup.procs'), String(pid));
        }
      }
      answerJob(message, name);
      return true;
    }

    function answerJob(message: dbus.Message, name: string): void {
      const job = `/org/freedesktop/systemd1/job/${asked.length}`;
      const signal = dbus.Message.newSignal(
        '/org/freedesktop/systemd1',
        'org.freedesktop.systemd1.Manager',
        'JobRemoved',
        'uoss',
        [1, job, name, result],
      );
      // Sometimes the word comes before the name.
      if (asked.length % 2 === 0) bus.send(signal);
      bus.send(dbus.Message.newMethodReturn(message, 'o', [job]));
      if (asked.length % 2 !== 0) bus.send(signal);
    }

    /** On a host that looks as if systemd ran. */
    function call(...args: string[]): ReturnType<typeof execute> {
      return callAfter('true', ...args);
    }

    function callAfter(command: string, ...args: string[]): ReturnType<typeof execute> {
      const host = `mount -t tmpfs none /run && mkdir -p /run/systemd/system && ${command} && exec "$@"`;
      const flags = ['--root', join(directory, 'state'), '--systemd-cgroup'];
      return execute(
        'unshare',
        ['-m', '--propagation=private', 'sh', '-c', host, 'sh', runsc, ...flags, ...args],
        {
          env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${directory}/bus` },
          timeoutMs: 500_000,
        },
      );
    }

    function configure(cgroupsPath: string, resources: object): void {
      const path = join(directory, 'config.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as { linux: object };
      writeFileSync(path, JSON.stringify({ ...config, linux: { ...config.linux, cgroupsPath, resources } }));
    }

    test('the scope is made with the container in it, updated, and left', async () => {
      const id = `runsc-test-${process.pid}-systemd`;
      configure(`system.slice:docker:${id}`, { memory: { limit: 256 << 20 }, pids: { limit: 200 } });
      // Its own process group keeps no pipe of ours.
      const script = `exec ${runsc} --root ${directory}/state --systemd-cgroup run --detach --pid-file ${directory}/pid -b ${directory} ${id} >/dev/null 2>${directory}/err`;
      const run = await execute(
        'unshare',
        [
          '-m',
          '--propagation=private',
          'sh',
          '-c',
          `mount -t tmpfs none /run; mkdir -p /run/systemd/system; ${script}`,
        ],
        { env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${directory}/bus` } },
      );
      expect({ status: run.status, stderr: readFileSync(join(directory, 'err'), 'utf8') }).toEqual({
        status: 0,
        stderr: '',
      });
      const start = asked.find(({ member }) => member === 'StartTransientUnit')!;
      const [name, mode, variants, auxiliary] = start.body as [string, string, Variants, unknown[]];
      expect([name, mode, auxiliary]).toEqual([`docker-${id}.scope`, 'replace', []]);
      const properties = new Map(
        variants.map(([key, { signature, value }]) => [key, `${signature} ${String(value)}`]),
      );
      expect(properties.get('Slice')).toBe('s system.slice');
      expect(properties.get('Delegate')).toBe('b true');
      expect(properties.get('DefaultDependencies')).toBe('b false');
      expect(properties.get('TasksMax')).toBe('t 200');
      expect(properties.get('MemoryLimit') ?? properties.get('MemoryMax')).toBe(`t ${256 << 20}`);
      const scope = join(HIERARCHY!, 'system.slice', `docker-${id}.scope`);
      const members = readFileSync(join(scope, 'cgroup.procs'), 'utf8').trim().split('\n');
      expect(members).toContain(readFileSync(join(directory, 'pid'), 'utf8'));
      // Stand-in, Sentry, gofer, and what they started.
      expect(members.length).toBeGreaterThan(3);

      expect(await call('update', '--memory', '300m', '--cpu-quota', '50000', id)).toMatchObject({
        status: 0,
        stderr: '',
      });
      const [unit, runtime, changed] = asked.at(-1)!.body as [string, boolean, Variants];
      expect([asked.at(-1)!.member, unit, runtime]).toEqual([
        'SetUnitProperties',
        `docker-${id}.scope`,
        true,
      ]);
      expect(changed.map(([key, { value }]) => `${key} ${String(value)}`)).toContain(
        'CPUQuotaPerSecUSec 500000',
      );

      expect(await call('delete', '--force', id)).toMatchObject({ status: 0, stderr: '' });
      const stop = asked.findIndex(({ member }) => member === 'StopUnit');
      expect(asked.slice(stop)).toEqual([
        { member: 'StopUnit', body: [`docker-${id}.scope`, 'replace'] },
        { member: 'ResetFailedUnit', body: [`docker-${id}.scope`] },
      ]);
      expect(await leftoversOf(id, join(directory, 'state'))).toEqual([]);
    });

    test('a scope that has gone with its last process is no reason to complain', async () => {
      const id = `runsc-test-${process.pid}-gone`;
      configure(`system.slice:docker:${id}`, {});
      // It keeps the descriptors that it has.
      const output = `exec >${directory}/err 2>&1`;
      expect(await callAfter(output, 'create', '-b', directory, id)).toMatchObject({ status: 0 });
      result = 'refused';
      expect(await call('delete', '--force', id)).toMatchObject({ status: 0, stderr: '' });
      expect(asked.map(({ member }) => member)).toContain('StopUnit');
      expect(await leftoversOf(id, join(directory, 'state'))).toEqual([]);
    });

    test.each([
      ['failed', 'got `failed`'],
      ['refused', 'Unit already exists'],
    ])('a job that is %s', async (how, words) => {
      result = how;
      const id = `runsc-test-${process.pid}-${how}`;
      configure(`system.slice:docker:${id}`, {});
      const { status, stderr } = await call('run', '-b', directory, id);
      expect(status).toBe(1);
      expect(stderr).toContain('unable to apply cgroup configuration: unable to start unit');
      expect(stderr).toContain(words);
      expect(await leftoversOf(id, join(directory, 'state'))).toEqual([]);
    });

    test('without a bus, without systemd, and with a path of another form', async () => {
      const id = `runsc-test-${process.pid}-none`;
      configure(`system.slice:docker:${id}`, {});
      const flags = ['--root', join(directory, 'state'), '--systemd-cgroup', 'run', '-b', directory, id];
      const theirs = await execute('runc', flags);
      const ours = await execute(runsc, flags);
      expect(ours.status).toBe(theirs.status);
      const message = (text: string): string => /msg="(.*)"/.exec(text)![1]!.replace('runsc', 'runc');
      expect(message(ours.stderr)).toBe(message(theirs.stderr));
      const script = `mount -t tmpfs none /run; mkdir -p /run/systemd/system; exec ${runsc} ${flags.join(' ')}`;
      const busless = await execute('unshare', ['-m', '--propagation=private', 'sh', '-c', script], {
        env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/no/such/bus' },
      });
      expect(busless.status).toBe(1);
      expect(busless.stderr).toContain('failed to connect to dbus');
      configure('/plain/path', {});
      const plain = await call('run', '-b', directory, id);
      expect(plain.status).toBe(1);
      expect(plain.stderr).toContain('expected cgroupsPath to be of format');
    });
  },
);
