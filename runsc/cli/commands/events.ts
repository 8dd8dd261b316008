// `runsc events`: statistics of a container, once or again and again, and its out-of-memory events.

import { loadState } from '../../container/state.ts';
import { containerStats, watchContainer } from '../../container/events.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export interface EventsFlags {
  readonly interval: string;
  readonly stats?: true;
}

export async function events(options: RuntimeOptions, id: string, flags: EventsFlags): Promise<number> {
  const intervalMs = parseDuration('interval', flags.interval);
  loadState(options, id);
  if (intervalMs <= 0) throw new Error('duration interval must be greater than 0');
  const print = (line: string): void => writeAll(STDOUT, line);
  if (flags.stats) print(await containerStats(options, id));
  else await watchContainer(options, id, intervalMs, print);
  return 0;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** time.ParseDuration: numbers with units, such as `1m30s`. */
export function parseDuration(flag: string, text: string): number {
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const whole = parts.map((part) => part[0]).join('');
  const unsigned = text.replace(/^[-+]/, '');
  if (unsigned !== '0' && (parts.length === 0 || whole !== unsigned)) {
    throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}: parse error`);
  }
  const total = parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNIT_MS[unit!]!, 0);
  return text.startsWith('-') ? -total : total;
}
