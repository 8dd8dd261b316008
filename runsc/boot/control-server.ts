/** Answers the CLI and the launchers on the control socket: control-messages.ts. Off the hot path. */
import { addon } from '../../native/addon.ts';
import type { Platform } from '../../platform/platform.ts';
import type { ControlReply, ControlRequest, ExecRequest } from '../sandbox/control-messages.ts';
import type { Container } from './container.ts';
import type { Containers } from './containers.ts';
import { ControlConnection, type RequestFds } from './control-connection.ts';
import { readProcess } from './exec-document.ts';
import { ExecProcess } from './exec-process.ts';
import { forkedPids } from './host-pids.ts';
import { Joining } from './joining.ts';
import { waitForProcess } from './process-wait.ts';

const OK: ControlReply = { ok: true };

/** `fd` listens; it is made non-blocking by the launcher. */
export function serveControl(platform: Platform, fd: number, containers: Containers): void {
  const acceptAll = (): void => {
    for (let client = addon.accept(fd); client >= 0; client = addon.accept(fd)) {
      const session = new ControlSession(containers);
      new ControlConnection(platform, client, (line, fds, connection) => {
        session.answer(line, fds, connection);
      });
    }
  };
  platform.watch(fd, acceptAll);
  acceptAll();
}

/** What one connection has said so far. */
class ControlSession {
  private readonly containers: Containers;
  private process: ExecProcess | null = null;
  private joining: Joining | null = null;

  constructor(containers: Containers) {
    this.containers = containers;
  }

  answer(line: string, fds: RequestFds, connection: ControlConnection): void {
    let request: ControlRequest;
    try {
      request = JSON.parse(line) as ControlRequest;
    } catch {
      connection.send({ ok: false, error: 'malformed request' });
      return;
    }
    const reply = this.act(request, fds, connection);
    if (reply !== null) connection.send(reply);
  }

  /** Null: the reply comes later. */
  private act(request: ControlRequest, fds: RequestFds, connection: ControlConnection): ControlReply | null {
    if (request.op === 'zone') return this.join(request, connection);
    if (request.op === 'create')
      return this.joining?.create(request.boot, request.fds, fds) ?? refused('the container has no zone');
    const container =
      request.container === undefined && this.joining !== null
        ? this.joining.container
        : this.containers.get(request.container);
    if (container === undefined || container === null)
      return { ok: false, error: 'container does not exist' };
    switch (request.op) {
      case 'start':
        return container.start();
      case 'kill':
        return container.kill(request.signal, request.all);
      case 'winch':
        container.devices.console?.backend.refreshWinsize();
        return OK;
      case 'state':
        return { ok: true, state: container.state() };
      case 'pause':
        return container.pause();
      case 'resume':
        return container.resume();
      case 'stats':
        return container.stats();
      case 'processes':
        return { ok: true, pids: forkedPids(container.ns.cgroup.groups) };
      case 'update':
        return container.update(request.resources);
      case 'wait':
        return request.pid === undefined
          ? container.wait(connection)
          : waitForProcess(container, request.pid, connection);
      case 'exec':
        return this.exec(container, request, fds, connection);
      case 'signal':
        this.process?.signal(request.signal);
        return OK;
      case 'resize':
        this.process?.resize();
        return OK;
      default:
        return { ok: false, error: 'unknown request' };
    }
  }

  private join(
    request: ControlRequest & { readonly op: 'zone' },
    connection: ControlConnection,
  ): ControlReply | null {
    const oomScore =
      request.container === undefined
        ? request.oomScore
        : this.containers.get(request.container)?.boot.stubOomScore;
    if (oomScore === undefined) return refused('container does not exist');
    if (this.joining === null) {
      const joining = new Joining(this.containers);
      this.joining = joining;
      connection.onClose = () => joining.abandon();
    }
    return this.joining.makeZone(oomScore, connection);
  }

  private exec(
    container: Container,
    request: ExecRequest,
    fds: RequestFds,
    connection: ControlConnection,
  ): ControlReply {
    const refusal = refuseExec(container, request);
    if (refusal !== null) return { ok: false, error: refusal };
    if (this.process !== null) return { ok: false, error: 'the connection has a process already' };
    const document = readProcess(fds.take(request.document), request);
    if (document === null) return { ok: false, error: 'the process is not understood' };
    const zone = this.joining?.takeZone() ?? null;
    this.joining = null;
    const process = new ExecProcess(container, document, request, fds, zone);
    this.process = process;
    connection.onClose = () => process.abandon();
    return OK;
  }
}

function refused(error: string): ControlReply {
  return { ok: false, error };
}

/** In runc's words. */
function refuseExec({ status }: Container, { ignorePaused }: ExecRequest): string | null {
  if (status === 'stopped') return 'cannot exec in a stopped container';
  if (status !== 'paused' || ignorePaused) return null;
  return 'cannot exec in a paused container (use --ignore-paused to override)';
}
