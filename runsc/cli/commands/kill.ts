// `runsc kill`: sends a signal into a container.

import { killContainer } from '../../container/kill.ts';
import { parseSignal } from '../../container/signal-names.ts';
import { loadState } from '../../container/state.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export async function kill(
  options: RuntimeOptions,
  id: string,
  signal: string,
  flags: { readonly all?: true },
): Promise<number> {
  // As runc: an unknown container is found out before an unknown signal.
  loadState(options, id);
  await killContainer(options, id, parseSignal(signal), flags.all ?? false);
  return 0;
}
