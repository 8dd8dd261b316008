import { addon } from '../../native/addon.ts';
import type { Platform } from '../../platform/platform.ts';
import { Kernel } from '../../sentry/kernel/kernel.ts';
import { handlers } from '../../syscalls/table/index.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';

/** A kernel for the host that the boot document describes. */
export function makeKernel(platform: Platform, boot: BootDocument): Kernel {
  return new Kernel({
    platform,
    host: addon,
    handlers,
    machine: process.arch === 'x64' ? 'x86_64' : 'aarch64',
    cpuCount: boot.hostCpuCount,
    hostMemoryBytes: boot.hostMemoryBytes,
  });
}
