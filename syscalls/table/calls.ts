/** Every call of every family, by Linux's name for it. */
import { memoryCalls } from '../memory/index.ts';
import { pollCalls } from '../poll/index.ts';
import { fileCalls } from '../file/index.ts';
import { signalCalls } from '../signal/index.ts';
import type { Call } from './row.ts';

export const calls: Readonly<Record<string, Call>> = {
  ...memoryCalls,
  ...pollCalls,
  ...fileCalls,
  ...signalCalls,
};
