// `runsc start`: lets a created container run.

import { startContainer } from '../../container/start.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export async function start(options: RuntimeOptions, id: string): Promise<number> {
  await startContainer(options, id);
  return 0;
}
