/** What the Sentry tells the launcher: ExitReport lines of boot-document.ts. */
import { addon } from '../../native/addon.ts';
import type { ExitReport } from '../sandbox/boot-document.ts';

export function reportCreated(fd: number): void {
  send(fd, { created: true });
}

export function reportStarted(fd: number): void {
  send(fd, { started: true });
}

/** `status` as wait4(2) encodes it. */
export function reportEnd(fd: number, status: number): void {
  const signal = status & 0x7f;
  send(fd, signal === 0 ? { exited: true, code: (status >>> 8) & 0xff } : { signal });
}

/** Init could not be made or run; `exitCode` becomes the launcher's. */
export function reportFailure(fd: number, error: string, exitCode: number): void {
  send(fd, { error, exitCode });
}

function send(fd: number, report: ExitReport): void {
  const line = Buffer.from(`${JSON.stringify(report)}\n`);
  addon.write(fd, line, 0, line.length);
}
