// Makes a bundle's code cache: `node code-cache.cjs /DIST/NAME [ARGS...]` runs the bundle with ARGS as a
// user would, then writes what V8 has compiled by then. Without ARGS nothing is run, and V8 compiles everything.
'use strict';
const { renameSync, writeFileSync } = require('node:fs');

const [stem, ...args] = process.argv.slice(2);
process.argv = [process.execPath, `${stem}.cjs`, ...args];

if (args.length > 0) {
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
  const { readFileSync } = require('node:fs');
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
