/** The Sentry's log: one record per line on descriptors that were opened before the jail, text or JSON. */
import { addon } from '../../native/addon.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';

export interface Log {
  debug(message: string): void;
  warn(message: string): void;
}

export function openLog(boot: BootDocument): Log {
  const { log, debugLog } = boot.fds;
  const json = boot.logFormat === 'json';
  const write = (fd: number | undefined, level: string, msg: string): void => {
    if (fd === undefined) return;
    const time = new Date().toISOString();
    const record = json
      ? JSON.stringify({ level, msg, time })
      : `time="${time}" level=${level} msg=${JSON.stringify(msg)}`;
    const line = Buffer.from(`${record}\n`);
    addon.write(fd, line, 0, line.length);
  };
  return {
    debug: (message) => {
      if (boot.debug) write(debugLog ?? log, 'debug', message);
    },
    warn: (message) => {
      write(log, 'warning', message);
      if (debugLog !== undefined) write(debugLog, 'warning', message);
    },
  };
}
