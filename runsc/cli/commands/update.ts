// `runsc update`: changes the limits of a running container.

import { readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

import { loadState } from '../../container/state.ts';
import { updateContainer } from '../../container/update.ts';

import type { Resources } from '../../spec/spec.ts';
import type { Invocation } from '../program.ts';

export interface UpdateFlags {
  readonly resources?: string;
  readonly blkioWeight?: string;
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpuBurst?: string;
  readonly cpuShare?: string;
  readonly cpuRtPeriod?: string;
  readonly cpuRtRuntime?: string;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly cpuIdle?: string;
  readonly memory?: string;
  readonly memoryReservation?: string;
  readonly memorySwap?: string;
  readonly kernelMemory?: string;
  readonly kernelMemoryTcp?: string;
  readonly pidsLimit?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

const STDIN = 0;

/** As runc: with --resources the other flags are not looked at. */
export async function update({ options, log }: Invocation, id: string, flags: UpdateFlags): Promise<number> {
  loadState(options, id);
  const resources = flags.resources === undefined ? fromFlags(flags) : readResources(flags.resources);
  if (resources.memory?.kernel !== undefined && resources.memory.kernel !== 0) {
    log.warn('Kernel memory settings are ignored and will be removed');
  }
  if (flags.l3CacheSchema) throw new Error('Intel RDT/CAT: l3 cache schema is not enabled');
  if (flags.memBwSchema) throw new Error('Intel RDT/MBA: memory bandwidth schema is not enabled');
  await updateContainer(options, id, resources);
  return 0;
}

/** The value of --resources: a path, or `-`. */
function readResources(path: string): Resources {
  let text: string;
  try {
    text = readFileSync(path === '-' ? STDIN : path, 'utf8');
  } catch (cause) {
    const { errno, message } = cause as NodeJS.ErrnoException;
    const reason = (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
    throw new Error(`open ${path}: ${reason}`, { cause });
  }
  return parseResources(text);
}

/** Throws a sentence that names the field. */
export function parseResources(text: string): Resources {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const sentence = (cause as Error).message.replace(/\s+/g, ' ');
    throw new Error(`resources: not valid JSON: ${sentence}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('resources: must be an object');
  }
  const resources = withoutNulls(value as Record<string, unknown>);
  for (const [section, fields] of Object.entries(FIELDS)) checkSection(resources[section], section, fields);
  return resources;
}

/** Go's encoder writes absent pointers as null. */
function withoutNulls(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([name, value]) =>
        typeof value === 'object' && !Array.isArray(value)
          ? [name, withoutNulls(value as Record<string, unknown>)]
          : [name, value],
      ),
  );
}

/** The fields whose types matter to what is done with them. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, 'number' | 'string' | 'boolean'>>>> = {
  memory: {
    limit: 'number',
    reservation: 'number',
    swap: 'number',
    kernel: 'number',
    kernelTCP: 'number',
    swappiness: 'number',
    disableOOMKiller: 'boolean',
  },
  cpu: {
    shares: 'number',
    quota: 'number',
    burst: 'number',
    period: 'number',
    realtimeRuntime: 'number',
    realtimePeriod: 'number',
    cpus: 'string',
    mems: 'string',
    idle: 'number',
  },
  pids: { limit: 'number' },
  blockIO: { weight: 'number', leafWeight: 'number' },
  network: { classID: 'number' },
};

function checkSection(
  section: unknown,
  name: string,
  fields: Readonly<Record<string, 'number' | 'string' | 'boolean'>>,
): void {
  if (section === undefined) return;
  if (typeof section !== 'object' || section === null)
    throw new Error(`resources.${name}: must be an object`);
  for (const [field, type] of Object.entries(fields)) {
    const value = (section as Record<string, unknown>)[field];
    const right =
      value === undefined || (type === 'number' ? Number.isInteger(value) : typeof value === type);
    if (!right) {
      const wanted = type === 'number' ? 'an integer' : `a ${type}`;
      throw new Error(`resources.${name}.${field}: must be ${wanted}, not ${JSON.stringify(value)}`);
    }
  }
}

function fromFlags(flags: UpdateFlags): Resources {
  return {
    memory: {
      ...size('memory', 'limit', flags.memory),
      ...size('memory-reservation', 'reservation', flags.memoryReservation),
      ...size('memory-swap', 'swap', flags.memorySwap),
      ...size('kernel-memory', 'kernel', flags.kernelMemory),
      ...size('kernel-memory-tcp', 'kernelTCP', flags.kernelMemoryTcp),
    },
    cpu: {
      ...number('cpu-period', 'period', flags.cpuPeriod, 'ParseUint'),
      ...number('cpu-quota', 'quota', flags.cpuQuota, 'ParseInt'),
      ...number('cpu-burst', 'burst', flags.cpuBurst, 'ParseUint'),
      ...number('cpu-share', 'shares', flags.cpuShare, 'ParseUint'),
      ...number('cpu-rt-period', 'realtimePeriod', flags.cpuRtPeriod, 'ParseUint'),
      ...number('cpu-rt-runtime', 'realtimeRuntime', flags.cpuRtRuntime, 'ParseInt'),
      ...number('cpu-idle', 'idle', flags.cpuIdle, 'ParseInt'),
      ...(flags.cpusetCpus === undefined ? {} : { cpus: flags.cpusetCpus }),
      ...(flags.cpusetMems === undefined ? {} : { mems: flags.cpusetMems }),
    },
    blockIO: number('blkio-weight', 'weight', flags.blkioWeight, 'ParseUint'),
    pids: number('pids-limit', 'limit', flags.pidsLimit, 'ParseInt'),
  };
}

type Field<K extends string> = Partial<Record<K, number>>;

function number<K extends string>(
  flag: string,
  field: K,
  text: string | undefined,
  parser: 'ParseInt' | 'ParseUint',
): Field<K> {
  if (text === undefined || text === '') return {};
  if (!(parser === 'ParseInt' ? /^[-+]?\d+$/ : /^\d+$/).test(text)) {
    const parsing = `strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new Error(`invalid value for ${flag}: ${parsing}`);
  }
  return { [field]: Number(text) } as Field<K>;
}

/** Bytes with a unit of 1024s, as in `64m` or `1.5GiB`; -1 for no limit. */
function size<K extends string>(flag: string, field: K, text: string | undefined): Field<K> {
  if (text === undefined || text === '') return {};
  if (text === '-1') return { [field]: -1 } as Field<K>;
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)*) ?([kKmMgGtTpP])?[iI]?[bB]?$/.exec(text) ?? [];
  if (digits === undefined || Number.isNaN(Number(digits))) {
    throw new Error(`invalid value for ${flag}: invalid size: '${text}'`);
  }
  const scale = 1024 ** ('kmgtp'.indexOf(unit.toLowerCase()) + 1);
  return { [field]: Math.floor(Number(digits) * (unit === '' ? 1 : scale)) } as Field<K>;
}
