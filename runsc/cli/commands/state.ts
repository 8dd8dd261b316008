// `runsc state`: the state document of a container (runtime.md, "State").

import { formatState, loadState } from '../../container/state.ts';
import { STDOUT, writeAll } from '../output.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export function state(options: RuntimeOptions, id: string): number {
  writeAll(STDOUT, formatState(loadState(options, id)));
  return 0;
}
