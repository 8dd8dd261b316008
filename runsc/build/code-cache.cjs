// Makes code caches. `node code-cache.cjs /DIST/NAME` compiles everything in a bundle. With a command line,
// `node code-cache.cjs /DIST/runsc ARGS...`, `runsc ARGS...` is run as a user would, up to where it would become the
// launcher, and the cache holds what that compiled: a start from it takes less time and memory.
'use strict';
const { readFileSync, renameSync, writeFileSync } = require('node:fs');

const addon = require('../../build/Release/runsc_addon.node');

const [stem, ...args] = process.argv.slice(2);
process.argv = [process.execPath, `${stem}.cjs`, ...args];

if (args.length > 0) {
  addon.execve = () => -1;
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
