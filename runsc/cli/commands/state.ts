// `runsc state`: the state document of a container (runtime.md, "State").

import { formatState, loadState } from '../../container/container.ts';
import { STDOUT, writeAll } from '../output.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export async function state(options: RuntimeOptions, id: string): Promise<number> {
  writeAll(STDOUT, formatState(await loadState(options, id)));
  return 0;
}
