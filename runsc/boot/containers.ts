/** The containers of this sandbox. The first one is its root: its end is the sandbox's. */
import { GoferClient } from '../../gofer/client/client.ts';
import { STORE_MEMORY } from '../../gofer/protocol/messages.ts';
import { addon } from '../../native/addon.ts';
import { GoferFileStore } from '../../sentry/fs/gofer/file-store.ts';
import type { SpaceSource, Zone } from '../../platform/platform.ts';
import { HostFds } from '../../sentry/fs/gofer/host-fds.ts';
import { setDefaultStore } from '../../sentry/vfs/file-store.ts';
import { Cgroup } from '../../sentry/kernel/cgroup.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { IpcNamespace, type Namespaces, UtsNamespace } from '../../sentry/kernel/namespaces.ts';
import { PidNamespace } from '../../sentry/kernel/pid-namespace.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { Timer } from '../../sentry/time/timers.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import { Container } from './container.ts';
import { guestLimits } from './guest-limits.ts';
import {
  closeConsole,
  installKernelFilesystems,
  makeKernelFilesystems,
  registerDevices,
} from './kernel-filesystems.ts';
import { type Log, openLog } from './log.ts';
import { buildMounts } from './mount-tree.ts';
import { StartError } from './start-error.ts';
import { closeStdio, type StdioFds } from './stdio.ts';

export class Containers {
  root: Container | null = null;
  private readonly kernel: Kernel;
  private readonly log: Log;
  /** For the address spaces of one more container. */
  readonly newZone: (oomScore: number) => Zone | number;
  private readonly byId = new Map<string, Container>();
  private readonly fds = new HostFds(hostFdLimit());
  private rootClient: GoferClient | null = null;

  constructor(kernel: Kernel, log: Log, newZone: (oomScore: number) => Zone | number) {
    this.kernel = kernel;
    this.log = log;
    this.newZone = newZone;
    installKernelFilesystems(kernel);
  }

  /** Without an id, the root container. */
  get(id: string | undefined): Container | undefined {
    return id === undefined ? (this.root ?? undefined) : this.byId.get(id);
  }

  /** Makes the first container. Throws a StartError. */
  create(boot: BootDocument): Container {
    const client = new GoferClient(boot.fds.gofer, () => addon.exit(1));
    this.rootClient = client;
    setDefaultStore(new GoferFileStore(client, STORE_MEMORY));
    this.root = this.make(boot, client, this.kernel.platform, this.log, stdioOf(boot));
    return this.root;
  }

  /** The root container has ended, and this process goes on. */
  close(): void {
    this.root?.release();
    this.rootClient?.close();
  }

  /** Makes one more, whose end is its own. Throws a StartError. */
  join(boot: BootDocument, zone: Zone): Container {
    let container: Container | null = null;
    const client = new GoferClient(boot.fds.gofer, () => container?.abandon());
    const stdio = stdioOf(boot);
    const release = (): void => {
      client.close();
      zone.destroy();
    };
    try {
      if (this.byId.has(boot.id)) throw new StartError('container with given ID already exists');
      container = this.make(boot, client, zone, openLog(boot), stdio);
    } catch (error) {
      closeStdio(stdio);
      release();
      throw error;
    }
    const made = container;
    made.onEnd = () => {
      // Not here: the last process may be on its way out still.
      const later = new Timer(() => {
        made.release();
        release();
      });
      this.kernel.timers.arm(later, this.kernel.clock.monotonicNs());
    };
    return made;
  }

  /** Nobody asks for it any more. */
  forget(container: Container): void {
    this.byId.delete(container.id);
  }

  private make(
    boot: BootDocument,
    client: GoferClient,
    spaces: SpaceSource,
    log: Log,
    stdio: StdioFds,
  ): Container {
    const ns = this.namespacesFor(boot, spaces);
    const devices = registerDevices(this.kernel, boot);
    const limits = guestLimits(boot.spec.linux?.resources);
    let mounts: MountNamespace | null = null;
    try {
      mounts = buildMounts({
        boot,
        client,
        fds: this.fds,
        make: makeKernelFilesystems(this.kernel, ns, boot, devices, limits),
        warn: (message) => {
          log.warn(message);
        },
      });
      const container = new Container(this.kernel, ns, boot, mounts, devices, limits, stdio);
      this.byId.set(boot.id, container);
      return container;
    } catch (error) {
      mounts?.destroy();
      closeConsole(devices);
      throw error;
    }
  }

  private namespacesFor(boot: BootDocument, spaces: SpaceSource): Namespaces {
    const { pid, uts, ipc } = boot.shared;
    return {
      pid: pid === undefined ? new PidNamespace() : this.namespacesOf(pid).pid,
      uts: uts === undefined ? new UtsNamespace(boot.hostname, boot.domainname) : this.namespacesOf(uts).uts,
      ipc: ipc === undefined ? new IpcNamespace(boot.hostMemoryBytes) : this.namespacesOf(ipc).ipc,
      cgroup: new Cgroup(spaces, boot.pidsLimit, boot.memoryLimitBytes, boot.cpuCount),
    };
  }

  private namespacesOf(id: string): Namespaces {
    const container = id === '' ? this.root : this.byId.get(id);
    if (container === undefined || container === null || container.status === 'stopped')
      throw new StartError(`the container ${id}, whose namespace is to be shared, is not running`);
    return container.ns;
  }
}

function stdioOf({ fds, preservedFds }: BootDocument): StdioFds {
  return { standard: [fds.stdin, fds.stdout, fds.stderr], preserved: preservedFds };
}

/** Half of what the process may open: the rest is for spaces, memory files and stdio. */
function hostFdLimit(): number {
  return Math.floor(Math.min(addon.openFileLimit(), 65536) / 2);
}
