// Talks to a running sandbox: one request, one reply, over a socket in the state directory.

import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';

import { CONTROL_SOCKET_NAME, START_SOCKET_NAME } from '../sandbox/control-messages.ts';

import type { ControlReply, ControlRequest } from '../sandbox/control-messages.ts';

/** Asks the Sentry. Rejects when nobody answers within `timeoutMs`. */
export function callSentry(
  directory: string,
  request: ControlRequest,
  timeoutMs: number,
): Promise<ControlReply> {
  return call(directory, CONTROL_SOCKET_NAME, `${JSON.stringify(request)}\n`, timeoutMs);
}

/** Asks the launcher to start the container: the connection is the request. A start takes as long as its hooks. */
export function callStart(directory: string): Promise<ControlReply> {
  return call(directory, START_SOCKET_NAME, '', 0);
}

/** Rejects with the errno of the connect, or when the other side ends without a reply. */
async function call(
  directory: string,
  name: string,
  request: string,
  timeoutMs: number,
): Promise<ControlReply> {
  // By descriptor, since a unix socket's address holds at most 107 bytes of path.
  const fd = openSync(directory, 'r');
  try {
    return await exchange(`/proc/self/fd/${fd}/${name}`, request, timeoutMs);
  } finally {
    closeSync(fd);
  }
}

function exchange(path: string, request: string, timeoutMs: number): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('the sandbox does not answer')));
    // Nothing is written for an empty request: the other side may have answered and closed already (EPIPE).
    if (request !== '') socket.on('connect', () => socket.write(request));
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
