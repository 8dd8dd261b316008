// Runs the bundle beside this file, from V8's code cache where that fits. It is copied to dist/NAME.cjs.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const stem = __filename.slice(0, -'.cjs'.length);
const filename = `${stem}.bundle.cjs`;
// The bundles are ASCII: a one-byte string is read and hashed in half the time.
const source = readFileSync(filename, 'latin1');
let cachedData;
try {
  cachedData = readFileSync(`${stem}.cache`);
} catch {
  // The build has not got that far; V8 compiles.
}
const script = new Script(`(function (require, __filename, __dirname) {${source}\n})`, {
  filename,
  cachedData,
});
script.runInThisContext()(require, filename, __dirname);
// code-cache.cjs asks for the script, to make the cache from it.
module.exports = script;
