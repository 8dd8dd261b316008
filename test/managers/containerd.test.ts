// containerd with ctr: the commands that people type, through containerd's own shim for runc.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { imageArchive, imageName } from './images.ts';
import { startContainerd } from './containerd.ts';
import { Machine, type Output, oracle, RUNTIME_PATH, until, wordAfterTty } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');
const run = `ctr run --runc-binary ${RUNTIME_PATH}`;

describe.skipIf(missing('containerd', 'umoci', 'skopeo'))('ctr', () => {
  let machine: Machine;

  beforeAll(async () => {
    imageArchive('busybox');
    machine = await Machine.make();
    await startContainerd(machine, ['busybox']);
    // The namespace's first container makes directories that stay.
    await machine.shell(`${run} --rm ${image} first true`);
    machine.mark();
  }, MAKING_MS);
  afterAll(() => machine?.close());

  const ctr = (line: string, input = ''): Promise<Output> => machine.run(['sh', '-c', line], input);
  const status = (id: string): Promise<string> =>
    machine.shell(`ctr task ls | awk '$1 == "${id}" { print $3 }'`);

  async function remove(id: string): Promise<void> {
    await machine.shell(`ctr task delete -f ${id} || true; ctr container delete ${id}`);
    expect(await machine.leftovers()).toEqual([]);
  }

  test('run: output, input, and exit code', async () => {
    const result = await ctr(
      `${run} --rm ${image} c1 sh -c 'read x; echo $x; echo err >&2; exit 7'`,
      'hello\n',
    );
    expect(result).toEqual({ status: 7, stdout: 'hello\n', stderr: 'err\n' });
    expect(await machine.leftovers()).toEqual([]);
  });

  test('run: a program killed by a signal', async () => {
    const line = `${run} --rm ${image} c1 sh -c 'sh -c "kill -KILL \\$\\$"; exit $?'`;
    expect(await ctr(line)).toMatchObject({ status: 137 });
  });

  test.each([
    ['/no/such', 'no such file or directory'],
    ['no-such', 'executable file not found in $PATH'],
    ['/etc/passwd', 'permission denied'],
  ])('run of %s says why it can not', async (program, complaint) => {
    const result = await ctr(`${run} --rm ${image} c1 ${program}`);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(complaint);
    expect(await machine.leftovers()).toEqual([]);
  });

  test('run -t: a terminal', async () => {
    const line = `${run} --rm -t ${image} c1 sh -c 'tty; until stty size 2>/dev/null | grep "33 99"; do sleep 0.05; done; read x; echo got $x; exit 3'`;
    const result = await machine.terminal(`stty rows 33 cols 99; ${line}`, [['33 99\r', 'word\n']]);
    expect(result.stdout).toBe('/dev/pts/0\n33 99\nword\ngot word\n');
    expect(result.status).toBe(3);
    expect(await machine.leftovers()).toEqual([]);
  });

  describe('of a running container', () => {
    beforeAll(async () => {
      await machine.shell(`${run} -d ${image} c2 sleep 1000`);
      expect(await status('c2')).toBe('RUNNING');
    });
    afterAll(() => remove('c2'));

    test('exec: output, input, and exit code', async () => {
      const result = await ctr(`ctr task exec --exec-id e c2 sh -c 'read x; echo $x; pwd; exit 9'`, 'in\n');
      expect(result).toEqual({ status: 9, stdout: 'in\n/\n', stderr: '' });
    });

    test('exec -t: a terminal of its own', async () => {
      const line = `ctr task exec -t --exec-id e c2 sh -c 'tty; read x; echo got $x; exit 4'`;
      const result = await machine.terminal(line, wordAfterTty);
      expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\nword\ngot word\n/);
      expect(result.status).toBe(4);
    });

    test('exec of a missing program says so', async () => {
      const result = await ctr('ctr task exec --exec-id e c2 no-such');
      expect(result.status).toBe(1);
      expect(result.stderr).toContain('executable file not found in $PATH');
    });

    test('exec in another directory, as another user', async () => {
      const result = await ctr(`ctr task exec --exec-id e --cwd /tmp --user 5:6 c2 sh -c 'pwd; id'`);
      expect(result.stdout).toContain('/tmp\nuid=5 gid=6');
    });

    test('pause and resume', async () => {
      await machine.shell('ctr task pause c2');
      expect(await status('c2')).toBe('PAUSED');
      await machine.shell('ctr task resume c2');
      expect(await status('c2')).toBe('RUNNING');
      expect(await machine.shell('ctr task exec --exec-id e c2 echo alive')).toBe('alive');
    });

    test('ps names its processes', async () => {
      const lines = (await machine.shell('ctr task ps c2')).split('\n').slice(1);
      const pid = await machine.shell(`ctr task ls | awk '$1 == "c2" { print $2 }'`);
      expect(lines.map((line) => line.split(/\s+/)[0])).toContain(pid);
      for (const line of lines) await machine.shell(`test -d /proc/${line.split(/\s+/)[0]!}`);
    });

    test('metrics count its memory and processes', async () => {
      const metrics = await machine.shell('ctr task metrics --format json c2');
      const usage = JSON.parse(metrics) as {
        memory: { usage: { usage: number } };
        pids: { current: number };
      };
      expect(usage.memory.usage.usage).toBeGreaterThan(0);
      expect(usage.pids.current).toBeGreaterThan(0);
    });

    test('checkpoint is refused, and the container runs on', async () => {
      const result = await ctr('ctr task checkpoint c2');
      expect(result.status).toBe(1);
      // runc without criu has other words.
      if (!oracle) expect(result.stderr).toMatch(/checkpoint.*not available/);
      expect(await status('c2')).toBe('RUNNING');
      expect(await machine.shell('ctr task exec --exec-id e c2 echo alive')).toBe('alive');
    });

    test('delete is refused while it runs', async () => {
      expect((await ctr('ctr task delete c2')).status).toBe(1);
      expect(await status('c2')).toBe('RUNNING');
    });
  });

  test('kill: a handler runs, TERM is ignored by the first process, KILL ends it with 137', async () => {
    const program = 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done';
    await machine.shell(`${run} -d --log-uri file:///run/log ${image} c3 sh -c '${program}'`);
    const log = (): string => machine.read('/run/log');
    await until('the program is ready', () => log() === 'ready\n');
    await machine.shell('ctr task kill -s TERM c3; ctr task kill -s USR1 c3');
    await until('the handler has run', () => log() === 'ready\nusr1\n');
    await machine.shell('ctr task kill -s KILL c3');
    await until('it has stopped', async () => (await status('c3')) === 'STOPPED');
    expect((await ctr('ctr task kill -s KILL c3')).stderr).toMatch(/not found|already finished|not running/);
    expect((await ctr('ctr task delete c3')).stderr).toContain('non-zero exit code 137');
    await machine.shell('ctr container delete c3; rm /run/log');
    expect(await machine.leftovers()).toEqual([]);
  });

  test('kill --all reaches every process', async () => {
    const program = 'trap "" TERM; sleep 1000 & wait; echo child; wait; sleep 1000';
    await machine.shell(`${run} -d ${image} c4 sh -c '${program}'`);
    await machine.shell('ctr task kill -a -s KILL c4');
    await until('it has stopped', async () => (await status('c4')) === 'STOPPED');
    await remove('c4');
  });

  test('the end of its first process ends the others', async () => {
    await machine.shell(`${run} -d ${image} c6 sh -c 'sleep 1000 & exit 5'`);
    await until('it has stopped', async () => (await status('c6')) === 'STOPPED');
    expect((await ctr('ctr task delete c6')).stderr).toContain('non-zero exit code 5');
    await machine.shell('ctr container delete c6');
    expect(await machine.leftovers()).toEqual([]);
  });

  test('limits reach the cgroup', async () => {
    await machine.shell(`${run} -d --memory-limit 67108864 ${image} c7 sleep 1000`);
    const metrics = JSON.parse(await machine.shell('ctr task metrics --format json c7')) as {
      memory: { usage: { limit: number } };
    };
    expect(metrics.memory.usage.limit).toBe(67108864);
    await remove('c7');
  });

  test('running out of memory is an event', async () => {
    await machine.shell('ctr events >/run/events 2>&1 & echo $! >/run/events.pid');
    await until('events are heard', async () => {
      await machine.shell('ctr namespace create heard; ctr namespace remove heard');
      return machine.read('/run/events') !== '';
    });
    const hog = 'sh -c "tail /dev/zero"; echo $?; grep oom_kill /proc/vmstat; sleep 1000';
    await machine.shell(
      `${run} -d --memory-limit 125829120 --log-uri file:///run/log ${image} c8 sh -c '${hog}'`,
    );
    await until('the program has been killed', () => machine.read('/run/log').includes('137\n'));
    await until('the event has come', () =>
      machine.read('/run/events').includes('/tasks/oom {"container_id":"c8"}'),
    );
    if (!oracle) await until('it is counted inside', () => machine.read('/run/log').includes('oom_kill 1\n'));
    await machine.shell('kill $(cat /run/events.pid); rm /run/events /run/events.pid /run/log');
    await remove('c8');
  });

  test('ten at once', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `many-${index}`);
    const results = await Promise.all(ids.map((id) => ctr(`${run} --rm ${image} ${id} echo ${id}`)));
    expect(results.map((result) => result.stdout)).toEqual(ids.map((id) => `${id}\n`));
    expect(await machine.leftovers()).toEqual([]);
  });
});
