// A stand-in for the Sentry, for tests of what the host side does around it. The container's args are its orders.
'use strict';
const fs = require('node:fs');
const net = require('node:net');

const number = (name) => Number(process.env[name]);
const boot = JSON.parse(fs.readFileSync(number('RUNSC_BOOT_FD'), 'utf8'));
const { fds } = boot;

if (boot.spec.process.args[0] === 'never-ready') setInterval(() => {}, 1e6);
else start();

function start() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const namespaces = {};
  for (const name of fs.readdirSync('/proc/self/ns'))
    namespaces[name] = fs.readlinkSync(`/proc/self/ns/${name}`);
  fs.writeSync(fds.ready, 'r');
  const byte = Buffer.alloc(1);
  if (fs.readSync(fds.ready, byte) !== 1) process.exit(1);
  fs.closeSync(fds.ready);
  obey(boot.spec.process.args, { status, namespaces, descriptors: openDescriptors() });
}

function obey([order, ...rest], seen) {
  if (order === 'fail') {
    report({ error: rest[0], exitCode: Number(rest[1]) });
    return;
  }
  report({ started: true });
  if (order === 'report') {
    const bytes = Buffer.alloc(1 << 20);
    const gofer = JSON.parse(bytes.latin1Slice(0, fs.readSync(fds.gofer, bytes)));
    say(JSON.stringify({ ...seen, root: names('/'), boot, gofer, uid: process.getuid(), pid: process.pid }));
    report({ exited: true, code: 0 });
  } else if (order === 'exit') {
    report({ exited: true, code: Number(rest[0]) });
  } else if (order === 'signal') {
    report({ signal: Number(rest[0]) });
  } else if (order === 'crash') {
    process.exit(5);
  } else if (order === 'echo') {
    const bytes = Buffer.alloc(4096);
    const input = fds.console ?? fds.stdin;
    if (rest.length > 0) say(rest[0]);
    for (let got; (got = fs.readSync(input, bytes)) > 0;) {
      fs.writeSync(fds.console ?? fds.stdout, bytes.subarray(0, got));
      if (fds.console !== undefined && bytes.subarray(0, got).includes('q')) break;
    }
    report({ exited: true, code: 0 });
  } else if (order === 'preserved') {
    for (const fd of boot.preservedFds) fs.writeSync(fd, `preserved ${fd}\n`);
    report({ exited: true, code: 0 });
  } else if (order === 'sleep') {
    listen();
    say('ready');
  }
}

/** A signal sent through the control socket is printed, and ends the container as if it had killed init. */
function listen() {
  const server = net.createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) {
        const request = JSON.parse(text.slice(0, end));
        say(JSON.stringify(request));
        socket.write('{"ok":true}\n');
        if (request.op === 'kill' && request.signal !== 10) {
          setTimeout(() => report({ signal: request.signal }), 20);
        }
      }
    });
  });
  server.listen({ fd: fds.control });
}

function openDescriptors() {
  const found = [];
  for (let fd = 0; fd < 512; fd++) {
    try {
      found.push(`${fs.fstatSync(fd).isDirectory() ? 'directory' : 'other'} ${fd}`);
    } catch {
      // Not open.
    }
  }
  return found;
}

function report(value) {
  fs.writeSync(fds.exit, `${JSON.stringify(value)}\n`);
}

function say(text) {
  fs.writeSync(fds.console ?? fds.stdout, `${text}\n`);
}

function names(path) {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    return error.code;
  }
}
