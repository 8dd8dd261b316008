// Writes the boot documents of one container.

import {
  BOOT_FD,
  BOOT_FD_VARIABLE,
  BROKER_FD,
  CONSOLE_FD,
  CONTROL_FD,
  DEBUG_LOG_FD,
  EXIT_FD,
  GOFER_FD,
  GOFER_FD_VARIABLE,
  JOINED_FD,
  LOG_FD,
  OOM_SCORE_FD,
  PRESERVED_FD,
  READY_FD,
  READY_FD_VARIABLE,
  STDERR_FD,
  STDIN_FD,
  STDOUT_FD,
  STUB_FD,
} from './boot-document.ts';
import { parseOverlay } from './overlay.ts';

import type { BootDescriptors, BootDocument, GoferBootDocument } from './boot-document.ts';
import type { ServedTrees } from './served-trees.ts';

/** The Sentry's descriptors; the optional ones as asked. */
export function bootDescriptors(wanted: {
  console: boolean;
  log: boolean;
  debugLog: boolean;
  broker: boolean;
}): BootDescriptors {
  return {
    ready: READY_FD,
    gofer: GOFER_FD,
    stdin: STDIN_FD,
    stdout: STDOUT_FD,
    stderr: STDERR_FD,
    ...(wanted.console ? { console: CONSOLE_FD } : {}),
    control: CONTROL_FD,
    exit: EXIT_FD,
    ...(wanted.log ? { log: LOG_FD } : {}),
    ...(wanted.debugLog ? { debugLog: DEBUG_LOG_FD } : {}),
    stub: STUB_FD,
    joined: JOINED_FD,
    oomScore: OOM_SCORE_FD,
    ...(wanted.broker ? { broker: BROKER_FD } : {}),
  };
}

export function preservedFds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => PRESERVED_FD + index);
}

export function goferDocument(
  sentry: BootDocument,
  { trees, mounts }: ServedTrees,
  hostSockets: boolean,
): GoferBootDocument {
  return {
    version: 1,
    fds: {
      ready: READY_FD,
      gofer: GOFER_FD,
      ...(sentry.fds.debugLog === undefined ? {} : { debugLog: DEBUG_LOG_FD }),
    },
    root: { readonly: trees[0]!.readonly },
    mounts: mounts.map(({ goferIndex: index, directory }) => ({
      index,
      readonly: trees[index]!.readonly,
      slave: trees[index]!.slave,
      directory,
    })),
    debug: sentry.debug,
    overlayDirectory: parseOverlay(sentry.overlay2, sentry.rootfs).directory !== undefined,
    hostSockets,
  };
}

/** The whole environment of both programs. */
export const PROGRAM_ENVIRONMENT: readonly string[] = [
  `${BOOT_FD_VARIABLE}=${BOOT_FD}`,
  `${READY_FD_VARIABLE}=${READY_FD}`,
  `${GOFER_FD_VARIABLE}=${GOFER_FD}`,
  // libuv would open io_uring instances, which the Sentry's filter forbids.
  'UV_USE_IO_URING=0',
];
