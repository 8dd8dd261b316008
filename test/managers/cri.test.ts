// Kubernetes' way to containers: containerd's CRI plugin, called as a kubelet calls it, with the runtime as the
// handler of a RuntimeClass and pods on a bridge.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CRI_PACKAGES, Kubelet, type Pod } from './kubelet.ts';
import { type Streamed } from './cri.ts';
import { until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

describe.skipIf(missing(...CRI_PACKAGES))('CRI', () => {
  let kubelet: Kubelet;

  beforeAll(async () => {
    kubelet = await Kubelet.start();
  }, MAKING_MS);
  afterAll(() => kubelet?.close());

  describe('a pod with two containers', () => {
    let pod: Pod;
    let server: string;
    let other: string;

    beforeAll(async () => {
      pod = await kubelet.run('two', { port_mappings: [{ container_port: 8000, host_port: 8080 }] });
      server = await pod.start('mkdir /www; echo served >/www/index.html; exec httpd -f -p 8000 -h /www');
      other = await pod.start('echo out; echo err >&2; exec sleep 1000');
    });
    afterAll(async () => {
      await pod.remove();
      await kubelet.nothingLeft();
    });

    test('both run, each with files and processes of its own', async () => {
      expect(await kubelet.status(server)).toMatchObject({ state: 'CONTAINER_RUNNING' });
      expect(await kubelet.status(other)).toMatchObject({ state: 'CONTAINER_RUNNING' });
      // Both have come to their last program.
      const comm = async (id: string): Promise<string> => (await kubelet.exec(id, 'cat /proc/1/comm')).stdout;
      await until('the server is there', async () => (await comm(server)) === 'httpd\n');
      await until('the other is there', async () => (await comm(other)) === 'sleep\n');
      expect((await kubelet.exec(server, 'ls /www; ps | grep -c "sleep 1000$"')).stdout).toBe(
        'index.html\n0\n',
      );
      expect((await kubelet.exec(other, 'ls /www; ps | grep -c "[h]ttpd"')).stdout).toBe('0\n');
    });

    test('they share the network and the name of the host', async () => {
      await until(
        'it answers',
        async () => (await kubelet.exec(other, 'wget -qO- http://127.0.0.1:8000/')).stdout === 'served\n',
      );
      expect((await kubelet.exec(server, 'hostname')).stdout).toBe('two\n');
      expect((await kubelet.exec(other, 'hostname')).stdout).toBe('two\n');
    });

    test('they share /dev/shm', async () => {
      await kubelet.exec(server, 'echo shared >/dev/shm/file');
      expect((await kubelet.exec(other, 'cat /dev/shm/file')).stdout).toBe('shared\n');
    });

    test('the pod has an address on the bridge, and a published port', async () => {
      const address = await pod.address();
      expect(address).toMatch(/^10\.199\./);
      const get = (url: string): Promise<string> => kubelet.machine.shell(`busybox wget -qO- ${url}`);
      expect(await get(`http://${address}:8000/`)).toBe('served');
      expect(await get(`http://127.0.0.1:8080/`)).toBe('served');
      expect((await kubelet.exec(other, `ip addr show eth0`)).stdout).toContain(`inet ${address}/16`);
    });

    test('logs are apart, and know their streams', () => {
      expect(pod.log(1)).toEqual(['out']);
      expect(pod.log(1, 'stderr')).toEqual(['err']);
      expect(pod.log(0)).toEqual([]);
    });

    test('exec sync: output and exit code', async () => {
      expect(await kubelet.exec(other, 'echo a; echo b >&2; exit 7')).toEqual({
        stdout: 'a\n',
        stderr: 'b\n',
        exit_code: 7,
      });
    });

    test('exec sync ends a command that takes too long', async () => {
      const request = { container_id: other, cmd: ['sleep', '100'], timeout: 1 };
      await expect(kubelet.cri.call('ExecSync', request)).rejects.toThrow(/timeout|timed out/);
      expect((await kubelet.exec(other, 'ps | grep -c "[s]leep 100$"')).stdout).toBe('0\n');
    });

    test('exec of a missing program says so', async () => {
      const request = { container_id: other, cmd: ['no-such'] };
      await expect(kubelet.cri.call('ExecSync', request)).rejects.toThrow(
        'executable file not found in $PATH',
      );
    });

    test('exec, streaming', async () => {
      const cmd = ['sh', '-c', 'read x; echo got $x; echo err >&2; exit 5'];
      const request = { container_id: other, cmd, stdin: true, stderr: true };
      const expected: Streamed = { stdout: 'got word\n', stderr: 'err\n', exitCode: 5 };
      expect(await kubelet.cri.stream('Exec', request, [['', 'word\n']])).toEqual(expected);
    });

    test('exec, streaming, on a terminal', async () => {
      const line =
        'tty; until stty size 2>/dev/null | grep "33 99"; do sleep 0.05; done; read x; echo got $x; exit 6';
      const request = { container_id: other, cmd: ['sh', '-c', line], stdin: true, tty: true };
      const result = await kubelet.cri.stream('Exec', request, [['33 99', 'word\n']], {
        Width: 99,
        Height: 33,
      });
      expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\n33 99\nword\ngot word\n$/);
      expect(result.exitCode).toBe(6);
    });

    test('port-forward', async () => {
      const reply = await kubelet.cri.portForward(pod.id, 8000, 'GET / HTTP/1.0\r\n\r\n');
      expect(reply).toMatch(/^HTTP\/1\.[01] 200 OK\r\n[^]*served\n$/);
    });

    test('stats', async () => {
      const { stats } = await kubelet.cri.call<{
        stats: {
          cpu: { usage_core_nano_seconds: { value: number } };
          memory: { working_set_bytes: { value: number } };
        };
      }>('ContainerStats', { container_id: server });
      expect(stats.cpu.usage_core_nano_seconds.value).toBeGreaterThan(0);
      expect(stats.memory.working_set_bytes.value).toBeGreaterThan(0);
    });

    test('update', async () => {
      await kubelet.cri.call('UpdateContainerResources', {
        container_id: server,
        linux: { memory_limit_in_bytes: 67108864 },
      });
      const find = `find /sys/fs/cgroup -name ${server} -type d`;
      const limits = await kubelet.machine.shell(
        `for d in $(${find}); do cat $d/memory.limit_in_bytes $d/memory.max 2>/dev/null || true; done`,
      );
      expect(limits).toBe('67108864');
    });
  });

  test('attach', async () => {
    const pod = await kubelet.run('attach');
    const id = await pod.start('read x; echo got $x; exit 3', { stdin: true, stdin_once: true });
    const result = await kubelet.cri.stream('Attach', { container_id: id, stdin: true, stderr: true }, [
      ['', 'word\n'],
    ]);
    expect(result.stdout).toBe('got word\n');
    await kubelet.ended(id);
    expect(await kubelet.status(id)).toMatchObject({ exit_code: 3 });
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a container that ends is started again under a new name, and the other one runs on', async () => {
    const pod = await kubelet.run('restart');
    const steady = await pod.start('sleep 1000');
    const first = await pod.start('exit 4');
    await kubelet.ended(first);
    expect(await kubelet.status(first)).toMatchObject({ exit_code: 4, reason: 'Error' });
    await kubelet.cri.call('RemoveContainer', { container_id: first });
    const second = await pod.start('echo again; sleep 1000');
    expect(await kubelet.status(second)).toMatchObject({ state: 'CONTAINER_RUNNING' });
    expect(await kubelet.status(steady)).toMatchObject({ state: 'CONTAINER_RUNNING' });
    await kubelet.cri.call('StopContainer', { container_id: second, timeout: 0 });
    expect(await kubelet.status(second)).toMatchObject({ state: 'CONTAINER_EXITED', exit_code: 137 });
    expect((await kubelet.exec(steady, 'echo alive')).stdout).toBe('alive\n');
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('an init container that fails', async () => {
    const pod = await kubelet.run('init');
    const failing = await pod.start('echo before; exit 9');
    await kubelet.ended(failing);
    expect(await kubelet.status(failing)).toMatchObject({ exit_code: 9 });
    const missingProgram = await pod.create('', { command: ['/no/such'] });
    await expect(kubelet.cri.call('StartContainer', { container_id: missingProgram })).rejects.toThrow(
      'no such file or directory',
    );
    expect(await kubelet.status(missingProgram)).toMatchObject({
      state: 'CONTAINER_EXITED',
      reason: 'StartError',
      exit_code: 128,
    });
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a graceful stop waits for the handler of TERM', async () => {
    const pod = await kubelet.run('stop');
    const id = await pod.start('trap "echo bye; exit 2" TERM; echo ready; while :; do sleep 0.05; done');
    await until('it is ready', () => pod.log(0)[0] === 'ready');
    await kubelet.cri.call('StopContainer', { container_id: id, timeout: 10 });
    expect(await kubelet.status(id)).toMatchObject({ exit_code: 2 });
    expect(pod.log(0)).toEqual(['ready', 'bye']);
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a shared pid namespace', async () => {
    const shared = { namespace_options: { pid: 'POD' } };
    const pod = await kubelet.run('pids', { linux: { security_context: shared } });
    const one = await pod.start('sleep 1234', { linux: { security_context: shared } });
    const two = await pod.start('sleep 1000', { linux: { security_context: shared } });
    const seen = async (): Promise<string> =>
      (await kubelet.exec(two, 'ps -o args | grep "[s]leep 1234"')).stdout;
    await until('the program is there', async () => (await seen()) === 'sleep 1234\n');
    const kill = `kill -KILL $(ps -o pid,args | awk '/[s]leep 1234/ { print $1 }')`;
    expect(await kubelet.exec(two, kill)).toEqual({ stdout: '', stderr: '', exit_code: 0 });
    await kubelet.ended(one);
    expect(await kubelet.status(one)).toMatchObject({ exit_code: 137 });
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('twenty pods at once start, serve and go', async () => {
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const pods = await Promise.all(
      numbers.map(async (number) => {
        const pod = await kubelet.run(`many-${number}`);
        await pod.start(`mkdir /www; echo ${number} >/www/index.html; exec httpd -f -p 80 -h /www`);
        return pod;
      }),
    );
    for (const [number, pod] of pods.entries()) {
      const get = ['busybox', 'wget', '-qO-', `http://${await pod.address()}/`];
      await until('it answers', async () => (await kubelet.machine.run(get)).stdout === `${number}\n`);
    }
    await Promise.all(pods.map((pod) => pod.remove()));
    await kubelet.nothingLeft();
  }, 900_000);
});
