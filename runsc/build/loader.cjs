// Runs the bundle beside this file, from V8's code cache where that fits. It is copied to dist/NAME.cjs.
'use strict';
const { closeSync, openSync, readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const stem = __filename.slice(0, -'.cjs'.length);
const filename = `${stem}.bundle.cjs`;
// The programs that stay for as long as a container share their code's pages with all others, through the addon.
const mapped = stem.endsWith('runsc') ? null : require(`${__dirname}/../build/Release/runsc_addon.node`);
const script = new Script(
  mapped === null ? readFileSync(filename, 'latin1') : map(filename, mapped.mapText),
  {
    filename,
    cachedData: readCache(`${stem}.cache`),
  },
);
script.runInThisContext()(require, filename, __dirname);
// code-cache.cjs asks for the script, to make the cache from it.
module.exports = script;

function readCache(path) {
  try {
    return mapped === null ? readFileSync(path) : new Uint8Array(map(path, mapped.mapBytes));
  } catch {
    // The build has not got that far; V8 compiles.
    return undefined;
  }
}

function map(path, how) {
  const fd = openSync(path);
  try {
    return how(fd);
  } finally {
    closeSync(fd);
  }
}
