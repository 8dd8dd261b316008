// `runsc delete`: removes what is left of a container.

import { deleteContainer } from '../../container/delete.ts';

import type { Invocation } from '../program.ts';

/** With --force, a running container is killed, and an unknown one is no error. */
export async function deleteCommand(
  { options, log }: Invocation,
  id: string,
  flags: { readonly force?: true },
): Promise<number> {
  await deleteContainer(options, id, flags.force ?? false, (message) => log.warn(message));
  return 0;
}
