// `runsc pause` and `runsc resume`.

import { pauseContainer, resumeContainer } from '../../container/pause.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export async function pause(options: RuntimeOptions, id: string): Promise<number> {
  await pauseContainer(options, id);
  return 0;
}

export async function resume(options: RuntimeOptions, id: string): Promise<number> {
  await resumeContainer(options, id);
  return 0;
}
