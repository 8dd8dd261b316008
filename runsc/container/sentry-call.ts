// Requests to the Sentry of a container, with its refusals as errors.

import { callSentry } from './control-client.ts';

import type { KnownContainer } from './state.ts';
import type { ControlReply, ControlRequest } from '../sandbox/control-messages.ts';

const REPLY_TIMEOUT_MS = 10_000;

/** Throws what the Sentry answers instead of a yes, or why it doesn't. `timeoutMs` 0: waits for ever. */
export async function askSentry(
  { directory }: KnownContainer,
  request: ControlRequest,
  timeoutMs = REPLY_TIMEOUT_MS,
): Promise<Extract<ControlReply, { ok: true }>> {
  const reply = await callSentry(directory, request, timeoutMs);
  if (!reply.ok) throw new Error(reply.error);
  return reply;
}
