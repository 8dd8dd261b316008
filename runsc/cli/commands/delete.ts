// `runsc delete`: removes what is left of a container.

import { deleteContainer } from '../../container/container.ts';

import type { RuntimeOptions } from '../../container/container.ts';

/** With --force, a running container is killed, and an unknown one is no error. */
export async function deleteCommand(
  options: RuntimeOptions,
  id: string,
  flags: { readonly force?: true },
): Promise<number> {
  await deleteContainer(options, id, flags.force ?? false);
  return 0;
}
