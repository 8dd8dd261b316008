// conmon by hand, as CRI-O calls it: it creates the container, keeps its log, and writes its exit code to a file.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Machine, RUNTIME_PATH, until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { writeBundle } from '../support/sandbox.ts';

/** Of a container its pid, or a negative one and why; of an added process its exit code. */
interface Answer {
  readonly pid: number;
  readonly message?: string;
  readonly exit_code?: number;
}

describe.skipIf(missing('conmon'))('conmon', () => {
  let machine: Machine;
  let busybox: string;

  beforeAll(async () => {
    busybox = rootfs('busybox');
    machine = await Machine.make();
    await machine.shell('mkdir /run/crio /run/crio/exits /run/crio/persist');
    machine.mark(/\/run\/crio/);
  }, MAKING_MS);
  afterAll(() => machine?.close());

  const runtime = (line: string): string => `${RUNTIME_PATH} --root /run/crio/root ${line}`;
  const bundleOf = (id: string): string => join(machine.directory, id);
  const log = (id: string): string[] =>
    machine
      .read(`${bundleOf(id)}/log`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').slice(1).join(' '));

  /** Returns what conmon says on its pipe first. */
  async function conmon(id: string, ...flags: string[]): Promise<Answer> {
    const bundle = bundleOf(id);
    const places = `--exit-dir /run/crio/exits --persist-dir /run/crio/persist --socket-dir-path /run/crio`;
    const names = `-b ${bundle} -c ${id} -u ${id} -n ${id} -l ${bundle}/log -P ${bundle}/conmon.pid`;
    const calls = `-r ${RUNTIME_PATH} --runtime-arg --root=/run/crio/root --log-level info`;
    await machine.shell(
      `_OCI_SYNCPIPE=3 conmon ${names} ${places} ${calls} 3>${bundle}/sync ${flags.join(' ')}`,
    );
    await until('conmon has answered', () => machine.read(`${bundle}/sync`).includes('}'));
    const [first] = machine.read(`${bundle}/sync`).split('\n');
    return JSON.parse(first!) as Answer;
  }

  async function create(id: string, script: string): Promise<number> {
    writeBundle(bundleOf(id), { rootfs: busybox, args: ['sh', '-c', script], readonly: true });
    const { pid } = await conmon(id, `-p ${bundleOf(id)}/pidfile`);
    expect(machine.read(`${bundleOf(id)}/pidfile`)).toBe(String(pid));
    return pid;
  }

  const exitCode = async (id: string): Promise<string> => {
    const file = `/run/crio/exits/${id}`;
    await until('the exit code is there', async () => (await machine.run(['test', '-s', file])).status === 0);
    return machine.read(file);
  };
  const stateOf = async (id: string): Promise<{ status: string; pid: number }> =>
    JSON.parse(await machine.shell(runtime(`state ${id}`))) as { status: string; pid: number };

  test('create, start, log, exit code, delete', async () => {
    const pid = await create('one', 'echo out; echo err >&2; exit 7');
    expect(await stateOf('one')).toMatchObject({ status: 'created', pid });
    await machine.shell(runtime('start one'));
    expect(await exitCode('one')).toBe('7');
    expect(await stateOf('one')).toMatchObject({ status: 'stopped', pid: 0 });
    expect(log('one').sort()).toEqual(['stderr F err', 'stdout F out']);
    await machine.shell(runtime('delete --force one'));
    expect(await machine.leftovers()).toEqual([]);
  });

  test('exec in the foreground, and by conmon', async () => {
    const pid = await create('two', 'while :; do sleep 0.1; done');
    await machine.shell(runtime('start two'));
    expect(await stateOf('two')).toMatchObject({ status: 'running', pid });
    const process = {
      cwd: '/',
      user: { uid: 0, gid: 0 },
      env: ['PATH=/bin'],
      args: ['sh', '-c', 'echo in; exit 5'],
    };
    machine.write('/run/crio/process.json', JSON.stringify(process));
    const exec = await machine.run(runtime('exec --process /run/crio/process.json two').split(' '));
    expect(exec).toEqual({ status: 5, stdout: 'in\n', stderr: '' });
    const pidFile = `${bundleOf('two')}/exec.pid`;
    const added = await conmon('two', `-e --exec-process-spec /run/crio/process.json -p ${pidFile}`);
    expect(added.exit_code).toBe(5);
    expect(Number(machine.read(pidFile))).toBeGreaterThan(pid);
    await until('the output is there', () => log('two').includes('stdout F in'));
    await machine.shell(runtime('kill two 15'));
    expect((await stateOf('two')).status).toBe('running');
    await machine.shell(runtime('kill two KILL'));
    expect(await exitCode('two')).toBe('137');
    await machine.shell(runtime('kill -a two 9') + ' || true');
    await machine.shell(runtime('delete --force two'));
    expect(await machine.leftovers()).toEqual([]);
  });

  test('a program that is not there: the reason comes back', async () => {
    writeBundle(bundleOf('three'), { rootfs: busybox, args: ['/no/such'], readonly: true });
    const answer = await conmon('three', `-p ${bundleOf('three')}/pidfile || true`);
    expect(answer.pid).toBeLessThan(0);
    expect(answer.message?.replaceAll('\\"', '"')).toContain(
      'exec: "/no/such": stat /no/such: no such file or directory',
    );
    await machine.shell(runtime('delete --force three'));
    expect(await machine.leftovers()).toEqual([]);
  });
});
