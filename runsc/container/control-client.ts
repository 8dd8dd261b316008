// Talks to a running Sentry: one request, one reply, over the socket in the state directory.

import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';

import { CONTROL_SOCKET_NAME } from '../sandbox/control-messages.ts';

import type { ControlReply, ControlRequest } from '../sandbox/control-messages.ts';

/** Rejects when nobody answers within `timeoutMs`. */
export async function callSentry(
  directory: string,
  request: ControlRequest,
  timeoutMs: number,
): Promise<ControlReply> {
  // By descriptor, since a unix socket's address holds at most 107 bytes of path.
  const fd = openSync(directory, 'r');
  try {
    return await exchange(`/proc/self/fd/${fd}/${CONTROL_SOCKET_NAME}`, request, timeoutMs);
  } finally {
    closeSync(fd);
  }
}

function exchange(path: string, request: ControlRequest, timeoutMs: number): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('the sandbox does not answer')));
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      socket.destroy();
      resolve(JSON.parse(text.slice(0, end)) as ControlReply);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the sandbox closed the connection')));
  });
}
