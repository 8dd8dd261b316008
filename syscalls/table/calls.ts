/** Every call of every family, by Linux's name for it. */
import { aioCalls } from '../aio/index.ts';
import { dirCalls } from '../dir/index.ts';
import { fdCalls } from '../fd/index.ts';
import { fileCalls } from '../file/index.ts';
import { identityCalls } from '../identity/index.ts';
import { ipcCalls } from '../ipc/index.ts';
import { memoryCalls } from '../memory/index.ts';
import { mountCalls } from '../mount/index.ts';
import { netCalls } from '../net/index.ts';
import { pollCalls } from '../poll/index.ts';
import { processCalls } from '../process/index.ts';
import { signalCalls } from '../signal/index.ts';
import { systemCalls } from '../system/index.ts';
import { timeCalls } from '../time/index.ts';
import type { Call } from './row.ts';

export const calls: Readonly<Record<string, Call>> = {
  ...aioCalls,
  ...dirCalls,
  ...fdCalls,
  ...fileCalls,
  ...identityCalls,
  ...ipcCalls,
  ...memoryCalls,
  ...mountCalls,
  ...netCalls,
  ...pollCalls,
  ...processCalls,
  ...signalCalls,
  ...systemCalls,
  ...timeCalls,
};
