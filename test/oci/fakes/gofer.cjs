// A stand-in for the gofer: enters its jail, says on its socket what it sees, and ends with the Sentry.
'use strict';
const fs = require('node:fs');

const number = (name) => Number(process.env[name]);
const boot = JSON.parse(fs.readFileSync(number('RUNSC_BOOT_FD'), 'utf8'));
const status = fs.readFileSync('/proc/self/status', 'utf8');
const namespaces = {};
for (const name of fs.readdirSync('/proc/self/ns'))
  namespaces[name] = fs.readlinkSync(`/proc/self/ns/${name}`);
fs.writeSync(boot.fds.ready, 'r');
const byte = Buffer.alloc(1);
if (fs.readSync(boot.fds.ready, byte) !== 1) process.exit(1);
fs.closeSync(boot.fds.ready);

const seen = { status, namespaces, root: fs.readdirSync('/'), tree: fs.readdirSync('/root') };
const trees = boot.mounts.map(look);
const [write, jail] = [attempt('/root/written'), attempt('/written')];
// Blocks until the other end is closed, which a Sentry that dies with unread messages does by a reset.
try {
  fs.writeSync(boot.fds.gofer, JSON.stringify({ ...seen, trees, write, jail }));
  fs.readSync(boot.fds.gofer, byte);
} catch {
  process.exit(0);
}

function look({ index, directory }) {
  const path = `/mounts/${index}`;
  return directory ? fs.readdirSync(path) : fs.readFileSync(path, 'utf8');
}

function attempt(path) {
  try {
    fs.writeFileSync(path, 'x');
    return 'written';
  } catch (error) {
    return error.code;
  }
}
