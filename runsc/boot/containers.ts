/** The containers of this sandbox. The first one is its root: its end is the sandbox's. */
import { GoferClient } from '../../gofer/client/client.ts';
import { STORE_MEMORY } from '../../gofer/protocol/messages.ts';
import { addon } from '../../native/addon.ts';
import { GoferFileStore } from '../../sentry/fs/gofer/file-store.ts';
import type { SpaceSource } from '../../platform/platform.ts';
import { HostFds } from '../../sentry/fs/gofer/host-fds.ts';
import { setDefaultStore } from '../../sentry/fs/tmpfs/store.ts';
import { Cgroup } from '../../sentry/kernel/cgroup.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { IpcNamespace, type Namespaces, UtsNamespace } from '../../sentry/kernel/namespaces.ts';
import { PidNamespace } from '../../sentry/kernel/pid-namespace.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import { Container } from './container.ts';
import { guestLimits } from './guest-limits.ts';
import { installKernelFilesystems, makeKernelFilesystems, registerDevices } from './kernel-filesystems.ts';
import type { Log } from './log.ts';
import { buildMounts } from './mount-tree.ts';

export class Containers {
  root: Container | null = null;
  private readonly kernel: Kernel;
  private readonly log: Log;
  private readonly byId = new Map<string, Container>();
  private readonly fds = new HostFds(hostFdLimit());

  constructor(kernel: Kernel, log: Log) {
    this.kernel = kernel;
    this.log = log;
    installKernelFilesystems(kernel);
  }

  /** Without an id, the root container. */
  get(id: string | undefined): Container | undefined {
    return id === undefined ? (this.root ?? undefined) : this.byId.get(id);
  }

  /** Makes a container's tree and init. Throws a StartError. */
  create(boot: BootDocument): Container {
    const client = new GoferClient(boot.fds.gofer, () => process.exit(1));
    if (this.root === null) setDefaultStore(new GoferFileStore(client, STORE_MEMORY));
    const ns = newNamespaces(boot, this.kernel.platform);
    const devices = registerDevices(this.kernel, boot);
    const limits = guestLimits(boot.spec.linux?.resources);
    const mounts = buildMounts({
      boot,
      client,
      fds: this.fds,
      make: makeKernelFilesystems(this.kernel, ns, boot, devices, limits),
      warn: (message) => {
        this.log.warn(message);
      },
    });
    const container = new Container(this.kernel, ns, boot, mounts, devices, limits);
    this.root ??= container;
    this.byId.set(boot.id, container);
    return container;
  }
}

/** A container on its own shares nothing. */
function newNamespaces(boot: BootDocument, spaces: SpaceSource): Namespaces {
  return {
    pid: new PidNamespace(),
    uts: new UtsNamespace(boot.hostname, boot.domainname),
    ipc: new IpcNamespace(boot.hostMemoryBytes),
    cgroup: new Cgroup(spaces, boot.pidsLimit, boot.memoryLimitBytes),
  };
}

/** Half of what the process may open: the rest is for spaces, memory files and stdio. */
function hostFdLimit(): number {
  return Math.floor(Math.min(addon.openFileLimit(), 65536) / 2);
}
