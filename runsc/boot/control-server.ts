/** Answers the CLI and the launchers on the control socket: control-messages.ts. Off the hot path. */
import { addon } from '../../native/addon.ts';
import type { Platform } from '../../platform/platform.ts';
import type { ControlReply, ControlRequest } from '../sandbox/control-messages.ts';
import type { Containers } from './containers.ts';
import { ControlConnection, type RequestFds } from './control-connection.ts';

/** `fd` listens; it is made non-blocking by the launcher. */
export function serveControl(platform: Platform, fd: number, containers: Containers): void {
  const acceptAll = (): void => {
    for (let client = addon.accept(fd); client >= 0; client = addon.accept(fd)) {
      new ControlConnection(platform, client, (line, fds, connection) => {
        answer(containers, line, fds, connection);
      });
    }
  };
  platform.watch(fd, acceptAll);
  acceptAll();
}

function answer(containers: Containers, line: string, fds: RequestFds, connection: ControlConnection): void {
  let request: ControlRequest;
  try {
    request = JSON.parse(line) as ControlRequest;
  } catch {
    connection.send({ ok: false, error: 'malformed request' });
    return;
  }
  const reply = act(containers, request, fds, connection);
  if (reply !== null) connection.send(reply);
}

/** Null: the reply comes later. */
function act(
  containers: Containers,
  request: ControlRequest,
  _fds: RequestFds,
  connection: ControlConnection,
): ControlReply | null {
  const container = containers.get(request.container);
  if (container === undefined) return { ok: false, error: 'container does not exist' };
  switch (request.op) {
    case 'start':
      return container.tryStart();
    case 'kill':
      return container.kill(request.signal, request.all);
    case 'winch':
      container.devices.consoleBackend?.refreshWinsize();
      return { ok: true };
    case 'state':
      return { ok: true, state: container.state() };
    case 'pause':
      return container.pause();
    case 'resume':
      return container.resume();
    case 'stats':
      return container.stats();
    case 'update':
      return container.update(request.resources);
    case 'wait':
      return container.wait(connection);
    default:
      return { ok: false, error: 'unknown request' };
  }
}
