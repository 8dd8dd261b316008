// What the launcher is told about the container's network: its namespace, and the broker of --network host.

import { dottedSysctl } from '../spec/rules-sysctl.ts';
import { ruleRecords } from './network-rules.ts';

import type { LaunchPlan } from './launch-plan.ts';
import type { Resolve } from './network-rules.ts';
import type { Spec } from '../spec/spec.ts';

/** Annotations of config.json with rules, separated by commas or spaces, besides those of the flags. */
export const ALLOW_ANNOTATION = 'dev.runsc.net.allow';
export const DENY_ANNOTATION = 'dev.runsc.net.deny';

export interface NetworkOptions {
  /** --network. */
  readonly network: string;
  /** --net-raw: containers that have CAP_NET_RAW may use it. */
  readonly netRaw?: boolean;
  /** --net-allow, --net-deny. */
  readonly netAllow?: readonly string[];
  readonly netDeny?: readonly string[];
  /** --net-log: absolute. */
  readonly netLog?: string;
}

/** Rules with their names resolved, as records of the launch plan. */
export interface NetworkRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export const NO_RULES: NetworkRules = { allow: [], deny: [] };

/** True when sockets are the host's, so that there is a broker. */
export function usesBroker({ network }: Pick<NetworkOptions, 'network'>): boolean {
  return network === 'host';
}

/** True when the broker has to be asked about every destination. */
export function hasPolicy({ netLog }: NetworkOptions, { allow, deny }: NetworkRules): boolean {
  return netLog !== undefined || allow.length > 0 || deny.length > 0;
}

/** The rules of flags and annotations. Names are resolved on the host, now: what they mean later is not followed. */
export async function resolveRules(
  options: NetworkOptions,
  spec: Spec,
  resolve: Resolve = resolveOnHost,
): Promise<NetworkRules> {
  const records = async (flags: readonly string[] = [], annotation: string): Promise<string[]> => {
    const written = (spec.annotations?.[annotation] ?? '').split(/[\s,]+/).filter((rule) => rule !== '');
    if (!usesBroker(options) && flags.length + written.length > 0) {
      throw new Error(`network rules need --network host: --network ${options.network} has no destinations`);
    }
    const resolved = await Promise.all([...flags, ...written].map((rule) => ruleRecords(rule, resolve)));
    return resolved.flat();
  };
  return {
    allow: await records(options.netAllow, ALLOW_ANNOTATION),
    deny: await records(options.netDeny, DENY_ANNOTATION),
  };
}

async function resolveOnHost(name: string): Promise<string[]> {
  // Only whoever names names needs it loaded.
  const { promises } = process.getBuiltinModule('node:dns');
  try {
    return (await promises.lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new Error(`network rule: cannot resolve ${name}`, { cause });
  }
}

export function planNetwork(
  plan: LaunchPlan,
  id: string,
  options: NetworkOptions,
  rules: NetworkRules,
  spec: Spec,
): void {
  const namespace = spec.linux?.namespaces?.find(({ type }) => type === 'network');
  if (namespace?.path) plan.add('netns.path', namespace.path);
  else if (namespace !== undefined) plan.add('netns.new', true);
  if (namespace !== undefined) {
    for (const [name, value] of Object.entries(spec.linux?.sysctl ?? {})) {
      const path = sysctlPath(name);
      if (path.startsWith('net/')) plan.add('netns.sysctl', `${path}\n${value}`);
    }
  }
  if (!usesBroker(options)) return;
  const bounding = spec.process?.capabilities?.bounding ?? [];
  plan
    .add('broker', true)
    .add('container.id', id)
    .add('broker.bind', bounding.includes('CAP_NET_BIND_SERVICE'))
    .add('broker.raw', options.netRaw === true && bounding.includes('CAP_NET_RAW'))
    .addAll('net.allow', rules.allow)
    .addAll('net.deny', rules.deny);
  if (options.netLog !== undefined) plan.add('net-log.path', options.netLog);
}

/** The file of a sysctl below /proc/sys. */
function sysctlPath(name: string): string {
  return dottedSysctl(name).replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}
