// Flags of gVisor's runsc that users have in the configuration of their container managers. They are taken so that a
// manager can be pointed here unchanged. Those that would change what a container can do, and don't here, are told of.

import { Option, type Command } from 'commander';

/** Nobody would miss their effect: logs, profiles, tuning, and what is so here anyway. */
const QUIET_SWITCHES = [
  ...['alsologtostderr', 'debug-to-user-log', 'log-packets', 'oci-seccomp', 'directfs', 'dcache-sharing'],
  ...[
    'cpu-num-from-quota',
    'gso',
    'software-gso',
    'gvisor-gro',
    'tx-checksum-offload',
    'rx-checksum-offload',
  ],
  ...['profile', 'ref-leak-mode-panic', 'systrap-disable-syscall-patching', 'systrap-disable-fast-path'],
  ...[
    'enable-core-tags',
    'app-huge-pages',
    'gvisor-marker-file',
    'iouring',
    'reproduce-nat',
    'mount-cgroup-v2',
  ],
  ...[
    'reproduce-nftables',
    'net-disconnect-ok',
    'rootfs-etc-read-only',
    'overlayfs-stale-read',
    'vfs2',
    'fuse',
    'lisafs',
  ],
];
const QUIET_VALUES = [
  ...[
    'debug-log-format',
    'debug-command',
    'panic-log',
    'user-log',
    'pcap-log',
    'coverage-report',
    'traceback',
  ],
  ...['watchdog-action', 'panic-signal', 'control-rpc-stop-timeout', 'strace-log-size', 'strace-event'],
  ...['profile-block', 'profile-cpu', 'profile-heap', 'profile-mutex', 'profile-gc-interval', 'trace'],
  ...[
    'metric-server',
    'final-metrics-log',
    'profiling-metrics',
    'profiling-metrics-log',
    'platform_device_path',
  ],
  ...['profiling-metrics-rate-us', 'host-settings', 'dcache', 'fdlimit', 'qdisc', 'qdisc-tbf-rate'],
  ...[
    'qdisc-tbf-burst',
    'num-network-channels',
    'network-processors-per-channel',
    'ref-leak-mode',
    'file-access',
  ],
  ...[
    'file-access-mounts',
    'gofer-network-namespace',
    'cpu-nums',
    'kvm-use-cpu-nums',
    'restore-spec-validation',
  ],
];
/** Without the effect that they have there. */
const TOLD_SWITCHES = [
  ...[
    'allow-packet-socket-write',
    'allow-flag-override',
    'allow-suid',
    'override-procs',
    'nvproxy',
    'tpuproxy',
  ],
  ...['rdmaproxy', 'pause-external-networking', 'allow-rootfs-tar-annotation', 'allow-connected-on-save'],
];
const TOLD_VALUES = ['host-fifo', 'character-device-policy', 'nvproxy-driver-version'];

export function addCompatFlags(program: Command): Command {
  const add = (flags: string): Command =>
    program.addOption(new Option(flags, 'accepted for compatibility').hideHelp());
  for (const name of [...QUIET_SWITCHES, ...TOLD_SWITCHES]) add(`--${name}`);
  for (const name of [...QUIET_VALUES, ...TOLD_VALUES]) add(`--${name} <value>`);
  return program;
}

/** One sentence for each flag that was given and has no effect here that somebody may count on. */
export function warnOfCompatFlags(program: Command, warn: (message: string) => void): void {
  for (const name of [...TOLD_SWITCHES, ...TOLD_VALUES]) {
    const camelCase = name.replace(/[-_]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (program.getOptionValueSource(camelCase) === 'cli') warn(`--${name} is not supported, ignored`);
  }
  const { hostUds } = program.opts<{ hostUds?: string }>();
  if (hostUds === 'create' || hostUds === 'all')
    warn(`--host-uds ${hostUds}: what guests listen on is not seen by the host`);
}
