// ps, pause, resume, update, events, wait and features, each against runc where it has the command.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

const RUNTIMES = ['runc', runsc] as const;
/** Counts in a file that both sides can read, so that one sees whether it goes on. */
const COUNTER = 'i=0; while :; do i=$((i+1)); echo $i > /shared/count; done';

describe.skipIf(!canRun)('commands', { timeout: 600_000 }, () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-commands-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function runtime(program: string): Runtime {
    return new Runtime(program, mkdtempSync(join(directory, 'x-')));
  }

  /** What both runtimes answer to the same script, which must leave nothing. */
  async function compare(script: (runtime: Runtime) => Promise<void>): Promise<string[]> {
    const logs: string[][] = [];
    for (const program of RUNTIMES) {
      const used = runtime(program);
      await script(used);
      expect(await used.leftovers(), program).toEqual([]);
      logs.push(used.log.map((line) => line.replaceAll('runsc: ', 'runc: ')));
    }
    expect(logs[1]).toEqual(logs[0]);
    return logs[1]!;
  }

  async function started(used: Runtime, script = 'sleep 1000', linux = {}): Promise<number> {
    const shared = { destination: '/shared', type: 'bind', source: used.directory, options: ['bind'] };
    used.configure({ args: ['sh', '-c', script], mounts: [shared], linux });
    await used.create('c', '--pid-file', 'pid');
    await used.call('start', 'c');
    return Number(readFileSync(join(used.bundle, 'pid'), 'utf8'));
  }

  async function finish(used: Runtime): Promise<void> {
    await used.call('delete', '--force', 'c');
  }

  const count = (used: Runtime): string => {
    const path = join(used.directory, 'count');
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  };

  /** What does not go on is given one second to show that it does; what does, all the time that it needs. */
  async function goesOn(used: Runtime, expected: boolean): Promise<boolean> {
    const before = count(used);
    for (let attempt = 0; attempt < (expected ? 3000 : 50); attempt++) {
      await sleep(20);
      if (count(used) !== before && count(used) !== '') return true;
    }
    return false;
  }

  test('of what there is not, what is stopped, and what is wrong', async () => {
    await compare(async (used) => {
      for (const command of ['ps', 'pause', 'resume', 'update', 'checkpoint']) await used.call(command, 'c');
      await used.call('events', '--stats', 'c');
      await used.call('ps');
      await used.call('pause', 'c', 'd');
      await used.call('events', '--interval', '0', 'c');
      await started(used, 'exit 0');
      await used.untilStopped('c');
      await used.call('ps', '--format', 'json', 'c');
      for (const command of ['pause', 'resume', 'update']) await used.call(command, 'c');
      await used.call('events', '--stats', 'c');
      await finish(used);
    });
  });

  test('pause stops every process, resume lets them go on', async () => {
    await compare(async (used) => {
      await started(used, `(${COUNTER.replace('count', 'other')}) & ${COUNTER}`);
      expect(await goesOn(used, true)).toBe(true);
      await used.call('resume', 'c');
      await used.call('pause', 'c');
      await used.state('c');
      await used.call('pause', 'c');
      await used.call('delete', 'c');
      await sleep(50);
      expect(await goesOn(used, false)).toBe(false);
      await used.call('resume', 'c');
      await used.state('c');
      await used.call('resume', 'c');
      expect(await goesOn(used, true)).toBe(true);
      await finish(used);
    });
  });

  test('a container that waits for its start can be paused', async () => {
    await compare(async (used) => {
      used.configure({ args: ['sleep', '1000'] });
      await used.create('c');
      await used.call('pause', 'c');
      await used.state('c');
      await used.call('pause', 'c');
      await used.call('start', 'c');
      await used.call('delete', 'c');
      await used.call('resume', 'c');
      await used.state('c');
      await used.call('start', 'c');
      await used.state('c');
      await finish(used);
      // Ended while it was paused.
      await used.create('c');
      await used.call('pause', 'c');
      await used.call('kill', 'c', 'TERM');
      await used.state('c');
      await used.call('resume', 'c');
      await used.untilStopped('c');
      await finish(used);
      await used.create('c');
      await used.call('pause', 'c');
      await finish(used);
    });
  });

  test('what was sent to a paused container arrives when it goes on, and nothing was lost', async () => {
    for (const program of RUNTIMES) {
      const used = runtime(program);
      await started(
        used,
        `trap 'echo got >> /shared/count' USR1; echo >/shared/ready; n=0; while :; do sleep 0.01; n=$((n+1)); done`,
      );
      while (!existsSync(join(used.directory, 'ready'))) await sleep(20);
      await used.call('pause', 'c');
      await used.call('kill', 'c', 'USR1');
      await sleep(200);
      expect(count(used), program).toBe('');
      await used.call('resume', 'c');
      for (let attempt = 0; attempt < 3000 && count(used) === ''; attempt++) await sleep(20);
      expect(count(used), program).toBe('got');
      await finish(used);
    }
  });

  test('forks, execs and pipes survive being paused again and again', async () => {
    const used = runtime(runsc);
    await started(
      used,
      'i=0; while [ $i -lt 200 ]; do i=$((i+1)); x=$(echo $i | cat | cat); [ "$x" = $i ] || echo wrong > /shared/count; done; echo done > /shared/count; sleep 1000',
    );
    for (let round = 0; round < 15; round++) {
      await used.call('pause', 'c');
      await sleep(round * 3);
      await used.call('resume', 'c');
    }
    for (let attempt = 0; attempt < 6000 && count(used) === ''; attempt++) await sleep(20);
    expect(count(used)).toBe('done');
    await finish(used);
    expect(await used.leftovers()).toEqual([]);
  });

  test.each(['KILL', 'delete'])('a paused container can be ended by %s', async (how) => {
    await compare(async (used) => {
      await started(used, COUNTER);
      await used.call('pause', 'c');
      if (how === 'KILL') {
        await used.call('kill', 'c', 'KILL');
        await used.untilStopped('c');
      }
      await finish(used);
    });
  });

  /** The lines of `ps`, when there is one like each. */
  async function tableWith(used: Runtime, wanted: readonly RegExp[]): Promise<string[]> {
    let lines: string[] = [];
    for (let attempt = 0; attempt < 300; attempt++) {
      lines = (await used.call('ps', 'c')).stdout.split('\n');
      if (wanted.every((pattern) => lines.some((line) => pattern.test(line)))) break;
    }
    return lines;
  }

  test('ps: host pids, and the table of ps(1)', async () => {
    for (const program of RUNTIMES) {
      const used = runtime(program);
      const pid = await started(used);
      expect(JSON.parse((await used.call('ps', '--format', 'json', 'c')).stdout), program).toEqual([pid]);
      expect(JSON.parse((await used.call('ps', '-f=json', 'c')).stdout)).toEqual([pid]);
      // `start` may be over before the program is executed.
      const table = await tableWith(used, [/sleep 1000$/]);
      expect(table[0]).toMatch(/^UID +PID +PPID/);
      expect(table.length).toBe(3);
      expect(table[1]!.split(/\s+/)[1]).toBe(String(pid));
      // The programs' names and arguments, of exec'd ones too.
      expect(table[1]).toMatch(/sleep 1000$/);
      writeFileSync(
        join(used.bundle, 'process.json'),
        JSON.stringify({ args: ['sleep', '1001'], env: ['PATH=/bin'], cwd: '/', user: { uid: 0, gid: 0 } }),
      );
      for (const args of [
        ['--process', join(used.bundle, 'process.json'), used.id('c')],
        [used.id('c'), 'sleep', '1002'],
        ['--no-new-privs', used.id('c'), 'sleep', '1003'],
      ]) {
        // What is exec'd keeps the standard descriptors.
        const command = ['--root', used.root, 'exec', '--detach', ...args];
        expect(spawnSync(program, command, { stdio: 'ignore' }).status).toBe(0);
      }
      const all = await tableWith(
        used,
        [1001, 1002, 1003].map((seconds) => new RegExp(`\\d sleep ${seconds}$`)),
      );
      for (const seconds of [1001, 1002, 1003])
        expect(
          all.filter((line) => line.endsWith(`sleep ${seconds}`)),
          program,
        ).toHaveLength(1);
      expect((await used.call('ps', 'c', '-o', 'pid=PID,stat')).stdout).toMatch(
        new RegExp(`^ *PID STAT\n *${pid} `, 'm'),
      );
      expect((await used.call('ps', 'c', '-o', 'stat')).stderr).toContain(
        "couldn't find PID field in ps output",
      );
      expect((await used.call('ps', '-f', 'xml', 'c')).stderr).toContain('invalid format option');
      await finish(used);
    }
  });

  test('ps: what the processes fork, with their names, arguments and times', async () => {
    const script = [
      'sleep 1001 & sleep 1002 &',
      "sh -c 'while :; do :; done' spinning &",
      "sh -c 'echo -n renamed >/proc/self/comm; sleep 1003; true' & wait",
    ].join('\n');
    for (const program of RUNTIMES) {
      const used = runtime(program);
      const pid = await started(used, script);
      const rows = async (): Promise<string[][]> =>
        (await used.call('ps', 'c', '-o', 'pid,comm,time,rss,args')).stdout
          .split('\n')
          .slice(1)
          .map((line) => line.trim().split(/\s+/))
          .filter((words) => words.length > 1);
      const expected = ['sleep 1001', 'sleep 1002', 'sleep 1003', 'sh -c while :; do :; done spinning'];
      let found: string[][] = [];
      let args: string[] = [];
      for (let attempt = 0; attempt < 400; attempt++) {
        found = await rows();
        args = found.map((words) => words.slice(4).join(' '));
        const spun = found.some((words) => words.at(-1) === 'spinning' && words[2] !== '00:00:00');
        if (spun && expected.every((line) => args.includes(line))) break;
        await sleep(50);
      }
      expect(args, program).toEqual(expect.arrayContaining(expected));
      expect(
        found.map((words) => words[1]),
        program,
      ).toContain('renamed');
      expect(
        found.map((words) => Number(words[0])),
        program,
      ).toContain(pid);
      expect(found, program).toHaveLength(6);
      const spinning = found.find((words) => words.at(-1) === 'spinning')!;
      expect(spinning[2], program).not.toBe('00:00:00');
      expect(Number(spinning[3]), program).toBeGreaterThan(0);
      const listed = JSON.parse((await used.call('ps', '--format', 'json', 'c')).stdout) as number[];
      expect(listed.sort((a, b) => a - b)).toEqual(
        found.map((words) => Number(words[0])).sort((a, b) => a - b),
      );
      await finish(used);
    }
  });

  test('update: values, units, and what is refused', async () => {
    await compare(async (used) => {
      await started(used);
      const files = new Map([
        ['memory.limit_in_bytes', 'memory'],
        ['memory.soft_limit_in_bytes', 'memory'],
        ['memory.memsw.limit_in_bytes', 'memory'],
        ['cpu.shares', 'cpu'],
        ['cpu.cfs_quota_us', 'cpu'],
        ['cpu.cfs_period_us', 'cpu'],
        ['cpuset.cpus', 'cpuset'],
      ]);
      const show = (): void => {
        for (const [file, controller] of files) {
          used.log.push(`${file} ${readCgroup(controller, used.id('c'), file)}`);
        }
      };
      await used.call('update', '--memory', '100m', '--memory-reservation', '50M', 'c');
      await used.call('update', '--memory-swap=209715200', 'c');
      show();
      await used.call('update', '--memory', '0.3g', '--memory-swap', '0.5GiB', 'c');
      await used.call('update', '--cpu-share', '512', '--cpu-quota', '50000', '--cpu-period', '100000', 'c');
      await used.call('update', '--cpuset-cpus', '0', '--pids-limit', '300', 'c');
      show();
      await used.call('update', '--cpu-quota', '-1', '--memory-swap', '-1', 'c');
      await used.call('update', '--memory', '-1', 'c');
      show();
      for (const [flag, value] of [
        ['--memory', 'abc'],
        ['--memory', '12x'],
        ['--cpu-period', 'x'],
        ['--cpu-share', '-1'],
        ['--cpuset-cpus', '99'],
        ['--l3-cache-schema', 'x'],
        ['--resources', '/no/such'],
      ] as const) {
        const { status, stderr } = await execute(used.program, [
          '--root',
          used.root,
          'update',
          flag,
          value,
          used.id('c'),
        ]);
        // runc says more than once what happened; where the cgroup is differs.
        const message = stderr.split('\n').find((line) => line.includes('level=error')) ?? '';
        used.log.push(
          `${flag} ${value} ${status} ${message
            .replaceAll(used.id('c'), 'c')
            .replace(/^.*?msg=/, '')
            .replace(/write \S+cgroup/, 'write')}`,
        );
      }
      const file = 'resources.json';
      writeFileSync(join(used.bundle, file), '{"memory":{"limit":134217728},"cpu":{"shares":1024}}');
      await used.call('update', '--resources', file, 'c');
      await used.call('update', `-r=${file}`, 'c');
      await used.call('update', 'c');
      show();
      await finish(used);
    });
  });

  test('update reads stdin, and the container sees it', async () => {
    const used = runtime(runsc);
    const show = 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max cpu.weight; grep MemTotal /proc/meminfo';
    await started(
      used,
      `while [ ! -e /shared/go ]; do sleep 0.02; done; (${show}) > /shared/count; sleep 1000`,
      {
        resources: { memory: { limit: 512 << 20 }, pids: { limit: 100 } },
      },
    );
    const input = JSON.stringify({
      // Go's encoder writes null for what is not there.
      memory: { limit: 256 << 20, swap: null, kernel: null },
      blockIO: null,
      pids: { limit: 20 },
      cpu: { quota: 30_000, period: 60_000, shares: 2 },
    });
    const args = ['--root', used.root, 'update', '--resources', '-', used.id('c')];
    expect(await execute(runsc, args, { input })).toMatchObject({ status: 0, stdout: '', stderr: '' });
    writeFileSync(join(used.directory, 'go'), '');
    for (let attempt = 0; attempt < 6000 && !count(used).includes('MemTotal'); attempt++) await sleep(20);
    expect(count(used).split('\n')).toEqual([
      String(256 << 20),
      '20',
      '30000 60000',
      '1',
      'MemTotal:         262144 kB',
    ]);
    for (const [text, message] of [
      ['{bad', 'resources: not valid JSON'],
      ['{"memory":{"limit":"a"}}', 'resources.memory.limit: must be an integer, not "a"'],
      ['[]', 'resources: must be an object'],
    ] as const) {
      const refused = await execute(runsc, args, { input: text });
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain(JSON.stringify(message).slice(1, -1));
    }
    await finish(used);
  });

  test('update changes the number of CPUs that programs see', async () => {
    await compare(async (used) => {
      await started(used);
      const show = async (): Promise<void> => {
        const script =
          'nproc; grep Cpus_allowed_list /proc/self/status; grep Cpus_allowed_list /proc/1/status';
        const { stdout } = await used.call('exec', 'c', 'sh', '-c', script);
        used.log.push(stdout);
      };
      await show();
      await used.call('update', '--cpuset-cpus', '0', 'c');
      await show();
      await used.call('update', '--cpuset-cpus', `0-${Math.min(cpus().length, 2) - 1}`, 'c');
      await show();
      await finish(used);
    });
    const used = runtime(runsc);
    await started(used);
    const seen: string[] = [];
    for (const quota of ['50000', '100001', '-1']) {
      await used.call('update', '--cpu-quota', quota, '--cpu-period', '100000', 'c');
      const script =
        'nproc; grep -c processor /proc/cpuinfo; ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l; cat /sys/devices/system/cpu/online';
      const { stdout } = await used.call('exec', 'c', 'sh', '-c', script);
      seen.push(stdout.trim().replaceAll('\n', ' '));
    }
    const available = availableParallelism();
    const many = (count: number): string =>
      `${count} ${count} ${count} ${count === 1 ? '0' : `0-${count - 1}`}`;
    expect(seen).toEqual([many(1), many(Math.min(2, available)), many(available)]);
    await finish(used);
  });

  test('a limit that is refused leaves the others as they were', async () => {
    const used = runtime(runsc);
    await started(used);
    const before = readCgroup('cpu', used.id('c'), 'cpu.shares');
    const { status, stderr } = await used.call('update', '--cpu-share', '333', '--cpuset-cpus', '99', 'c');
    expect(status).toBe(1);
    expect(stderr).toContain('numerical result out of range');
    expect(readCgroup('cpu', used.id('c'), 'cpu.shares')).toBe(before);
    await finish(used);
  });

  test('events: statistics in runc’s form', async () => {
    const shapes: unknown[] = [];
    for (const program of RUNTIMES) {
      const used = runtime(program);
      await started(used, COUNTER, { resources: { memory: { limit: 512 << 20 }, pids: { limit: 77 } } });
      type Event = { type: string; id: string; data: StatsData };
      let stdout = '';
      let event: Event | undefined;
      // The program itself runs, not what starts it.
      expect(await goesOn(used, true)).toBe(true);
      for (let attempt = 0; attempt < 300 && !(event && event.data.cpu.usage.total > 10_000_000); attempt++) {
        ({ stdout } = await used.call('events', '--stats', 'c'));
        event = JSON.parse(stdout) as Event;
      }
      if (event === undefined) throw new Error('no event');
      expect(stdout.endsWith('\n')).toBe(true);
      expect(event.type).toBe('stats');
      expect(event.id).toBe(used.id('c'));
      expect(event.data.pids, program).toEqual({ current: 1, limit: 77 });
      expect(event.data.cpu.usage.total).toBeGreaterThan(10_000_000);
      expect(event.data.memory.usage.limit).toBe(512 << 20);
      shapes.push(shapeOf(event.data, ['raw', 'blkio']));
      await finish(used);
    }
    expect(shapes[1]).toEqual(shapes[0]);
  });

  test('events: again and again until the end, and running out of memory', async () => {
    for (const program of RUNTIMES) {
      const used = runtime(program);
      const awaits = (file: string): string => `until [ -e /shared/${file} ]; do sleep 0.05; done`;
      const hog = `${awaits('go')}; (tail /dev/zero); ${awaits('end')}; exit 0`;
      await started(used, hog, { resources: { memory: { limit: 120 << 20 } } });
      const flags = ['--root', used.root, 'events', '--interval', '200ms', used.id('c')];
      const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 500_000 });
      let stdout = '';
      child.stdout.on('data', (text: Buffer) => {
        stdout += text.toString();
        const seen = stdout.split('"type":"');
        if (seen.filter((event) => event.startsWith('stats')).length > 3)
          writeFileSync(join(used.directory, 'go'), '');
        if (!seen.some((event) => event.startsWith('oom'))) return;
        writeFileSync(join(used.directory, 'end'), '');
        // runc's does not end with the container.
        if (program === 'runc') child.kill();
      });
      expect(await new Promise((done) => child.on('close', done))).toBe(program === 'runc' ? null : 0);
      const types = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { type: string }).type);
      expect(types.filter((type) => type === 'stats').length, program).toBeGreaterThan(3);
      expect(types, program).toContain('oom');
      await used.untilStopped('c');
      await finish(used);
    }
  });

  test('wait prints the exit status', async () => {
    const used = runtime(runsc);
    for (const [script, exitStatus] of [
      ['sleep 0.5; exit 7', 7],
      ['sleep 0.5; kill -KILL $$; sleep 1; exec /probe', 127],
      ['sleep 1000', 137],
    ] as const) {
      await started(used, script);
      const waiting = execute(runsc, ['--root', used.root, 'wait', used.id('c')]);
      if (exitStatus === 137) {
        await sleep(500);
        await used.call('kill', 'c', 'KILL');
      }
      const { status, stdout } = await waiting;
      expect({ status, stdout: JSON.parse(stdout) as unknown }).toEqual({
        status: 0,
        stdout: { id: used.id('c'), exitStatus },
      });
      await used.untilStopped('c');
      await finish(used);
    }
  });

  test('a process that dies for want of memory is counted inside', async () => {
    const used = runtime(runsc);
    const show = '(cat /sys/fs/cgroup/memory.events; grep oom_kill /proc/vmstat)';
    await started(
      used,
      `${show} > /shared/count; sh -c "tail /dev/zero"; echo $? >> /shared/count; ${show} >> /shared/count; echo end >> /shared/count; sleep 1000`,
      { resources: { memory: { limit: 120 << 20 } } },
    );
    for (let attempt = 0; attempt < 6000 && !count(used).includes('end'); attempt++) await sleep(20);
    const events = (kills: number): string[] => [
      'low 0',
      'high 0',
      `max ${kills}`,
      `oom ${kills}`,
      `oom_kill ${kills}`,
      'oom_group_kill 0',
      `oom_kill ${kills}`,
    ];
    expect(count(used).split('\n')).toEqual([...events(0), '137', ...events(1), 'end']);
    await finish(used);
  });

  test('features is JSON with what runc’s has', () => {
    const [theirs, ours] = RUNTIMES.map(
      (program) => JSON.parse(spawnSync(program, ['features'], { encoding: 'utf8' }).stdout) as Features,
    ) as [Features, Features];
    expect(ours.ociVersionMin).toBe('1.0.0');
    expect(ours.hooks).toEqual(theirs.hooks);
    // All of runc's, but for words that the kernel itself never acted on.
    expect(theirs.mountOptions.filter((option) => !ours.mountOptions.includes(option))).toEqual([]);
    expect(ours.linux.capabilities).toEqual(theirs.linux.capabilities);
    expect(theirs.linux.namespaces.filter((type) => !ours.linux.namespaces.includes(type))).toEqual([]);
    expect(ours.linux.seccomp.operators).toEqual(theirs.linux.seccomp.operators);
    expect(ours.linux.seccomp.actions).not.toContain('SCMP_ACT_NOTIFY');
    expect(ours.linux.cgroup).toMatchObject(theirs.linux.cgroup);
  });
});

interface StatsData {
  readonly pids: object;
  readonly cpu: { readonly usage: { readonly total: number } };
  readonly memory: { readonly usage: { readonly limit: number } };
}

interface Features {
  readonly ociVersionMin: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly cgroup: object;
    readonly seccomp: { readonly actions: readonly string[]; readonly operators: readonly string[] };
  };
}

/** A file of the container's cgroup, wherever that is below its controller's mount. */
function readCgroup(controller: string, id: string, file: string): string {
  const find = (directory: string): string | undefined => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      const found = entry.name === id ? path : find(path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const directory = find(join('/sys/fs/cgroup', controller));
  return directory === undefined ? 'no cgroup' : readFileSync(join(directory, file), 'utf8').trim();
}

/** The names in an object, and those in its objects; not below `opaque`, and no counters that may be zero. */
function shapeOf(value: unknown, opaque: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  if (Array.isArray(value)) return 'list';
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>)
      .filter(([name]) => !/^(cache|failcnt|usage|max|periods|throttled.*)$/.test(name) || name === 'usage')
      .map(([name, part]) => [name, opaque.includes(name) ? 'opaque' : shapeOf(part, opaque)]),
  );
}
