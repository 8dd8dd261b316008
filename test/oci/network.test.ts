// Network namespaces of containers as their managers see them, and rules about destinations.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { inSandbox, sameAsRunc } from '../programs/compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc, writeBundle, type RunOptions } from '../support/sandbox.ts';
import { OUTSIDE, VethPair } from '../support/veth.ts';

const directory = mkdtempSync(join(tmpdir(), 'runsc-network-'));
let count = 0;

/** Creates a container, looks at its stand-in, deletes it. */
async function created<T>(
  options: Partial<RunOptions>,
  flags: readonly string[],
  look: (pid: number) => T,
): Promise<T> {
  const id = `runsc-network-${process.pid}-${count++}`;
  const bundle = join(directory, id);
  const root = join(directory, `${id}-state`);
  writeBundle(bundle, { rootfs: rootfs('busybox'), args: ['sleep', '100'], ...options });
  const pidFile = join(directory, `${id}.pid`);
  // The container has the caller's standard descriptors: a pipe would not end before it does.
  const create = [
    ...['--root', root, ...flags, 'create', '--bundle', bundle],
    ...['--pid-file', pidFile, id],
  ];
  execFileSync(runsc, create, { stdio: 'ignore' });
  try {
    return look(Number(readFileSync(pidFile, 'utf8')));
  } finally {
    await execute(runsc, ['--root', root, 'delete', '--force', id]);
    expect(await leftoversOf(id, root)).toEqual([]);
  }
}

const namespaceOf = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/net`);
const brokerOf = (pid: number): number =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number)
    .find((child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'runsc-broker\n')!;
const linksOf = (pid: number): string =>
  execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-o', 'link']).toString();

describe.skipIf(!canRun)('network namespaces', { timeout: 600_000 }, () => {
  beforeAll(() => {
    rootfs('busybox');
    rootfs('debian');
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(['none', 'host'])('--network %s: a new one has lo alone, and it is up', async (mode) => {
    const links = await created({}, ['--network', mode], (pid) => {
      expect(namespaceOf(pid)).not.toBe(namespaceOf('self'));
      return linksOf(pid);
    });
    expect(links).toMatch(/^\d+: lo: <LOOPBACK,UP,LOWER_UP>/);
    expect(links.split('\n').filter((line) => /state UP/.test(line))).toEqual([]);
  });

  test.each(['none', 'host'])('--network %s: one named by path is joined', async (mode) => {
    const pair = new VethPair();
    try {
      const path = pair.path(pair.inside);
      await created({ network: path }, ['--network', mode], (pid) => {
        expect(namespaceOf(pid)).toBe(`net:[${statSync(path).ino}]`);
      });
    } finally {
      pair.remove();
    }
  });

  test.each(['none', 'host'])("--network %s: without one in config.json it is the caller's", async (mode) => {
    const pair = new VethPair();
    const id = `runsc-network-${process.pid}-callers`;
    const bundle = join(directory, id);
    const root = join(directory, `${id}-state`);
    try {
      const script = 'cat /sys/class/net/*/address | sort; hostname -I';
      const spec = writeBundle(bundle, { rootfs: rootfs('debian'), args: ['bash', '-c', script] });
      const namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'network');
      const changed = { ...spec, linux: { ...spec.linux, namespaces } };
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(changed));
      const run = (runtime: string, flags: readonly string[]): ReturnType<typeof execute> =>
        execute('nsenter', [
          ...[`--net=${pair.path(pair.inside)}`, runtime, '--root', root, ...flags],
          ...['run', '--bundle', bundle, id],
        ]);
      const ours = await run(runsc, ['--network', mode]);
      if (mode === 'host') expect(ours).toEqual(await run('runc', []));
      else expect(ours.stdout).toBe('00:00:00:00:00:00\n\n');
      expect(ours).toMatchObject({ status: 0, stderr: '' });
      expect(await leftoversOf(id, root)).toEqual([]);
    } finally {
      pair.remove();
    }
  });

  test('a path that is none is an error, and nothing stays', async () => {
    const id = `runsc-network-${process.pid}-missing`;
    for (const [path, message] of [
      ['/run/netns/runsc-is-not-there', /no such file or directory/],
      ['/etc/passwd', /invalid argument/],
    ] as const) {
      const bundle = join(directory, id);
      writeBundle(bundle, { rootfs: rootfs('busybox'), args: ['true'], network: path });
      const root = join(directory, 'missing-state');
      const result = await execute(runsc, ['--root', root, 'run', '--bundle', bundle, id]);
      expect(result).toMatchObject({ status: 1, stdout: '' });
      expect(result.stderr).toMatch(message);
      expect(result.stderr).toContain(path);
      expect(await leftoversOf(id, root)).toEqual([]);
    }
  });

  test('sysctls of the network are set in it', async () => {
    const sysctl = { 'net.ipv4.ip_unprivileged_port_start': '77', 'net/ipv4/conf/lo/rp_filter': '2' };
    const shown = await created({ sysctl }, [], (pid) =>
      execFileSync('nsenter', [
        `--net=/proc/${pid}/ns/net`,
        'cat',
        '/proc/sys/net/ipv4/ip_unprivileged_port_start',
        '/proc/sys/net/ipv4/conf/lo/rp_filter',
      ]).toString(),
    );
    expect(shown).toBe('77\n2\n');
  });

  test('its interfaces are in /sys and /proc/sys', async () => {
    const pair = new VethPair();
    pair.setInside('down');
    // Counters differ from one look to the next; the key of IPv6 can't be read before it is set.
    const script = `cd /sys/class/net; cat nope/mtu
      for i in *; do
        echo "$i $(readlink $i)"; cd $i
        for f in a?dr_len address broadcast car* d*_id dev_port dormant flags if* link_mode mtu netdev_group operstate \
          proto_down tx_queue_len type uevent; do echo "$i/$f=$(cat $f 2>&1)"; done
        ls statistics; cd ..
      done
      cd /proc/sys/net; for f in ipv[46]/conf/*/* ipv[46]/neigh/*/*; do
        case $f in */stable_secret) ;; *) echo "$f=$(cat $f)" ;; esac; done`;
    try {
      await sameAsRunc(script, { network: pair.path(pair.inside), flags: ['--network', 'host'] });
    } finally {
      pair.remove();
    }
  });

  test('the broker has no more than it needs', async () => {
    const status = await created({}, ['--net-raw'], (pid) => {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      const broker = children.find(
        (child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'runsc-broker\n',
      )!;
      expect(namespaceOf(Number(broker))).toBe(namespaceOf(pid));
      expect(readlinkSync(`/proc/${broker}/ns/mnt`)).not.toBe(readlinkSync('/proc/self/ns/mnt'));
      expect(execFileSync('ls', ['-A', `/proc/${broker}/root/`]).toString()).toBe('');
      return readFileSync(`/proc/${broker}/status`, 'utf8');
    });
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    // CAP_NET_BIND_SERVICE and CAP_NET_RAW.
    expect(status).toMatch(/^CapPrm:\t0000000000002400$/m);
    expect(status).toMatch(/^CapBnd:\t0000000000002400$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  test('SIGKILL of the broker ends the container, and leaves nothing', async () => {
    const id = `runsc-network-${process.pid}-killed`;
    const bundle = join(directory, id);
    writeBundle(bundle, { rootfs: rootfs('busybox'), args: ['sh', '-c', 'echo up; sleep 100'] });
    const root = join(directory, 'killed-state');
    const run = spawn(runsc, ['--root', root, 'run', '--bundle', bundle, id], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    run.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((done) => run.stdout.once('data', done));
    process.kill(brokerOf(run.pid!), 'SIGKILL');
    expect(await new Promise((done) => run.on('close', done))).toBe(137);
    expect(stderr).toContain('the broker ended unexpectedly: killed by signal 9');
    expect(await leftoversOf(id, root)).toEqual([]);
  });
});

describe.skipIf(!canRun)('rules about destinations', { timeout: 600_000 }, () => {
  let pair: VethPair;
  let server: ChildProcess;
  const log = join(tmpdir(), `runsc-network-log-${process.pid}`);
  const mounts = [
    { destination: '/case', type: 'bind', source: import.meta.dirname, options: ['bind', 'ro'] },
  ];

  beforeAll(async () => {
    rootfs('debian');
    pair = new VethPair();
    const script = `
      const net = require('net');
      const ends = [[80, '0.0.0.0'], [81, '0.0.0.0'], [80, '::1']];
      let up = 0;
      for (const [port, host] of ends) net.createServer((s) => s.destroy()).listen(port, host === '::1' ? 'fd00:77::2' : host, () => ++up === 3 && console.log('up'));`;
    server = spawn('ip', ['netns', 'exec', pair.outside, process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((done) => server.stdout!.once('data', done));
  }, MAKING_MS);
  afterAll(() => {
    server.kill('SIGKILL');
    pair.remove();
    rmSync(log, { force: true });
  });

  async function attempts(
    calls: readonly string[],
    flags: readonly string[],
    annotations?: Record<string, string>,
  ): Promise<string[]> {
    const result = await inSandbox(`python3 /case/network-policy.py ${calls.join(' ')}`, {
      mounts,
      flags,
      network: pair.path(pair.inside),
      ...(annotations === undefined ? {} : { annotations }),
    });
    expect(result).toMatchObject({ status: 0, stderr: '', leftovers: [] });
    return result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[1]!);
  }

  test('everything is allowed by default', async () => {
    const calls = [
      `tcp,${OUTSIDE},80`,
      'tcp,fd00:77::2,80',
      `fast,${OUTSIDE},80`,
      `udp,${OUTSIDE},9`,
      'bind,0.0.0.0,8080',
    ];
    expect(await attempts(calls, [])).toEqual(calls.map(() => 'ok'));
  });

  test('what is denied ends with EACCES, in every form of the address', async () => {
    const calls = [
      `tcp,${OUTSIDE},80`,
      `tcp,${OUTSIDE},81`,
      `fast,${OUTSIDE},80`,
      `fast,${OUTSIDE},81`,
      `routed,${OUTSIDE},0`,
      `tcp,::ffff:${OUTSIDE},80`,
      'tcp,fd00:77::2,80',
      `udp,${OUTSIDE},80`,
      `udp,${OUTSIDE},53`,
      `often,${OUTSIDE},80`,
      `often,${OUTSIDE},81`,
      `associate,${OUTSIDE},80`,
      'tcp,0.0.0.0,7',
      'tcp,::,7',
    ];
    const flags = ['--net-deny', `${OUTSIDE}:80`, '--net-deny', '127.0.0.0/8', '--net-deny', '[::1]:7'];
    expect(await attempts(calls, flags)).toEqual([
      'EACCES',
      'ok',
      'EACCES',
      'ok',
      'EPERM',
      'EACCES',
      'ok',
      'EACCES',
      'ok',
      'EACCES',
      'ok',
      'EACCES',
      'EACCES',
      'EACCES',
    ]);
  });

  test('with an allow list nothing else is allowed, and what is denied stays so', async () => {
    const calls = [
      `tcp,${OUTSIDE},80`,
      `tcp,${OUTSIDE},81`,
      'tcp,fd00:77::2,80',
      'bind,127.0.0.1,8080',
      'bind,0.0.0.0,8080',
      'bind,0.0.0.0,0',
    ];
    const flags = [
      '--net-allow',
      '10.77.0.0/24',
      '--net-allow',
      '0.0.0.0:8080',
      '--net-deny',
      `${OUTSIDE}:81`,
    ];
    expect(await attempts(calls, flags)).toEqual(['ok', 'EACCES', 'EACCES', 'EACCES', 'ok', 'ok']);
  });

  test('networks of one version say nothing about the other', async () => {
    const calls = [`tcp,${OUTSIDE},80`, `tcp,::ffff:${OUTSIDE},80`, 'tcp,fd00:77::2,80'];
    expect(await attempts(calls, ['--net-deny', '::/0'])).toEqual(['ok', 'ok', 'EACCES']);
    expect(await attempts(calls, ['--net-allow', '::/0'])).toEqual(['EACCES', 'EACCES', 'ok']);
    expect(await attempts(calls, ['--net-deny', '0.0.0.0/0'])).toEqual(['EACCES', 'EACCES', 'ok']);
    expect(await attempts(calls, ['--net-allow', '0.0.0.0/0'])).toEqual(['ok', 'ok', 'EACCES']);
  });

  test('a server for both versions needs the port of both', async () => {
    const calls = ['bind,::,8080', 'bind,::,8081', 'bind,::,0', 'only6,::,8080', 'bind,::1,8080'];
    const expected = ['EACCES', 'ok', 'ok', 'ok', 'ok'];
    expect(await attempts(calls, ['--net-deny', '0.0.0.0:8080'])).toEqual(expected);
  });

  test('annotations', async () => {
    const annotations = {
      'dev.runsc.net.allow': `${OUTSIDE}:80,127.0.0.1`,
      'dev.runsc.net.deny': '127.0.0.1:9',
    };
    const calls = [`tcp,${OUTSIDE},80`, `tcp,${OUTSIDE},81`, 'udp,127.0.0.1,8', 'udp,127.0.0.1,9'];
    expect(await attempts(calls, [], annotations)).toEqual(['ok', 'EACCES', 'ok', 'EACCES']);
  });

  test('names, as they resolve when the container starts', async () => {
    const calls = ['udp,127.0.0.1,9', `udp,${OUTSIDE},9`];
    expect(await attempts(calls, ['--net-allow', 'localhost:9'])).toEqual(['ok', 'EACCES']);
  });

  test('raw sockets would go past the rules: there are none', async () => {
    const script = `python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)' 2>&1 | tail -1`;
    const raw = await inSandbox(script, { flags: ['--net-raw'] });
    expect(raw.stdout).toBe('');
    const ruled = await inSandbox(script, { flags: ['--net-raw', '--net-deny', '192.0.2.1'] });
    expect(ruled.stdout).toMatch(/Protocol not supported/);
  });

  test('decisions are logged', async () => {
    const calls = [`tcp,${OUTSIDE},80`, `udp,${OUTSIDE},9`, 'bind,::,8080'];
    const flags = ['--net-log', log, '--net-deny', `${OUTSIDE}:9`];
    expect(await attempts(calls, flags)).toEqual(['ok', 'EACCES', 'ok']);
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const common: Record<string, unknown> = {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      id: expect.stringMatching(/^runsc-test-/),
    };
    expect(records).toEqual([
      {
        ...common,
        action: 'connect',
        protocol: 'tcp',
        address: OUTSIDE,
        port: 80,
        decision: 'allow',
        rule: null,
      },
      {
        ...common,
        action: 'send',
        protocol: 'udp',
        address: OUTSIDE,
        port: 9,
        decision: 'deny',
        rule: `${OUTSIDE}:9`,
      },
      {
        ...common,
        action: 'bind',
        protocol: 'tcp',
        address: '::',
        port: 8080,
        decision: 'allow',
        rule: null,
      },
    ]);
  });
});
