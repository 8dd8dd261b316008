/** Turns --strace on. */
import { addon } from '../../native/addon.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { Tracer } from '../../sentry/strace/tracer.ts';
import { rows } from '../../syscalls/table/index.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';

/** Lines go to the debug log, else to the log, else to the launcher's stderr. */
export function installTracer(kernel: Kernel, boot: BootDocument): void {
  const { enabled, syscalls, format } = boot.strace;
  if (!enabled) return;
  const fd = boot.fds.debugLog ?? boot.fds.log ?? 2;
  kernel.tracer = new Tracer({
    rows,
    only: syscalls,
    json: format === 'json',
    write: (line) => {
      const bytes = Buffer.from(line, 'latin1');
      addon.write(fd, bytes, 0, bytes.length);
    },
  });
}
