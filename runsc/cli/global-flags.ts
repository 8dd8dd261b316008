// The flags before the command, their defaults, and what their values may be.

import { resolve } from 'node:path';

import { inUserNamespace } from '../sandbox/user-namespace.ts';
import { collect } from './command-set.ts';
import { PLATFORMS } from './platforms.ts';
import { UsageError } from './usage-error.ts';

import type { RuntimeOptions } from '../container/container.ts';
import type { Command } from 'commander';

/** Flag values as commander gives them. */
export interface GlobalFlags {
  readonly root?: string;
  readonly log?: string;
  readonly logFormat: string;
  readonly debug?: true;
  readonly debugLog?: string;
  readonly platform: string;
  readonly network: string;
  readonly netRaw?: true;
  readonly netAllow: readonly string[];
  readonly netDeny: readonly string[];
  readonly netLog?: string;
  readonly overlay2: string;
  readonly hostUds: string;
  readonly strace?: true;
  readonly straceSyscalls?: string;
  readonly straceFormat: string;
  readonly systemdCgroup?: true;
  readonly ignoreCgroups?: true;
  readonly rootless: string;
  readonly criu?: string;
}

export function addGlobalFlags(program: Command): Command {
  return program
    .option('--root <dir>', 'where the state of containers is kept (default: /run/runsc)')
    .option('--log <file>', 'append errors and warnings to this file instead of stderr')
    .option('--log-format <format>', 'text or json', 'text')
    .option('--debug', 'log what is done')
    .option(
      '--debug-log <file>',
      'write the debug log of the sandbox to this file, or into this directory when it ends with /',
    )
    .option('--platform <name>', 'how guest system calls are caught', PLATFORMS[0]!.name)
    .option(
      '--network <mode>',
      'host: sockets of the container’s network namespace; none: a loopback interface of its own',
      'host',
    )
    .option('--net-raw', 'raw and packet sockets for containers that have CAP_NET_RAW')
    .option(
      '--net-allow <rule>',
      'only destinations that a rule allows: CIDR, CIDR:PORT, [IPV6]:PORT, NAME or NAME:PORT; repeat for more',
      collect,
      [],
    )
    .option(
      '--net-deny <rule>',
      'not these destinations; comes before --net-allow; repeat for more',
      collect,
      [],
    )
    .option('--net-log <file>', 'append every decision about a destination to this file as a line of JSON')
    .option('--overlay2 <overlay>', 'none, or {root|all}:{memory|self|dir=PATH}[,size=SIZE]', 'none')
    .option(
      '--host-uds <mode>',
      "none, or open: unix sockets of the host's in mounts can be connected to",
      'none',
    )
    .option('--strace', 'log system calls to the debug log')
    .option('--strace-syscalls <names>', 'log only these system calls, separated by commas')
    .option('--strace-format <format>', 'text or json', 'text')
    .option('--systemd-cgroup', 'read cgroupsPath as slice:prefix:name')
    .option('--ignore-cgroups', 'neither create nor join cgroups')
    .option(
      '--rootless <mode>',
      'true: cgroups are used where they can be; false: they must be; auto: by who is asking',
      'auto',
    )
    .option('--criu <path>', 'accepted for compatibility', 'criu');
}

/** The flags as the runtime takes them. Throws UsageError for a value that can't be used. */
export function toRuntimeOptions(flags: GlobalFlags): RuntimeOptions {
  checkPlatform(flags.platform);
  checkNetwork(flags.network);
  checkOverlay(flags.overlay2);
  return {
    root: resolve(flags.root ?? defaultRoot()),
    ...(flags.log === undefined ? {} : { log: resolve(flags.log) }),
    logFormat: toFormat('log-format', flags.logFormat),
    debug: flags.debug ?? false,
    ...(flags.debugLog === undefined ? {} : { debugLog: resolvePattern(flags.debugLog) }),
    platform: flags.platform,
    network: flags.network,
    netRaw: flags.netRaw ?? false,
    netAllow: flags.netAllow,
    netDeny: flags.netDeny,
    ...(flags.netLog === undefined ? {} : { netLog: resolve(flags.netLog) }),
    overlay2: flags.overlay2,
    hostUds: toHostUds(flags.hostUds),
    strace: flags.strace ?? false,
    straceSyscalls: flags.straceSyscalls?.split(',').filter((name) => name !== '') ?? [],
    straceFormat: toFormat('strace-format', flags.straceFormat),
    systemdCgroup: flags.systemdCgroup ?? false,
    ignoreCgroups: flags.ignoreCgroups ?? false,
    rootless: flags.rootless,
  };
}

export function toFormat(flag: string, value: string): 'text' | 'json' {
  if (value !== 'text' && value !== 'json') throw new UsageError(`invalid ${flag}: ${value}`);
  return value;
}

/** A slash at the end means a directory, and resolve() would drop it. */
function resolvePattern(path: string): string {
  return path.endsWith('/') ? `${resolve(path)}/` : resolve(path);
}

/** As runc: also for a user who is root only of a user namespace, like an engine's. */
function defaultRoot(): string {
  const runtimeDir = process.env['XDG_RUNTIME_DIR'];
  if (!runtimeDir) return '/run/runsc';
  const ordinary = process.geteuid!() !== 0 || (inUserNamespace() && (process.env['USER'] ?? '') !== 'root');
  return ordinary ? `${runtimeDir}/runsc` : '/run/runsc';
}

function checkPlatform(name: string): void {
  if (PLATFORMS.some((platform) => platform.name === name)) return;
  const known = PLATFORMS.map((platform) => platform.name).join(', ');
  throw new UsageError(`unknown platform ${JSON.stringify(name)}: the known ones are ${known}`);
}

function checkNetwork(mode: string): void {
  if (mode === 'none' || mode === 'host') return;
  if (mode === 'sandbox') throw new UsageError('--network sandbox is not available yet: host and none are');
  throw new UsageError(`unknown network ${JSON.stringify(mode)}: the known ones are host and none`);
}

function checkOverlay(value: string): void {
  if (value === 'none' || /^(root|all):(memory|self|dir=\/[^,]*)(,size=\d+[kKmMgGtT]?)?$/.test(value)) return;
  const wanted = 'none or {root|all}:{memory|self|dir=/PATH}[,size=SIZE]';
  throw new UsageError(`invalid overlay2 ${JSON.stringify(value)}: must be ${wanted}`);
}

/** With `create` and `all` gVisor's guests make sockets that the host's processes can reach: not here, which is told. */
function toHostUds(mode: string): 'none' | 'open' {
  if (mode === 'open' || mode === 'all') return 'open';
  if (mode === 'none' || mode === 'create') return 'none';
  throw new UsageError(`invalid host-uds ${JSON.stringify(mode)}: must be none, open, create or all`);
}
