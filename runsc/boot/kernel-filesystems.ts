/** Devices and the filesystems that the kernel itself generates. */
import { registerMemoryDevices } from '../../sentry/fs/dev/memory-devices.ts';
import { HostTerminal } from '../../sentry/fs/host/host-terminal.ts';
import { openFifo } from '../../sentry/fs/pipe/fifo.ts';
import { CharDevices } from '../../sentry/fs/pseudo/char-devices.ts';
import { type ConsoleBackend, makeConsole } from '../../sentry/fs/tty/console.ts';
import { registerTtyDevices } from '../../sentry/fs/tty/devices.ts';
import { DevptsFilesystem, parseDevptsOptions } from '../../sentry/fs/tty/devpts.ts';
import type { Tty } from '../../sentry/fs/tty/tty.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { newAnonymousDev } from '../../sentry/vfs/anon-dev.ts';
import { setCharDeviceOpener, setFifoOpener } from '../../sentry/vfs/special-files.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import type { MakeFilesystem } from './mount-tree.ts';
import { StartError } from './start-error.ts';

export interface Devices {
  readonly pts: DevptsFilesystem;
  readonly console: Tty | null;
  readonly consoleBackend: ConsoleBackend | null;
  readonly chars: CharDevices;
}

const DEFAULT_DEVPTS = 'newinstance,ptmxmode=0666,mode=0620,gid=5';

export function registerDevices(kernel: Kernel, boot: BootDocument): Devices {
  const chars = new CharDevices();
  registerMemoryDevices(chars, (buf, off, len) => kernel.host.random(buf, off, len));
  const data = boot.spec.mounts?.find((m) => m.type === 'devpts')?.options?.filter(isDevptsOption).join(',');
  const options = parseDevptsOptions(data ?? DEFAULT_DEVPTS);
  if (options === null) throw new StartError('config.json: mounts: devpts: invalid option');
  const pts = new DevptsFilesystem(kernel, newAnonymousDev(), options);
  let console: Tty | null = null;
  let consoleBackend: ConsoleBackend | null = null;
  if (boot.fds.console !== undefined) {
    const host = new HostTerminal(boot.fds.console, (fd, callback) => { kernel.platform.watch(fd, callback); });
    const made = makeConsole(kernel, host);
    console = made.tty;
    consoleBackend = made.backend;
    pts.addConsole(console, boot.spec.process?.user?.uid ?? 0, options.gid ?? 0);
  }
  registerTtyDevices(chars, pts, console);
  setCharDeviceOpener(chars.open);
  setFifoOpener(openFifo);
  return { pts, console, consoleBackend, chars };
}

export function makeKernelFilesystems(kernel: Kernel, boot: BootDocument, devices: Devices): MakeFilesystem {
  void kernel;
  void boot;
  return (type) => {
    switch (type) {
      case 'devpts':
        return devices.pts;
      default:
        return null;
    }
  };
}

/** Mount flags among the words are not the filesystem's. */
function isDevptsOption(word: string): boolean {
  return /^(newinstance|ptmxmode=|mode=|gid=|uid=|max=)/.test(word);
}
