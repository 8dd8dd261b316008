/** Answers the CLI and the launcher on the control socket: control-messages.ts. Ordinary Node code, off the hot path. */
import { type Socket, createServer } from 'node:net';
import { ESRCH } from '../../sentry/abi/errno.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import {
  CONTROL_LINE_LIMIT_BYTES,
  type ControlReply,
  type ControlRequest,
} from '../sandbox/control-messages.ts';
import type { Devices } from './kernel-filesystems.ts';

export function serveControl(kernel: Kernel, fd: number, devices: Devices): void {
  const server = createServer((socket) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > CONTROL_LINE_LIMIT_BYTES) {
        socket.destroy();
        return;
      }
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        answer(kernel, devices, socket, text.slice(0, end));
        text = text.slice(end + 1);
      }
    });
  });
  server.on('error', () => undefined);
  server.listen({ fd });
}

function answer(kernel: Kernel, devices: Devices, socket: Socket, line: string): void {
  let reply: ControlReply;
  try {
    reply = act(kernel, devices, JSON.parse(line) as ControlRequest);
  } catch {
    reply = { ok: false, error: 'malformed request' };
  }
  socket.write(`${JSON.stringify(reply)}\n`);
}

function act(kernel: Kernel, devices: Devices, request: ControlRequest): ControlReply {
  switch (request.op) {
    case 'kill':
      return kill(kernel, request.signal, request.all);
    case 'winch':
      devices.consoleBackend?.refreshWinsize();
      return { ok: true };
    case 'state':
      return {
        ok: true,
        state: { status: kernel.ended ? 'stopped' : 'running', processes: kernel.groups.size },
      };
    default:
      return { ok: false, error: 'unknown request' };
  }
}

function kill(kernel: Kernel, signal: number, all: boolean): ControlReply {
  if (!Number.isInteger(signal) || signal < 0 || signal > 64) return { ok: false, error: 'invalid signal' };
  const { init } = kernel;
  if (init === null || kernel.ended) return { ok: false, error: 'no such process', errno: ESRCH };
  const targets = all ? [...kernel.groups.values()] : [init];
  for (const group of targets) kernel.signals.sendFromOutside(group, signal);
  return { ok: true };
}
