// Pods: several containers in one Sentry.

import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';
import { finishPods, Pod } from './pod-fixture.ts';

describe.skipIf(!canRun)('pod', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-pod-'));
  }, MAKING_MS);
  afterEach(finishPods);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(['containerd', 'crio'] as const)(
    'containers of a %s pod: processes, names, output and statuses of their own',
    async (manager) => {
      const pod = new Pod(directory, { manager });
      await pod.begin();
      const a = pod.foreground('a', { args: ['sh', '-c', 'echo $$ $(hostname) a; sleep 0.2; exit 3'] });
      const b = pod.foreground('b', {
        args: ['sh', '-c', 'echo $$ $(hostname) b; kill -9 $$; kill 1; ps; exec sleep 1000'],
        shares: {},
        hostname: 'other',
      });
      await pod.create('c', { args: ['echo', 'c'] });
      await pod.untilOutput('b', '{ps}');
      expect(await a).toBe(3);
      expect(pod.output('a')).toBe('1 pod a\n');
      expect(pod.output('b')).toMatch(
        /^1 other b\nPID +USER[^\n]*\n +1 root[^\n]*\n +\d+ root +{ps}[^\n]*\n$/,
      );
      await pod.must('kill', 'b', 'KILL');
      expect(await b).toBe(137);
      expect([await pod.status('c'), pod.output('c')]).toEqual(['created', '']);
      await pod.must('start', 'c');
      expect(await pod.untilOutput('c', '\n')).toBe('c\n');
      await pod.untilStopped('c');
      expect(await pod.status('pause')).toBe('running');
      expect(await pod.finish()).toEqual([]);
    },
  );

  test('with a debug log', async () => {
    const log = join(directory, 'debug.log');
    const pod = new Pod(directory, { flags: ['--strace', '--debug-log', log] });
    await pod.begin();
    expect(await pod.foreground('a', { args: ['sh', '-c', 'echo out; exit 3'] })).toBe(3);
    expect(pod.output('a')).toBe('out\n');
    expect(await pod.finish()).toEqual([]);
    expect(readFileSync(log, 'utf8')).toContain('exit_group(3)');
  });

  test('a shared pid namespace: everybody is seen, init is the sandbox’s and gets the orphans', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    const shares = { pid: 'pause', uts: 'pause', ipc: 'pause' };
    const orphan = '(sh -c "sleep 0.3; awk /PPid/ /proc/self/status; exec sleep 1000" &); sleep 0.1';
    await pod.run('a', { args: ['sh', '-c', `echo $$; ${orphan}; exec sleep 2000`], shares });
    await pod.untilOutput('a', 'PPid');
    expect(pod.output('a')).toMatch(/^[2-9]\d*\nPPid:\t\d+\n$/);
    const all = 'until [ $(ps -o args | grep -c "^sleep [12]000$") = 2 ]; do sleep 0.05; done; ps -o args';
    const b = pod.foreground('b', {
      args: ['sh', '-c', `${all}; kill ${parseInt(pod.output('a'))}`],
      shares,
    });
    expect(await b).toBe(0);
    for (const args of ['sleep 100000', 'sleep 2000', 'sleep 1000', 'ps -o args'])
      expect(pod.output('b')).toContain(args);
    // Killed by a process of the other container; its orphan goes with it, and nobody else.
    await pod.untilStopped('a');
    const c = pod.foreground('c', { args: ['sh', '-c', 'ps -o args | grep sleep'], shares });
    expect(await c).toBe(0);
    expect(pod.output('c').match(/^sleep.*$/gm)).toEqual(['sleep 100000']);
    expect(await pod.finish()).toEqual([]);
  });

  test('a container that shares a namespace with ours by its path joins it; one that shares none does not', async () => {
    const pod = new Pod(directory, { manager: 'none' });
    await pod.begin();
    await pod.run('a', { args: ['sh', '-c', 'hostname; exec sleep 1000'] });
    await pod.run('b', { args: ['sh', '-c', 'hostname; exec sleep 1000'], shares: {}, hostname: 'alone' });
    // The namespace of a container that has joined is as good.
    expect(await pod.foreground('c', { args: ['hostname'], shares: { uts: 'a' } })).toBe(0);
    expect([await pod.untilOutput('a', '\n'), await pod.untilOutput('b', '\n'), pod.output('c')]).toEqual([
      'pod\n',
      'alone\n',
      'pod\n',
    ]);
    expect(() => processOf('runsc-sentry', pod.id('a'))).toThrow('no runsc-sentry');
    expect(processOf('runsc-sentry', pod.id('b'))).toBeGreaterThan(0);
    await pod.must('kill', 'pause', 'KILL');
    await pod.untilStopped('a');
    expect(await pod.status('b')).toBe('running');
    expect(await pod.finish()).toEqual([]);
  });

  test('loopback and /dev/shm are shared', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    const shm = mkdtempSync('/dev/shm/runsc-pod-');
    const mounts = [{ destination: '/dev/shm', type: 'bind', source: shm, options: ['rbind', 'rw'] }];
    await pod.run('server', {
      args: ['sh', '-c', 'echo from server > /dev/shm/note; echo hello | nc -l -p 7000'],
      mounts,
    });
    const client = pod.foreground('client', {
      args: ['sh', '-c', 'until nc 127.0.0.1 7000; do sleep 0.1; done; cat /dev/shm/note'],
      mounts,
    });
    expect(await client).toBe(0);
    expect(pod.output('client').replace(/^nc: .*\n/gm, '')).toBe('hello\nfrom server\n');
    rmSync(shm, { recursive: true });
    expect(await pod.finish()).toEqual([]);
  });

  test('the sandbox ends with its first container, and takes the others with 137', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    const a = pod.foreground('a', { args: ['sh', '-c', 'echo up; exec sleep 1000'] });
    await pod.untilOutput('a', 'up');
    await pod.create('b', { args: ['sleep', '1000'] });
    await pod.must('kill', 'pause', 'KILL');
    expect(await a).toBe(137);
    await pod.untilStopped('b');
    const late = await pod.tryCreate('c', { args: ['true'], shares: {} });
    expect(late.status).toBe(1);
    expect(late.stderr).toMatch(/sandbox .*-pause of this container is not running/);
    expect(await pod.finish()).toEqual([]);
  });

  test('with 137 also when the end of their gofers is seen before that of the sandbox', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    const a = pod.foreground('a', { args: ['sh', '-c', 'echo up; exec sleep 1000'] });
    await pod.untilOutput('a', 'up');
    const gofer = processOf('runsc-gofer', pod.id('a'));
    // The pipe that ends with the sandbox has one more writer.
    const kept = sharedPipes(processOf('runsc-sentry', pod.id('pause')), pod.pid('a')).map((path) =>
      openSync(path, 'w'),
    );
    expect(kept.length).toBeGreaterThan(0);
    await pod.must('kill', 'pause', 'KILL');
    await until(() => !isAlive(gofer));
    await sleep(200);
    kept.forEach(closeSync);
    expect(await a).toBe(137);
    expect(await pod.finish()).toEqual([]);
  });

  test.each(['launcher', 'gofer'])(
    'SIGKILL of one container’s %s ends that container alone',
    async (which) => {
      const pod = new Pod(directory);
      await pod.begin();
      await pod.run('a', { args: ['sh', '-c', 'while :; do echo a; sleep 0.1; done'] });
      const b = pod.foreground('b', { args: ['sh', '-c', 'sleep 1000 & echo b; while :; do :; done'] });
      await pod.untilOutput('b', 'b');
      let stubs: number[] = [];
      await until(() => (stubs = stubsIn(pod.id('b'))).length > 1);
      process.kill(which === 'gofer' ? processOf('runsc-gofer', pod.id('b')) : pod.pid('b'), 'SIGKILL');
      // A signal is no exit code.
      expect(await b).toBe(which === 'gofer' ? 137 : null);
      await until(() => !stubs.some(isAlive));
      const before = pod.output('a').length;
      await until(() => pod.output('a').length > before);
      // The place is free for the next.
      expect(await pod.foreground('again', { args: ['true'] })).toBe(0);
      expect(await pod.finish()).toEqual([]);
    },
  );

  test('limits are each container’s own, outside and inside', async () => {
    const pod = new Pod(directory);
    await pod.begin({ resources: { cpu: { shares: 2 } } });
    const small = { memory: { limit: 64 << 20 }, pids: { limit: 8 } };
    await pod.run('a', {
      args: ['sh', '-c', 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max; exec sleep 1000'],
      resources: small,
    });
    await pod.run('b', {
      args: ['sh', '-c', 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max; exec sleep 1000'],
      resources: {},
    });
    expect(await pod.untilOutput('a', '864')).toBe('8\n67108864\n');
    expect(await pod.untilOutput('b', 'max\nmax')).toBe('max\nmax\n');
    expect(stubsIn(pod.id('a')).length).toBeGreaterThan(0);
    expect(stubsIn(pod.id('b')).length).toBeGreaterThan(0);
    const score = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    await until(() => stubsIn(pod.id('a')).every((pid) => score(pid) === 1000));
    expect(score(stubsIn(pod.id('b'))[0]!)).toBeLessThan(1000);
    expect(score(processOf('runsc-sentry', pod.id('pause')))).toBe(0);
    const args = ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo forked'];
    await pod.foreground('few', { args, resources: { pids: { limit: 8 } } });
    expect(pod.output('few')).toContain("can't fork: Resource temporarily unavailable");
    expect(await pod.foreground('many', { args, resources: {} })).toBe(0);
    expect(pod.output('many')).toBe('forked\n');
    // A guest process that takes more than the container may have is killed, and nobody else.
    const eater = pod.foreground('eater', {
      args: ['sh', '-c', 'awk "BEGIN { s = 1; while (1) s = s s }"; echo awk: $?'],
      resources: { memory: { limit: 64 << 20 } },
    });
    expect(await eater).toBe(0);
    expect(pod.output('eater')).toContain('awk: 137');
    expect([await pod.status('a'), await pod.status('b'), await pod.status('pause')]).toEqual([
      'running',
      'running',
      'running',
    ]);
    expect(await pod.finish()).toEqual([]);
  });

  test('exec, state, ps, pause and update reach the container that they name', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    const args = ['sh', '-c', 'trap "echo term" TERM; echo up; while :; do sleep 0.1; done'];
    await pod.run('a', { args: ['sleep', '1000'], resources: { pids: { limit: 50 } } });
    await pod.run('b', { args, shares: {}, hostname: 'b' });
    await pod.untilOutput('b', 'up');
    const ask = 'hostname; cat /sys/fs/cgroup/pids.max; exit 1';
    expect(await pod.exec('a', 'sh', '-c', ask)).toMatchObject({ status: 1, stdout: 'pod\n50\n' });
    expect(await pod.exec('b', 'sh', '-c', 'hostname; exit 4')).toMatchObject({ status: 4, stdout: 'b\n' });
    // What is exec'd lives where its container does.
    const sleepers = (): number =>
      stubsIn(pod.id('a')).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x001000\0')
        .length;
    await until(() => sleepers() === 1);
    const sleeper = pod.exec('a', 'sleep', '1000');
    await until(() => sleepers() === 2);
    await pod.must('update', 'a', '--pids-limit', '60');
    expect((await pod.exec('a', 'cat', '/sys/fs/cgroup/pids.max')).stdout).toBe('60\n');
    expect((await pod.exec('b', 'cat', '/sys/fs/cgroup/pids.max')).stdout).toBe('max\n');
    await pod.must('pause', 'a');
    expect([await pod.status('a'), await pod.status('b')]).toEqual(['paused', 'running']);
    expect((await pod.exec('b', 'true')).status).toBe(0);
    await pod.must('resume', 'a');
    await pod.must('kill', 'b', 'TERM');
    expect(await pod.untilOutput('b', 'term')).toBe('up\nterm\n');
    expect(pod.output('a')).toBe('');
    await pod.must('kill', 'a', 'KILL');
    expect((await sleeper).status).toBe(137);
    expect(await pod.finish()).toEqual([]);
  });

  test('ps lists what each container has forked and what was added to it, nobody else’s', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    await pod.run('a', { args: ['sh', '-c', 'sleep 1001 & sleep 1002 & echo a; wait'] });
    await pod.run('b', { args: ['sh', '-c', 'sleep 1003 & echo b; wait'] });
    await pod.untilOutput('a', 'a');
    await pod.untilOutput('b', 'b');
    const added = pod.exec('b', 'sh', '-c', 'sleep 1004; true');
    const commands = async (name: string): Promise<string[]> => {
      const lines = (await pod.must('ps', name, '-o', 'pid,args')).trimEnd().split('\n').slice(1);
      return lines.map((line) => line.replace(/^ *\d+ (runsc \d+ \S+ )?/, '')).sort();
    };
    const a = ['sh -c sleep 1001 & sleep 1002 & echo a; wait', 'sleep 1001', 'sleep 1002'];
    const b = ['sh -c sleep 1003 & echo b; wait', 'sh -c sleep 1004; true', 'sleep 1003', 'sleep 1004'];
    await vi.waitFor(async () => expect(await commands('a')).toEqual(a), 60_000);
    await vi.waitFor(async () => expect(await commands('b')).toEqual(b), 60_000);
    await pod.must('kill', 'b', 'KILL');
    expect((await added).status).toBe(137);
    expect(await pod.finish()).toEqual([]);
  });

  test('a launcher that is killed while it joins leaves nothing, in the sandbox neither', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    expect(await pod.foreground('warm', { args: ['true'] })).toBe(0);
    const before = await settled(pod);
    // At moments all over the start, which takes as long as it does here and now: the first one tells, and each that
    // has been quicker.
    const member = { args: ['sh', '-c', 'echo up; exec sleep 1000'] };
    let [startMs, killed] = [Infinity, 0];
    for (let i = 0; killed < 16; i++) {
      const name = `k${i}`;
      const ended = pod.foreground(name, member);
      const pid = pod.commandPid(name);
      await until(() => isLauncher(pid, pod.id(name)), 1);
      const since = performance.now();
      if (startMs === Infinity) await pod.untilOutput(name, 'up');
      else await sleep((startMs * killed) / 16);
      const isUp = pod.output(name).includes('up');
      process.kill(pid, 'SIGKILL');
      if (isUp) startMs = Math.min(startMs * 0.9, performance.now() - since);
      else killed++;
      expect(await ended).toBe(null);
    }
    await until(() => holdings(pod).every((count, i) => count <= before[i]!));
    expect(await pod.foreground('after', { args: ['true'] })).toBe(0);
    expect(await pod.finish()).toEqual([]);
  });

  test('twenty containers, one after the other and at once, leave nothing in the sandbox', async () => {
    const pod = new Pod(directory);
    await pod.begin();
    // As a kubelet binds /etc/hosts and its kin into each container.
    const bound = join(directory, 'bound');
    writeFileSync(bound, 'bound\n');
    const mounts = [{ destination: '/bound', type: 'bind', source: bound, options: ['rbind'] }];
    const args = [
      'sh',
      '-c',
      'grep -q bound /bound && echo more >>/bound; echo $$; sleep 0.1 & wait; exit 5',
    ];
    const member = { args, mounts };
    // The first ones make what stays.
    for (const name of ['warm1', 'warm2']) expect(await pod.foreground(name, member)).toBe(5);
    const before = await settled(pod);
    for (let i = 0; i < 6; i++) expect(await pod.foreground(`one${i}`, member)).toBe(5);
    const names = Array.from({ length: 20 }, (_, i) => `at-once${i}`);
    const statuses = await Promise.all(names.map((name) => pod.foreground(name, member)));
    expect(statuses).toEqual(names.map(() => 5));
    for (const name of names) expect(pod.output(name)).toBe('1\n');
    await until(() => holdings(pod).every((count, i) => count <= before[i]!));
    expect(await pod.finish()).toEqual([]);
  });
});

/** What a pod's Sentry has: descriptors, and stubs. */
function holdings(pod: Pod): [number, number] {
  const sentry = processOf('runsc-sentry', pod.id('pause'));
  return [readdirSync(`/proc/${sentry}/fd`).length, stubsIn(pod.id('')).length];
}

/** The same when nothing has come and gone for a second. */
async function settled(pod: Pod): Promise<[number, number]> {
  let [before, since] = [holdings(pod), Date.now()];
  while (Date.now() - since < 1000) {
    await sleep(100);
    const now = holdings(pod);
    if (now.join() !== before.join()) [before, since] = [now, Date.now()];
  }
  return before;
}

/** Host pids of the stubs in a container's cgroup. */
function stubsIn(id: string): number[] {
  const pids = new Set<number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (!readFileSync(`/proc/${name}/cgroup`, 'utf8').includes(`/${id}`)) continue;
      if (readlinkSync(`/proc/${name}/exe`).includes('stub')) pids.add(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return [...pids];
}

function processOf(program: string, id: string): number {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (args[0] === program && args.includes(id)) return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`no ${program} of ${id}`);
}

/** What two processes have both open of pipes, as paths in the first one's /proc directory. */
function sharedPipes(one: number, other: number): string[] {
  const pipes = (pid: number): [string, string][] =>
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      const path = `/proc/${pid}/fd/${fd}`;
      return [readlinkSync(path), path];
    });
  const known = new Set(pipes(other).map(([target]) => target));
  return pipes(one)
    .filter(([target]) => target.startsWith('pipe:') && known.has(target))
    .map(([, path]) => path);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether Node has made way for the launcher. */
function isLauncher(pid: number, id: string): boolean {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return args[0] === 'runsc' && args[2] === id;
}

async function until(done: () => boolean, everyMs = 25): Promise<void> {
  for (const since = Date.now(); !done() && Date.now() - since < 60_000;) await sleep(everyMs);
  expect(done()).toBe(true);
}
