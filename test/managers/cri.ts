// The kubelet's side of the Container Runtime Interface: calls over gRPC, streams over WebSockets.

import { join } from 'node:path';

import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import WebSocket from 'ws';

import type { Machine } from './machine.ts';

/** Messages are as cri.proto has them. */
type Message = Record<string, unknown>;
type Method = (
  request: Message,
  options: { deadline: number },
  done: (error: ServiceError | null, reply: Message) => void,
) => void;

interface Client {
  [method: string]: Method;
}

/** Channels of a stream, as the API server's protocol v4 numbers them. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const RESULT = 3;
const RESIZE = 4;

export interface Streamed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What is typed into a stream when the text before it has come. */
export type Typing = readonly (readonly [wait: string, type: string])[];

export class Cri {
  readonly #client: Client;
  readonly #machine: Machine;
  #forwarded: { port: string; socket: string } | undefined;

  constructor(machine: Machine, socket: string) {
    this.#machine = machine;
    const definition = loadSync(join(import.meta.dirname, 'cri.proto'), {
      keepCase: true,
      enums: String,
      longs: Number,
      defaults: true,
    });
    const { runtime } = loadPackageDefinition(definition) as unknown as {
      runtime: { v1: { RuntimeService: new (address: string, credentials: unknown) => unknown } };
    };
    const address = `unix://${machine.path(socket)}`;
    this.#client = new runtime.v1.RuntimeService(address, credentials.createInsecure()) as Client;
  }

  async call<T>(method: string, request: Message): Promise<T> {
    return await new Promise<T>((done, failed) => {
      const options = { deadline: Date.now() + 500_000 };
      this.#client[method]!(request, options, (error, reply) => {
        if (error) failed(new Error(`${method}: ${error.details}`));
        else done(reply as T);
      });
    });
  }

  /** `Exec` or `Attach`; `size` is sent when the stream opens. */
  async stream(
    method: 'Exec' | 'Attach',
    request: Message,
    typing: Typing = [],
    size?: { Width: number; Height: number },
  ): Promise<Streamed> {
    const { url } = await this.call<{ url: string }>(method, { stdout: true, ...request });
    const output = ['', '', '', ''];
    const pending = [...typing];
    let seen = 0;
    const connection: { socket?: WebSocket } = {};
    const send = (channel: number, text: string): void => {
      connection.socket!.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
    };
    const type = (): void => {
      while (connection.socket !== undefined && pending.length > 0) {
        const at = output[STDOUT]!.indexOf(pending[0]![0], seen);
        if (at < 0) return;
        seen = at + pending[0]![0].length;
        send(STDIN, pending.shift()![1]);
      }
    };
    connection.socket = await this.#open(url, (data) => {
      output[data[0]!] += data.subarray(1).toString('latin1');
      type();
    });
    if (size !== undefined) send(RESIZE, JSON.stringify(size));
    type();
    await closed(connection.socket);
    return {
      stdout: output[STDOUT]!.replaceAll('\r', ''),
      stderr: output[STDERR]!,
      exitCode: exitCodeOf(output[RESULT]!),
    };
  }

  /** Sends `request` to a port of a pod, returns all that comes back. */
  async portForward(pod: string, port: number, request: string): Promise<string> {
    const { url } = await this.call<{ url: string }>('PortForward', { pod_sandbox_id: pod, port: [port] });
    const received = [[], []] as Buffer[][];
    const socket = await this.#open(url, (data) => received[data[0]!]!.push(data.subarray(1)));
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(request)]));
    await closed(socket);
    // Each channel, of data and of errors, begins with the number of the port.
    const [data, errors] = received.map((chunks) => Buffer.concat(chunks).subarray(2).toString('latin1'));
    if (errors !== '') throw new Error(errors);
    return data!;
  }

  close(): void {
    (this.#client as unknown as { close(): void }).close();
  }

  /** The streaming server listens on a port of the machine's loopback interface. */
  async #open(url: string, onMessage: (data: Buffer) => void): Promise<WebSocket> {
    const { port, pathname } = new URL(url);
    if (this.#forwarded?.port !== port) {
      const socket = join(this.#machine.directory, `stream-${port}`);
      const command = ['socat', `UNIX-LISTEN:${socket},fork`, `TCP:127.0.0.1:${port}`];
      await this.#machine.daemon(command, `test -S ${socket}`);
      this.#forwarded = { port, socket };
    }
    const protocols = pathname.startsWith('/portforward') ? 'v4.channel.k8s.io' : ['v4.channel.k8s.io'];
    const opened = new WebSocket(`ws+unix:${this.#forwarded.socket}:${pathname}`, protocols);
    opened.binaryType = 'nodebuffer';
    // The first messages may come together with the server's consent.
    opened.on('message', onMessage);
    await new Promise((done, failed) => {
      opened.once('open', done);
      opened.once('error', failed);
    });
    return opened;
  }
}

async function closed(socket: WebSocket): Promise<void> {
  await new Promise<void>((done, failed) => {
    const timer = setTimeout(() => {
      socket.terminate();
      failed(new Error('the stream did not end'));
    }, 120_000);
    socket.once('close', () => {
      clearTimeout(timer);
      done();
    });
  });
}

/** The last message of a stream is a Status of the Kubernetes API; attaching has none. */
function exitCodeOf(text: string): number {
  if (text === '') return 0;
  const status = JSON.parse(text) as {
    status: string;
    message?: string;
    details?: { causes?: { reason: string; message: string }[] };
  };
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (cause === undefined) throw new Error(status.message ?? text);
  return Number(cause.message);
}
