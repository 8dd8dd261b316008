// What a kubelet does: pods and their containers, through the Container Runtime Interface of a machine's containerd.

import { expect } from 'vitest';

import { startContainerd } from './containerd.ts';
import { Cri } from './cri.ts';
import { imageArchive, imageName } from './images.ts';
import { Machine, until } from './machine.ts';

export const CRI_PACKAGES = [
  'containerd',
  'containernetworking-plugins',
  'iptables',
  'socat',
  'umoci',
  'skopeo',
];

export interface Status {
  readonly state: string;
  readonly exit_code: number;
  readonly reason: string;
  readonly message: string;
}

let count = 0;

export class Kubelet {
  readonly machine: Machine;
  readonly cri: Cri;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.cri = new Cri(machine, '/run/containerd/containerd.sock');
  }

  static async start(): Promise<Kubelet> {
    imageArchive('busybox');
    const machine = await Machine.make();
    await startContainerd(machine, ['busybox', 'pause']);
    const kubelet = new Kubelet(machine);
    // The first pod makes the bridge, and directories that stay.
    const pod = await kubelet.run('first');
    await kubelet.cri.stream('Exec', { container_id: await pod.start('sleep 1000'), cmd: ['true'] });
    await pod.remove();
    machine.mark(/^socket .*\/stream-\d+$|\/run\/pods/);
    return kubelet;
  }

  async close(): Promise<void> {
    this.cri.close();
    await this.machine.close();
  }

  async run(name: string, config: Record<string, unknown> = {}): Promise<Pod> {
    const full = {
      metadata: { name, uid: `${name}-${count++}`, namespace: 'default', attempt: 0 },
      hostname: name,
      log_directory: `/run/pods/${name}-${count}`,
      linux: {},
      ...config,
    };
    const { pod_sandbox_id: id } = await this.cri.call<{ pod_sandbox_id: string }>('RunPodSandbox', {
      config: full,
      runtime_handler: 'runsc',
    });
    return new Pod(this, id, full);
  }

  async status(id: string): Promise<Status> {
    return (await this.cri.call<{ status: Status }>('ContainerStatus', { container_id: id })).status;
  }

  async exec(id: string, line: string): Promise<{ stdout: string; stderr: string; exit_code: number }> {
    const reply = await this.cri.call<{ stdout: Buffer; stderr: Buffer; exit_code: number }>('ExecSync', {
      container_id: id,
      cmd: ['sh', '-c', line],
      timeout: 120,
    });
    return { ...reply, stdout: reply.stdout.toString(), stderr: reply.stderr.toString() };
  }

  async ended(id: string): Promise<void> {
    await until('the container has ended', async () => (await this.status(id)).state === 'CONTAINER_EXITED');
  }

  async nothingLeft(): Promise<void> {
    expect(await this.machine.leftovers()).toEqual([]);
  }
}

/** A pod and its containers. */
export class Pod {
  readonly id: string;
  readonly #kubelet: Kubelet;
  readonly #config: Record<string, unknown>;
  readonly #containers: string[] = [];

  constructor(kubelet: Kubelet, id: string, config: Record<string, unknown>) {
    this.#kubelet = kubelet;
    this.id = id;
    this.#config = config;
  }

  /** Creates and starts a container that runs a shell's command line. */
  async start(line: string, config: Record<string, unknown> = {}): Promise<string> {
    const id = await this.create(line, config);
    await this.#kubelet.cri.call('StartContainer', { container_id: id });
    return id;
  }

  async create(line: string, config: Record<string, unknown> = {}): Promise<string> {
    const name = `c${this.#containers.length}`;
    const linux = { security_context: { namespace_options: { pid: 'CONTAINER' } } };
    const { container_id: id } = await this.#kubelet.cri.call<{ container_id: string }>('CreateContainer', {
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

  logFile(index: number): string {
    return `${String(this.#config['log_directory'])}/c${index}.log`;
  }

  /** The lines that a container wrote to `stream`. */
  log(index: number, stream: 'stdout' | 'stderr' = 'stdout'): string[] {
    return this.#kubelet.machine
      .read(this.logFile(index))
      .split('\n')
      .map((line) => /^\S+ (\S+) \S (.*)$/.exec(line))
      .filter((match) => match?.[1] === stream)
      .map((match) => match![2]!);
  }

  async address(): Promise<string> {
    const reply = await this.#kubelet.cri.call<{ status: { network: { ip: string } } }>('PodSandboxStatus', {
      pod_sandbox_id: this.id,
    });
    return reply.status.network.ip;
  }

  async remove(): Promise<void> {
    await this.#kubelet.cri.call('StopPodSandbox', { pod_sandbox_id: this.id });
    await this.#kubelet.cri.call('RemovePodSandbox', { pod_sandbox_id: this.id });
  }
}
