/** A container's devices, and the filesystems that the kernel itself generates. */
import { readFileSync } from 'node:fs';
import { EINVAL, ENODEV, ENXIO } from '../../sentry/abi/errno.ts';
import { makeCgroup2 } from '../../sentry/fs/cgroup/cgroup2.ts';
import { registerMemoryDevices } from '../../sentry/fs/dev/memory-devices.ts';
import { HostTerminal } from '../../sentry/fs/host/host-terminal.ts';
import { openFifo } from '../../sentry/fs/pipe/fifo.ts';
import { parseProcOptions } from '../../sentry/fs/proc/options.ts';
import { mqueueOf } from '../../sentry/fs/mqueue/mqueue.ts';
import { makeProc } from '../../sentry/fs/proc/root-directory.ts';
import { memoryState } from '../../sentry/fs/proc/system-files.ts';
import { CharDevices } from '../../sentry/fs/pseudo/char-devices.ts';
import { makeSysfs } from '../../sentry/fs/sys/sysfs.ts';
import { Tmpfs } from '../../sentry/fs/tmpfs/tmpfs.ts';
import type { Console } from '../../sentry/fs/tty/console.ts';
import { registerTtyDevices } from '../../sentry/fs/tty/devices.ts';
import { DevptsFilesystem, parseDevptsOptions } from '../../sentry/fs/tty/devpts.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { Namespaces } from '../../sentry/kernel/namespaces.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { familiesOf } from '../../sentry/net/socket/families.ts';
import { HostStack } from '../../sentry/net/stack/host/host-stack.ts';
import { newAnonymousDev } from '../../sentry/vfs/anon-dev.ts';
import type { CallerContext } from '../../sentry/vfs/context.ts';
import { registerFilesystemType } from '../../sentry/vfs/filesystem-types.ts';
import type { Filesystem } from '../../sentry/vfs/inode.ts';
import { setCharDeviceOpener, setFifoOpener } from '../../sentry/vfs/special-files.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import { errnoText } from './errno-text.ts';
import type { GuestLimits } from './guest-limits.ts';
import { parseMountOptions } from './mount-options.ts';
import type { MakeFilesystem } from './mount-tree.ts';
import { netTables } from './net-tables.ts';
import { StartError } from './start-error.ts';

export interface Devices {
  readonly pts: DevptsFilesystem;
  /** Init's. */
  readonly console: Console | null;
  readonly chars: CharDevices;
}

/** The processors' features; read while the host's files can still be. */
const hostCpuinfo = readFileSync('/proc/cpuinfo', 'latin1');

const DEFAULT_DEVPTS = 'newinstance,ptmxmode=0666,mode=0620,gid=5';

export function registerDevices(kernel: Kernel, boot: BootDocument): Devices {
  const chars = new CharDevices();
  registerMemoryDevices(chars, (buf, off, len) => kernel.host.random(buf, off, len));
  const words = boot.spec.mounts?.find((m) => m.type === 'devpts')?.options;
  const data = words === undefined ? DEFAULT_DEVPTS : parseMountOptions(words).data;
  const options = parseDevptsOptions(data);
  if (options === null) throw new StartError(`config.json: mounts: devpts: invalid options "${data}"`);
  const pts = new DevptsFilesystem(kernel, newAnonymousDev(), options);
  let console: Console | null = null;
  if (boot.fds.console !== undefined) {
    const host = new HostTerminal(boot.fds.console, kernel.platform);
    const made = pts.addConsole(host, boot.spec.process?.user?.uid ?? 0, options.gid ?? 0, true);
    if (typeof made === 'number') throw new StartError(`cannot make the console: ${errnoText(made)}`);
    console = made;
  }
  registerTtyDevices(chars, pts, console?.tty ?? null);
  return { pts, console, chars };
}

/** Nobody has the console open any more. */
export function closeConsole({ console }: Devices): void {
  if (console === null) return;
  console.backend.onClose ??= () => undefined;
  console.backend.closeUnused();
}

/** What the processes of a container find by mount(2) and behind device nodes. */
interface Offer {
  readonly make: MakeFilesystem;
  readonly chars: CharDevices;
}
const offers = new WeakMap<Namespaces, Offer>();

/** Once for all containers: whoever calls gets what its container has. */
export function installKernelFilesystems(kernel: Kernel): void {
  const offerTo = (ctx: CallerContext): Offer | undefined => offers.get((ctx as Task).group.ns);
  for (const type of ['devpts', 'proc', 'sysfs', 'cgroup2', 'mqueue']) {
    registerFilesystemType(type, (options, _source, ctx) => offerTo(ctx)?.make(type, options) ?? -ENODEV);
  }
  for (const type of ['tmpfs', 'ramfs']) {
    registerFilesystemType(type, (options) => Tmpfs.create(options, kernel.options.hostMemoryBytes, type));
  }
  setCharDeviceOpener(
    (inode, path, flags, ctx) => offerTo(ctx)?.chars.open(inode, path, flags, ctx) ?? -ENXIO,
  );
  setFifoOpener(openFifo);
}

export function makeKernelFilesystems(
  kernel: Kernel,
  ns: Namespaces,
  boot: BootDocument,
  devices: Devices,
  limits: GuestLimits,
): MakeFilesystem {
  const make = maker(kernel, ns, boot, devices, limits);
  offers.set(ns, { make, chars: devices.chars });
  return make;
}

function maker(
  kernel: Kernel,
  ns: Namespaces,
  boot: BootDocument,
  devices: Devices,
  limits: GuestLimits,
): MakeFilesystem {
  return (type, data) => {
    if (!isKnown(type, data)) return -EINVAL;
    switch (type) {
      case 'devpts':
        return devices.pts;
      case 'proc':
        return procFilesystem(kernel, ns, boot, devices, data);
      case 'sysfs': {
        const { stack } = familiesOf(kernel);
        return makeSysfs(kernel, newAnonymousDev(), {
          cpuCount: () => ns.cgroup.cpuCount,
          memory: () => memoryState(kernel, ns.cgroup),
          ...(stack instanceof HostStack ? { links: () => stack.links() } : {}),
        });
      }
      case 'mqueue':
        return mqueueOf(ns.ipc);
      case 'cgroup':
      case 'cgroup2':
        return makeCgroup2(ns.cgroup, newAnonymousDev(), limits);
      default:
        return null;
    }
  };
}

/** Whether these are options of a filesystem of this type. */
function isKnown(type: string, data: string): boolean {
  switch (type) {
    case 'devpts':
      return parseDevptsOptions(data) !== null;
    case 'proc':
      return data.split(',').every((word) => /^$|^(hidepid|gid|subset)=/.test(word));
    case 'sysfs':
    case 'mqueue':
      return data === '';
    default:
      return true;
  }
}

function procFilesystem(
  kernel: Kernel,
  ns: Namespaces,
  boot: BootDocument,
  devices: Devices,
  data: string,
): Filesystem {
  const { linux } = boot.spec;
  const { fs, sysctls } = makeProc(kernel, ns, newAnonymousDev(), {
    cpuinfo: hostCpuinfo,
    cmdline: '',
    net: netTables(kernel),
    charMajors: devices.chars.names,
    ptyCount: () => devices.pts.nodes.size,
    cgroup: '/',
    ...(linux?.uidMappings?.length ? { uidMap: linux.uidMappings } : {}),
    ...(linux?.gidMappings?.length ? { gidMap: linux.gidMappings } : {}),
    ...parseProcOptions(data),
  });
  for (const [name, value] of Object.entries(linux?.sysctl ?? {})) {
    const r = sysctls.set(name, value);
    if (r < 0) throw new StartError(`config.json: linux.sysctl: ${name}: ${errnoText(r)}`);
  }
  return fs;
}
