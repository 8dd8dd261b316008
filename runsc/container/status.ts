// Changing the status in state.json from outside the launcher.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ContainerStatus, KnownContainer, StoredState } from './state.ts';

/** Replaces state.json as a whole, so that a reader sees the old or the new one. */
export function recordStatus({ directory, stored }: KnownContainer, status: ContainerStatus): void {
  const state: StoredState = { ...stored, status };
  const temporary = join(directory, `.state.json.${process.pid}`);
  writeFileSync(temporary, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(temporary, join(directory, 'state.json'));
}
