// Makes code caches. `node code-cache.cjs /DIST/NAME` compiles everything in a bundle. With a command line,
// `node code-cache.cjs /DIST/runsc ARGS...`, `runsc ARGS...` is run as a user would, and the cache holds what that
// compiled: a start from it takes less time and memory. If the command starts a container, its Sentry does the same
// (warm-sentry.cjs).
'use strict';
const { spawnSync } = require('node:child_process');
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const addon = require('../../build/Release/runsc_addon.node');

const START_TIMEOUT_MS = 20_000;

const [stem, ...args] = process.argv.slice(2);
process.argv = [process.execPath, `${stem}.cjs`, ...args];

if (args.length > 0) {
  addon.execve = launch;
  const script = require(`${stem}.cjs`);
  process.on('exit', () => write(script));
} else {
  write(compileAll());
}

function write(script) {
  const temporary = `${stem}.cache.${process.pid}`;
  writeFileSync(temporary, script.createCachedData());
  renameSync(temporary, `${stem}.cache`);
}

/** In place of what turns the command into the launcher: a launcher beside it, for another Sentry. */
function launch(program, [name, planFd, ...more]) {
  const usual = `sentry.arg=${join(dirname(stem), 'sentry.cjs')}\0`;
  const warm = `sentry.arg=${join(__dirname, 'warm-sentry.cjs')}\0`;
  const plan = Buffer.from(readFileSync(`/proc/self/fd/${planFd}`, 'utf8').replace(usual, warm));
  const fd = addon.memfdCreate('runsc-plan', 0);
  addon.pwrite(fd, plan, 0, plan.length, 0);
  const stdio = ['ignore', 'ignore', 'ignore', fd];
  spawnSync(program, ['3', ...more], { argv0: name, env: {}, stdio, timeout: START_TIMEOUT_MS });
  return -1;
}

function compileAll() {
  const { setFlagsFromString } = require('node:v8');
  const { Script } = require('node:vm');
  const filename = `${stem}.bundle.cjs`;
  const source = readFileSync(filename, 'latin1');
  // The flags are part of what V8 compares: they are set back before the cache is made.
  setFlagsFromString('--no-lazy');
  const script = new Script(source, { filename });
  setFlagsFromString('--lazy');
  return script;
}
