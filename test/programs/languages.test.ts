// Interpreters, compilers and what is built with them.

import { beforeAll, describe, expect, test } from 'vitest';

import { sameAsRunc } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';

const python = {
  subprocess: `
import subprocess, sys
print(subprocess.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], capture_output=True))
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(len(p.communicate(b'x' * 1000000)[0]), p.returncode)
print([subprocess.Popen(['sleep', '0.01']).wait() for _ in range(20)])
try: subprocess.run(['sleep', '10'], timeout=0.1)
except subprocess.TimeoutExpired as e: print('timeout')
p = subprocess.Popen(['sleep', '100']); p.terminate(); print(p.wait())
try: subprocess.run(['/no/such'])
except FileNotFoundError as e: print(e)
`,
  threading: `
import threading, queue, time
lock, total = threading.Lock(), 0
def work():
    global total
    for _ in range(2000):
        with lock: total += 1
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; print(total)
q = queue.Queue()
def consume(): print(sum(iter(q.get, None)))
t = threading.Thread(target=consume); t.start()
for i in range(1000): q.put(i)
q.put(None); t.join()
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(5), e.is_set())
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool: print(sum(pool.map(lambda x: x * x, range(1000))))
`,
  multiprocessing: `
import multiprocessing as mp, os
def square(x): return x * x
def child(c): c.send([os.getppid() == parent, 'hello']); c.close()
if __name__ == '__main__':
    parent = os.getpid()
    with mp.Pool(4) as pool: print(sum(pool.map(square, range(500))))
    a, b = mp.Pipe(); p = mp.Process(target=child, args=(b,)); p.start(); print(a.recv()); p.join(); print(p.exitcode)
    v = mp.Value('i', 0)
    def add():
        for _ in range(500):
            with v.get_lock(): v.value += 1
    ps = [mp.Process(target=add) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
    q = mp.Queue(); p = mp.Process(target=lambda: q.put('queued')); p.start(); print(q.get()); p.join()
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=1000); s.buf[:5] = b'hello'
    t = shared_memory.SharedMemory(name=s.name); print(bytes(t.buf[:5])); t.close(); s.close(); s.unlink()
`,
  asyncio: `
import asyncio
async def sleeper(i): await asyncio.sleep(0.01 * (5 - i)); return i
async def main():
    print(await asyncio.gather(*[sleeper(i) for i in range(5)]))
    p = await asyncio.create_subprocess_exec('cat', stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(len((await p.communicate(b'y' * 300000))[0]), p.returncode)
    try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError: print('timeout')
    async def serve(r, w): w.write((await r.readline()).upper()); await w.drain(); w.close()
    server = await asyncio.start_unix_server(serve, '/tmp/socket')
    r, w = await asyncio.open_unix_connection('/tmp/socket'); w.write(b'hello\\n'); print(await r.read()); w.close()
    server.close()
    print(await asyncio.get_running_loop().run_in_executor(None, lambda: 42))
asyncio.run(main())
`,
  'mmap and tempfile': `
import mmap, os, tempfile
with tempfile.NamedTemporaryFile() as f:
    f.write(b'a' * 8192); f.flush()
    m = mmap.mmap(f.fileno(), 8192); m[4096:4101] = b'hello'; m.flush()
    print(os.pread(f.fileno(), 6, 4095), m.find(b'hello')); os.pwrite(f.fileno(), b'Z', 0); print(m[0:2]); m.close()
m = mmap.mmap(-1, 4096)
if os.fork() == 0: m[0:5] = b'child'; os._exit(0)
os.wait(); print(m[0:5])
with tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').close(); print(os.listdir(d))
print(os.path.exists(d)); f = tempfile.TemporaryFile(); f.write(b'gone'); f.seek(0); print(f.read())
`,
  sqlite3: `
import sqlite3, threading
db = sqlite3.connect('/tmp/db'); db.execute('pragma journal_mode=wal'); db.execute('create table t(a integer primary key, b text)')
with db: db.executemany('insert into t(b) values (?)', [(str(i),) for i in range(5000)])
print(db.execute('select count(*), sum(b) from t').fetchone())
def other():
    o = sqlite3.connect('/tmp/db', timeout=100)
    for i in range(50):
        with o: o.execute('insert into t(b) values (?)', (str(i),))
ts = [threading.Thread(target=other) for _ in range(3)]; [t.start() for t in ts]; [t.join() for t in ts]
print(db.execute('select count(*) from t').fetchone(), db.execute('pragma integrity_check').fetchone())
`,
  signal: `
import signal, os, time
got = []
signal.signal(signal.SIGUSR1, lambda s, f: got.append(s)); os.kill(os.getpid(), signal.SIGUSR1); print(got)
signal.signal(signal.SIGALRM, lambda s, f: got.append('alarm')); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05); signal.pause(); signal.setitimer(signal.ITIMER_REAL, 0); print(got[-1])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending(), signal.sigwait([signal.SIGUSR2])); print(signal.sigtimedwait([signal.SIGUSR2], 0.05))
start = time.monotonic(); signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.2); print(time.monotonic() - start >= 0.2)
pid = os.fork()
if pid == 0: signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
`,
  'its standard library': `
import ast, json, email, http.client, urllib.parse, unittest, decimal, hashlib, ssl, zlib, ctypes, select, socket, logging
import xml.etree.ElementTree, csv, random, re, datetime, pathlib, shutil, tarfile, zipfile, uuid, resource, pty, fcntl, termios
print(hashlib.sha256(b'x' * 1000000).hexdigest(), ctypes.CDLL(None).getpid() > 0)
print(sum(1 for _ in pathlib.Path('/usr/lib/python3').rglob('*.py')), len(uuid.uuid4().hex))
a, b = socket.socketpair(); a.sendall(b'pair'); print(b.recv(10)); print(resource.getrlimit(resource.RLIMIT_NOFILE))
`,
};

const node = {
  fs: `
const fs = require('fs'), path = require('path');
fs.mkdirSync('/tmp/d/e/f', { recursive: true }); fs.writeFileSync('/tmp/d/e/x', 'x'.repeat(1e6));
console.log(fs.statSync('/tmp/d/e/x').size, fs.readdirSync('/tmp/d', { withFileTypes: true }).map((d) => d.name + d.isDirectory()));
fs.watch('/tmp/d', (type, name) => { console.log(type, name); process.exit(); });
(async () => {
  await Promise.all(Array.from({ length: 200 }, (_, i) => fs.promises.writeFile('/tmp/d/e/f/' + i, String(i))));
  let sum = 0; for (const f of await fs.promises.readdir('/tmp/d/e/f')) sum += Number(await fs.promises.readFile('/tmp/d/e/f/' + f));
  console.log(sum); fs.rmSync('/tmp/d/e', { recursive: true });
})();`,
  child_process: `
const { execSync, spawn, fork, spawnSync } = require('child_process');
console.log(execSync('echo hi').toString(), spawnSync('sh', ['-c', 'exit 5']).status, spawnSync('/no/such').error.code);
const c = spawn('cat'); let n = 0; c.stdout.on('data', (d) => (n += d.length)); c.on('close', (s) => {
  console.log(n, s); const k = spawn('sleep', ['100']); k.on('exit', (code, signal) => console.log(code, signal)); k.kill();
}); c.stdin.end(Buffer.alloc(500000));
require('fs').writeFileSync('/tmp/child.js', "process.on('message', (m) => { process.send(m * 2); process.disconnect(); })");
let doubled; const f = fork('/tmp/child.js'); f.on('message', (m) => (doubled = m)); f.send(21); process.on('exit', () => console.log('message', doubled));`,
  worker_threads: `
const { Worker } = require('worker_threads');
const shared = new Int32Array(new SharedArrayBuffer(8)); let left = 4;
for (let i = 0; i < 4; i++) new Worker("const {workerData: s} = require('worker_threads'); for (let i = 0; i < 10000; i++) Atomics.add(s, 0, 1); Atomics.add(s, 1, 1); Atomics.notify(s, 1)", { eval: true, workerData: shared }).on('exit', () => { if (--left === 0) console.log(shared[0], shared[1]); });`,
  'timers and WebAssembly': `
const order = [], timers = []; let immediate = false;
setTimeout(() => timers.push('t20'), 20); setTimeout(() => timers.push('t5'), 5); setImmediate(() => { immediate = true; });
process.nextTick(() => order.push('n')); Promise.resolve().then(() => order.push('p'));
let ticks = 0; const t = setInterval(() => { if (++ticks >= 5 && timers.length === 2) { clearInterval(t); compile(); } }, 10);
const wasm = Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64');
const compile = () => WebAssembly.instantiate(wasm).then(({ instance }) => { console.log(instance.exports.add(40, 2)); serve(); });
const last = setTimeout(() => {}, 100000);
process.on('SIGUSR2', () => { console.log('usr2', order.join(), timers.join(), immediate); clearTimeout(last); });
console.log(require('zlib').gunzipSync(require('zlib').gzipSync('zipped')).toString(), require('crypto').createHash('md5').update('x').digest('hex'));
const net = require('net'); const serve = () => { const s = net.createServer((c) => c.end('bye')).listen('/tmp/s', () => net.connect('/tmp/s').on('data', (d) => { console.log(d.toString()); s.close(); process.kill(process.pid, 'SIGUSR2'); })); };`,
};

const perl = `
use strict; use warnings; use POSIX; use File::Temp; use IO::Handle; use Time::HiRes qw(ualarm);
my @pids; for my $i (1 .. 5) { my $pid = fork; if (!$pid) { exit $i } push @pids, $pid }
print join(' ', map { waitpid($_, 0); $? >> 8 } @pids), "\\n";
open(my $p, '-|', 'seq 1000') or die; my $n = 0; $n += $_ while <$p>; close $p; print "$n\\n";
my $alarms = 0; $SIG{ALRM} = sub { $alarms++ }; ualarm(200_000, 200_000); POSIX::pause(); ualarm(0); print "alarm\\n" if $alarms;
my ($fh, $name) = File::Temp::tempfile(); print $fh 'text'; close $fh; print -s $name, "\\n"; unlink $name;
my %h; $h{$_ % 97}++ for 1 .. 100000; print scalar(keys %h), "\\n"; print strftime('%Y', gmtime(0)), "\\n";`;

const build = `
mkdir -p /tmp/b && cd /tmp/b
cat >main.c <<'END'
#include <stdio.h>
int twice(int); int main(void) { printf("%d\\n", twice(21)); return 5; }
END
echo 'int twice(int x) { return 2 * x; }' >twice.c
cat >hello.cc <<'END'
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>
std::string name(); int main() { std::map<std::string, int> m{{"a", 1}}; std::vector<std::thread> t; for (int i = 0; i < 4; i++) t.emplace_back([&] {});
  for (auto& x : t) x.join(); try { throw 3; } catch (int e) { std::cout << name() << e << m["a"] << std::endl; } }
END
printf '#include <string>\\nstd::string name() { return "cpp"; }\\n' >name.cc
gcc -c -O2 main.c && gcc -c -O2 twice.c && gcc -o main main.o twice.o && ./main; echo $?
gcc -static -flto -o main-static main.c twice.c && ./main-static; echo $?
g++ -O1 -pthread -o hello hello.cc name.cc && ./hello; echo 'int main( {' >bad.c; gcc bad.c 2>/dev/null; echo $?
md5sum main.o twice.o`;

const java = `
cd /tmp; cat >Hello.java <<'END'
import java.nio.file.*; import java.util.concurrent.*; import java.util.stream.*;
public class Hello { public static void main(String[] a) throws Exception {
  var pool = Executors.newFixedThreadPool(4); var f = pool.submit(() -> IntStream.range(0, 1000).sum()); System.out.println(f.get()); pool.shutdown();
  Files.writeString(Path.of("/tmp/j"), "written"); System.out.println(Files.readString(Path.of("/tmp/j")));
  System.out.println(new ProcessBuilder("sh", "-c", "exit 4").start().waitFor());
  try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null"); } System.exit(6); } }
END
java -version 2>&1 | head -1; javac Hello.java && java Hello; echo $?`;

describe.skipIf(!canRun)('languages', () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);

  const timeout = { timeout: 1_500_000 };

  test.each(Object.entries(python))('python: %s', timeout, async (_name, text) => {
    const { status } = await sameAsRunc('cat >/tmp/p.py; python3 /tmp/p.py', { input: text });
    expect(status).toBe(0);
  });

  test.each(Object.entries(node))('node: %s', timeout, async (_name, text) => {
    const { status } = await sameAsRunc('cat >/tmp/p.js; node /tmp/p.js', { input: text });
    expect(status).toBe(0);
  });

  test('perl', timeout, async () => {
    const { status } = await sameAsRunc('perl -', { input: perl });
    expect(status).toBe(0);
  });

  test('gcc and g++', timeout, async () => {
    await sameAsRunc(build);
  });

  test('make -j2 of lua', timeout, async () => {
    await sameAsRunc(
      `cd /tmp && cp -r /usr/src/lua . && cd lua && make -j2 linux >/tmp/log 2>&1; echo $?
      src/lua -e 'local t = {} for i = 1, 1000 do t[i] = i end print(#t, _VERSION, string.rep("x", 10))'; ls src | md5sum`,
    );
  });

  test('java', timeout, async () => {
    await sameAsRunc(java);
  });

  test('a static Go program', timeout, async () => {
    await sameAsRunc(
      'gosu --version; gosu nobody id; gosu nobody sh -c "exit 9"; echo $?; gosu nosuch id 2>&1; echo $?',
    );
  });
});
