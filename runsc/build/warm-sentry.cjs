// The Sentry of the build's own container, in place of dist/sentry.cjs: when the container's program has run for a
// while it writes what V8 has compiled by then, as the debug log, and ends.
'use strict';
const { writeFileSync } = require('node:fs');

/** As in runsc/sandbox/boot-document.ts: opened by the launcher, which nobody else can write to. */
const DEBUG_LOG_FD = 20;
const RUNNING_MS = 700;

// Flags are part of what V8 compares: those of a process that has just started are wanted.
require('../../build/Release/runsc_addon.node').setEngineFlags = () => 0;
const script = require('../../dist/sentry.cjs');
setTimeout(() => {
  writeFileSync(DEBUG_LOG_FD, script.createCachedData());
  process.exit(0);
}, RUNNING_MS);
