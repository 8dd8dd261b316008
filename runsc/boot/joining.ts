/** What the launcher of a container that joins this sandbox asks for, on a connection that lives as long as it does. */
import { addon } from '../../native/addon.ts';
import type { Zone } from '../../platform/platform.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import type { ControlReply } from '../sandbox/control-messages.ts';
import type { Container } from './container.ts';
import type { Containers } from './containers.ts';
import type { ControlConnection, RequestFds } from './control-connection.ts';
import { errnoText } from './errno-text.ts';
import { reportFailure } from './report.ts';
import { StartError } from './start-error.ts';

export class Joining {
  container: Container | null = null;
  private readonly containers: Containers;
  /** Until the container has it. */
  private zone: Zone | null = null;

  constructor(containers: Containers) {
    this.containers = containers;
  }

  makeZone(oomScore: number, connection: ControlConnection): ControlReply | null {
    if (this.zone !== null || this.container !== null)
      return refuse('the connection has a container already');
    const zone = this.containers.newZone(oomScore);
    if (typeof zone === 'number') return refuse(`cannot start a stub: ${errnoText(zone)}`);
    const pidfd = addon.pidfdOpen(zone.pid);
    if (pidfd < 0) {
      zone.destroy();
      return refuse(`cannot start a stub: ${errnoText(pidfd)}`);
    }
    this.zone = zone;
    connection.send({ ok: true }, pidfd);
    addon.close(pidfd);
    return null;
  }

  /** For a process that is not the container's first; null: none was made. */
  takeZone(): Zone | null {
    const { zone } = this;
    this.zone = null;
    zone?.open();
    return zone;
  }

  /** A container that can't be made is told through its exit pipe. */
  create(document: BootDocument, numbers: readonly number[], fds: RequestFds): ControlReply {
    if (this.zone === null) return refuse('the container has no zone');
    const boot = renumber(document, (fd) => fds.take(numbers.indexOf(fd)));
    if (boot.fds.exit < 0 || boot.fds.gofer < 0) return refuse('a descriptor is missing');
    const zone = this.takeZone()!;
    try {
      this.container = this.containers.join(boot, zone);
      if (boot.startNow) this.container.start();
      else this.container.announce();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      reportFailure(boot.fds.exit, error.message, error.exitCode);
      if (this.container === null) closeReports(boot);
      else this.container.discard();
    }
    return { ok: true };
  }

  /** The launcher is gone. */
  abandon(): void {
    this.zone?.destroy();
    this.container?.abandon();
    if (this.container !== null) this.containers.forget(this.container);
  }
}

/** What the launcher and its caller are told by. */
export function closeReports({ fds: { exit, log, debugLog } }: BootDocument): void {
  for (const fd of [exit, log, debugLog]) if (fd !== undefined && fd >= 0) addon.close(fd);
}

function refuse(error: string): ControlReply {
  return { ok: false, error };
}

/** The document with this process's descriptors in place of the launcher's numbers. */
function renumber(document: BootDocument, take: (fd: number) => number): BootDocument {
  const { gofer, stdin, stdout, stderr, console, exit, log, debugLog } = document.fds;
  const standard = (fd: number): number => (console === undefined ? take(fd) : -1);
  return {
    ...document,
    fds: {
      ready: -1,
      control: -1,
      stub: -1,
      joined: -1,
      oomScore: -1,
      gofer: take(gofer),
      stdin: standard(stdin),
      stdout: standard(stdout),
      stderr: standard(stderr),
      exit: take(exit),
      ...(console === undefined ? {} : { console: take(console) }),
      ...(log === undefined ? {} : { log: take(log) }),
      ...(debugLog === undefined ? {} : { debugLog: take(debugLog) }),
    },
    preservedFds: document.preservedFds.map(take),
  };
}
