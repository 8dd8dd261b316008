// Kubernetes' way to containers: containerd's CRI plugin, called as a kubelet calls it, with the runtime as the
// handler of a RuntimeClass and pods on a bridge.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startContainerd } from './containerd.ts';
import { Cri, type Streamed } from './cri.ts';
import { imageArchive, imageName } from './images.ts';
import { Machine, until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

interface Status {
  readonly status: {
    readonly state: string;
    readonly exit_code: number;
    readonly reason: string;
    readonly message: string;
  };
}

const packages = ['containerd', 'containernetworking-plugins', 'iptables', 'socat', 'umoci', 'skopeo'];

describe.skipIf(missing(...packages))('CRI', () => {
  let machine: Machine;
  let cri: Cri;
  let count = 0;

  beforeAll(async () => {
    imageArchive('busybox');
    machine = await Machine.make();
    await startContainerd(machine, ['busybox', 'pause']);
    cri = new Cri(machine, '/run/containerd/containerd.sock');
    // The first pod makes the bridge, and directories that stay.
    const pod = await Pod.run('first');
    await cri.stream('Exec', { container_id: await pod.start('sleep 1000'), cmd: ['true'] });
    await pod.remove();
    machine.mark(/^socket .*\/stream-\d+$|\/run\/pods/);
  }, MAKING_MS);
  afterAll(async () => {
    cri?.close();
    await machine?.close();
  });

  /** A pod and its containers. */
  class Pod {
    readonly id: string;
    readonly #config: Record<string, unknown>;
    readonly #containers: string[] = [];

    private constructor(id: string, config: Record<string, unknown>) {
      this.id = id;
      this.#config = config;
    }

    static async run(name: string, config: Record<string, unknown> = {}): Promise<Pod> {
      const full = {
        metadata: { name, uid: `${name}-${count++}`, namespace: 'default', attempt: 0 },
        hostname: name,
        log_directory: `/run/pods/${name}-${count}`,
        linux: {},
        ...config,
      };
      const { pod_sandbox_id: id } = await cri.call<{ pod_sandbox_id: string }>('RunPodSandbox', {
        config: full,
        runtime_handler: 'runsc',
      });
      return new Pod(id, full);
    }

    /** Creates and starts a container that runs a shell's command line. */
    async start(line: string, config: Record<string, unknown> = {}): Promise<string> {
      const id = await this.create(line, config);
      await cri.call('StartContainer', { container_id: id });
      return id;
    }

    async create(line: string, config: Record<string, unknown> = {}): Promise<string> {
      const name = `c${this.#containers.length}`;
      const linux = { security_context: { namespace_options: { pid: 'CONTAINER' } } };
      const { container_id: id } = await cri.call<{ container_id: string }>('CreateContainer', {
        pod_sandbox_id: this.id,
        config: {
          metadata: { name, attempt: this.#containers.length },
          image: { image: imageName('busybox') },
          command: ['sh', '-c', line],
          log_path: `${name}.log`,
          linux,
          ...config,
        },
        sandbox_config: this.#config,
      });
      this.#containers.push(id);
      return id;
    }

    /** The lines that a container wrote to `stream`. */
    log(index: number, stream: 'stdout' | 'stderr' = 'stdout'): string[] {
      return machine
        .read(`${String(this.#config['log_directory'])}/c${index}.log`)
        .split('\n')
        .map((line) => /^\S+ (\S+) \S (.*)$/.exec(line))
        .filter((match) => match?.[1] === stream)
        .map((match) => match![2]!);
    }

    async address(): Promise<string> {
      const reply = await cri.call<{ status: { network: { ip: string } } }>('PodSandboxStatus', {
        pod_sandbox_id: this.id,
      });
      return reply.status.network.ip;
    }

    async remove(): Promise<void> {
      await cri.call('StopPodSandbox', { pod_sandbox_id: this.id });
      await cri.call('RemovePodSandbox', { pod_sandbox_id: this.id });
    }
  }

  async function status(id: string): Promise<Status['status']> {
    return (await cri.call<Status>('ContainerStatus', { container_id: id })).status;
  }

  async function exec(
    id: string,
    line: string,
  ): Promise<{ stdout: string; stderr: string; exit_code: number }> {
    const reply = await cri.call<{ stdout: Buffer; stderr: Buffer; exit_code: number }>('ExecSync', {
      container_id: id,
      cmd: ['sh', '-c', line],
      timeout: 20,
    });
    return { ...reply, stdout: reply.stdout.toString(), stderr: reply.stderr.toString() };
  }

  const ended = (id: string): Promise<void> =>
    until('the container has ended', async () => (await status(id)).state === 'CONTAINER_EXITED');

  async function nothingLeft(): Promise<void> {
    expect(await machine.leftovers()).toEqual([]);
  }

  describe('a pod with two containers', () => {
    let pod: Pod;
    let server: string;
    let other: string;

    beforeAll(async () => {
      pod = await Pod.run('two', { port_mappings: [{ container_port: 8000, host_port: 8080 }] });
      server = await pod.start('mkdir /www; echo served >/www/index.html; exec httpd -f -p 8000 -h /www');
      other = await pod.start('echo out; echo err >&2; exec sleep 1000');
    });
    afterAll(async () => {
      await pod.remove();
      await nothingLeft();
    });

    test('both run, each with files and processes of its own', async () => {
      expect(await status(server)).toMatchObject({ state: 'CONTAINER_RUNNING' });
      expect(await status(other)).toMatchObject({ state: 'CONTAINER_RUNNING' });
      expect((await exec(server, 'ls /www; ps | grep -c "sleep 1000$"')).stdout).toBe('index.html\n0\n');
      expect((await exec(other, 'ls /www; ps | grep -c "[h]ttpd"')).stdout).toBe('0\n');
    });

    test('they share the network and the name of the host', async () => {
      await until(
        'it answers',
        async () => (await exec(other, 'wget -qO- http://127.0.0.1:8000/')).stdout === 'served\n',
      );
      expect((await exec(server, 'hostname')).stdout).toBe('two\n');
      expect((await exec(other, 'hostname')).stdout).toBe('two\n');
    });

    test('they share /dev/shm', async () => {
      await exec(server, 'echo shared >/dev/shm/file');
      expect((await exec(other, 'cat /dev/shm/file')).stdout).toBe('shared\n');
    });

    test('the pod has an address on the bridge, and a published port', async () => {
      const address = await pod.address();
      expect(address).toMatch(/^10\.199\./);
      const get = (url: string): Promise<string> => machine.shell(`busybox wget -qO- ${url}`);
      expect(await get(`http://${address}:8000/`)).toBe('served');
      expect(await get(`http://127.0.0.1:8080/`)).toBe('served');
      expect((await exec(other, `ip addr show eth0`)).stdout).toContain(`inet ${address}/16`);
    });

    test('logs are apart, and know their streams', () => {
      expect(pod.log(1)).toEqual(['out']);
      expect(pod.log(1, 'stderr')).toEqual(['err']);
      expect(pod.log(0)).toEqual([]);
    });

    test('exec sync: output and exit code', async () => {
      expect(await exec(other, 'echo a; echo b >&2; exit 7')).toEqual({
        stdout: 'a\n',
        stderr: 'b\n',
        exit_code: 7,
      });
    });

    test('exec sync ends a command that takes too long', async () => {
      const request = { container_id: other, cmd: ['sleep', '100'], timeout: 1 };
      await expect(cri.call('ExecSync', request)).rejects.toThrow(/timeout|timed out/);
      expect((await exec(other, 'ps | grep -c "[s]leep 100$"')).stdout).toBe('0\n');
    });

    test('exec of a missing program says so', async () => {
      const request = { container_id: other, cmd: ['no-such'] };
      await expect(cri.call('ExecSync', request)).rejects.toThrow('executable file not found in $PATH');
    });

    test('exec, streaming', async () => {
      const cmd = ['sh', '-c', 'read x; echo got $x; echo err >&2; exit 5'];
      const request = { container_id: other, cmd, stdin: true, stderr: true };
      const expected: Streamed = { stdout: 'got word\n', stderr: 'err\n', exitCode: 5 };
      expect(await cri.stream('Exec', request, [['', 'word\n']])).toEqual(expected);
    });

    test('exec, streaming, on a terminal', async () => {
      const line =
        'tty; until stty size 2>/dev/null | grep "33 99"; do sleep 0.05; done; read x; echo got $x; exit 6';
      const request = { container_id: other, cmd: ['sh', '-c', line], stdin: true, tty: true };
      const result = await cri.stream('Exec', request, [['33 99', 'word\n']], { Width: 99, Height: 33 });
      expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\n33 99\nword\ngot word\n$/);
      expect(result.exitCode).toBe(6);
    });

    test('port-forward', async () => {
      const reply = await cri.portForward(pod.id, 8000, 'GET / HTTP/1.0\r\n\r\n');
      expect(reply).toMatch(/^HTTP\/1\.[01] 200 OK\r\n[^]*served\n$/);
    });

    test('stats', async () => {
      const { stats } = await cri.call<{
        stats: {
          cpu: { usage_core_nano_seconds: { value: number } };
          memory: { working_set_bytes: { value: number } };
        };
      }>('ContainerStats', { container_id: server });
      expect(stats.cpu.usage_core_nano_seconds.value).toBeGreaterThan(0);
      expect(stats.memory.working_set_bytes.value).toBeGreaterThan(0);
    });

    test('update', async () => {
      await cri.call('UpdateContainerResources', {
        container_id: server,
        linux: { memory_limit_in_bytes: 67108864 },
      });
      const find = `find /sys/fs/cgroup -name ${server} -type d`;
      const limits = await machine.shell(
        `for d in $(${find}); do cat $d/memory.limit_in_bytes $d/memory.max 2>/dev/null || true; done`,
      );
      expect(limits).toBe('67108864');
    });
  });

  test('attach', async () => {
    const pod = await Pod.run('attach');
    const id = await pod.start('read x; echo got $x; exit 3', { stdin: true, stdin_once: true });
    const result = await cri.stream('Attach', { container_id: id, stdin: true, stderr: true }, [
      ['', 'word\n'],
    ]);
    expect(result.stdout).toBe('got word\n');
    await ended(id);
    expect(await status(id)).toMatchObject({ exit_code: 3 });
    await pod.remove();
    await nothingLeft();
  });

  test('a container that ends is started again under a new name, and the other one runs on', async () => {
    const pod = await Pod.run('restart');
    const steady = await pod.start('sleep 1000');
    const first = await pod.start('exit 4');
    await ended(first);
    expect(await status(first)).toMatchObject({ exit_code: 4, reason: 'Error' });
    await cri.call('RemoveContainer', { container_id: first });
    const second = await pod.start('echo again; sleep 1000');
    expect(await status(second)).toMatchObject({ state: 'CONTAINER_RUNNING' });
    expect(await status(steady)).toMatchObject({ state: 'CONTAINER_RUNNING' });
    await cri.call('StopContainer', { container_id: second, timeout: 0 });
    expect(await status(second)).toMatchObject({ state: 'CONTAINER_EXITED', exit_code: 137 });
    expect((await exec(steady, 'echo alive')).stdout).toBe('alive\n');
    await pod.remove();
    await nothingLeft();
  });

  test('an init container that fails', async () => {
    const pod = await Pod.run('init');
    const failing = await pod.start('echo before; exit 9');
    await ended(failing);
    expect(await status(failing)).toMatchObject({ exit_code: 9 });
    const missingProgram = await pod.create('', { command: ['/no/such'] });
    await expect(cri.call('StartContainer', { container_id: missingProgram })).rejects.toThrow(
      'no such file or directory',
    );
    expect(await status(missingProgram)).toMatchObject({
      state: 'CONTAINER_EXITED',
      reason: 'StartError',
      exit_code: 128,
    });
    await pod.remove();
    await nothingLeft();
  });

  test('a graceful stop waits for the handler of TERM', async () => {
    const pod = await Pod.run('stop');
    const id = await pod.start('trap "echo bye; exit 2" TERM; echo ready; while :; do sleep 0.05; done');
    await until('it is ready', () => pod.log(0)[0] === 'ready');
    await cri.call('StopContainer', { container_id: id, timeout: 10 });
    expect(await status(id)).toMatchObject({ exit_code: 2 });
    expect(pod.log(0)).toEqual(['ready', 'bye']);
    await pod.remove();
    await nothingLeft();
  });

  test('a shared pid namespace', async () => {
    const shared = { namespace_options: { pid: 'POD' } };
    const pod = await Pod.run('pids', { linux: { security_context: shared } });
    const one = await pod.start('sleep 1234', { linux: { security_context: shared } });
    const two = await pod.start('sleep 1000', { linux: { security_context: shared } });
    expect((await exec(two, 'ps -o args | grep "[s]leep 1234"')).stdout).toBe('sleep 1234\n');
    const kill = `kill -KILL $(ps -o pid,args | awk '/[s]leep 1234/ { print $1 }')`;
    expect(await exec(two, kill)).toEqual({ stdout: '', stderr: '', exit_code: 0 });
    await ended(one);
    expect(await status(one)).toMatchObject({ exit_code: 137 });
    await pod.remove();
    await nothingLeft();
  });

  test('user, groups, directory, variables, mounts, read-only root, capabilities', async () => {
    const pod = await Pod.run('config', { linux: { sysctls: { 'kernel.shm_rmid_forced': '1' } } });
    machine.write('/run/pods/mounted/file', 'mounted\n');
    await pod.start(
      'id -u; id -g; pwd; echo $A; cat /data/file; touch /x || echo refused; grep CapEff /proc/self/status',
      {
        working_dir: '/tmp',
        envs: [{ key: 'A', value: 'b' }],
        mounts: [{ container_path: '/data', host_path: '/run/pods/mounted', readonly: true }],
        linux: {
          security_context: {
            run_as_user: { value: 5 },
            run_as_group: { value: 6 },
            readonly_rootfs: true,
            no_new_privs: true,
            capabilities: { drop_capabilities: ['ALL'] },
          },
        },
      },
    );
    await until('it has written', () => pod.log(0).length >= 7);
    expect(pod.log(0)).toEqual(['5', '6', '/tmp', 'b', 'mounted', 'refused', 'CapEff:\t0000000000000000']);
    await pod.remove();
    await nothingLeft();
  });

  test('twenty pods at once start, serve and go', async () => {
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const pods = await Promise.all(
      numbers.map(async (number) => {
        const pod = await Pod.run(`many-${number}`);
        await pod.start(`mkdir /www; echo ${number} >/www/index.html; exec httpd -f -p 80 -h /www`);
        return pod;
      }),
    );
    for (const [number, pod] of pods.entries()) {
      const get = ['busybox', 'wget', '-qO-', `http://${await pod.address()}/`];
      await until('it answers', async () => (await machine.run(get)).stdout === `${number}\n`);
    }
    await Promise.all(pods.map((pod) => pod.remove()));
    await nothingLeft();
  }, 180_000);
});
