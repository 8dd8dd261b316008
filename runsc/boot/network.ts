/** Gives the kernel its network: loopback in this process, or the host's sockets by way of the broker. */
import { addon } from '../../native/addon.ts';
import type { Platform } from '../../platform/platform.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { familiesOf, setHostNetwork, setRawLoopback } from '../../sentry/net/socket/families.ts';
import { Broker } from '../../sentry/net/stack/host/broker.ts';
import { HostStack } from '../../sentry/net/stack/host/host-stack.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';

/** Before any guest runs. Without a broker the kernel keeps its own loopback. */
export function connectNetwork(kernel: Kernel, platform: Platform, boot: BootDocument): void {
  chooseStack(kernel, platform, boot);
  familiesOf(kernel).unix.network.watcher = platform;
}

function chooseStack(kernel: Kernel, platform: Platform, boot: BootDocument): void {
  const fd = boot.fds.broker;
  if (fd === undefined) {
    if (boot.netRaw) setRawLoopback(kernel);
    return;
  }
  const broker = new Broker(fd, () => addon.exit(1));
  setHostNetwork(kernel, new HostStack(broker, platform, { raw: boot.netRaw, policy: boot.netPolicy }));
}
