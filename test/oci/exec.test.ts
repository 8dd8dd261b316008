// `exec` against runc: what the process is given, what is printed, exit codes, states.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, runsc } from '../support/sandbox.ts';
import { type Configuration, Runtime } from './runtime.ts';

const source = resolve(import.meta.dirname, '../..');
const RUNTIMES = ['runc', runsc] as const;
const SLEEP: Configuration = {
  args: ['sleep', '1000'],
  mounts: [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }],
};

describe.skipIf(!canRun)('exec', { timeout: 600_000 }, () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-exec-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  interface Container {
    readonly runtime: Runtime;
    /** `exec FLAGS... ID COMMAND...`; the container's id is put in. */
    readonly exec: (flags: readonly string[], command: readonly string[], input?: string) => Promise<string>;
  }

  /** One line for each call: exit code, output, and the error without what differs from runtime to runtime. */
  async function inContainer(
    program: string,
    configuration: Configuration,
    script: (container: Container) => Promise<string[]>,
  ): Promise<string[]> {
    const runtime = new Runtime(program, mkdtempSync(join(directory, 'x-')));
    runtime.configure(configuration);
    await runtime.create('c');
    await runtime.call('start', 'c');
    const id = runtime.id('c');
    try {
      return await script({
        runtime,
        exec: async (flags, command, input = '') => {
          const args = ['--root', runtime.root, 'exec', ...flags, id, ...command];
          const { status, stdout, stderr } = await execute(program, args, { input, cwd: runtime.bundle });
          return `${String(status)} ${stdout}${neutral(stderr, runtime)}`;
        },
      });
    } finally {
      await runtime.call('delete', '--force', 'c');
      expect(await runtime.leftovers(), program).toEqual([]);
    }
  }

  async function compare(
    configuration: Configuration,
    script: (container: Container) => Promise<string[]>,
  ): Promise<string[]> {
    const [linux, ours] = [
      await inContainer('runc', configuration, script),
      await inContainer(runsc, configuration, script),
    ];
    expect(ours).toEqual(linux);
    return ours;
  }

  const show = 'id; pwd; umask; echo "HOME=$HOME"; grep -E "^(Cap|NoNew|PPid)" /proc/self/status';
  const flags: Record<string, [string[], string[]]> = {
    nothing: [[], ['sh', '-c', show]],
    'a user': [
      ['--user', '65534'],
      ['sh', '-c', show],
    ],
    'a user and a group': [
      ['-u', '1000:5'],
      ['sh', '-c', show],
    ],
    'an id that no user has': [['-u', '4294967295'], ['id']],
    'a negative id': [['-u', '-1'], ['id']],
    'a gid that no group has': [['-u', '5:2147483648'], ['id']],
    'the largest id': [['-u', '2147483647'], ['id']],
    'an additional group that there cannot be': [['-g', '2147483648'], ['id']],
    'a capability that there is not': [
      ['-c', 'CAP_NONE'],
      ['sh', '-c', show],
    ],
    'an id that is no number': [['-u', 'nobody'], ['true']],
    'a gid that is no number': [['-u', '1:nogroup'], ['true']],
    'more groups': [['-g', '7', '-g', '8'], ['id']],
    'a negative group': [['-g', '-1'], ['true']],
    'a directory': [
      ['--cwd', '/bin'],
      ['sh', '-c', 'pwd; ./echo here'],
    ],
    'no such directory': [['--cwd', '/nope'], ['true']],
    'no directory': [['--cwd', '/etc/passwd'], ['true']],
    'a relative directory': [['--cwd', 'bin'], ['true']],
    variables: [['-e', 'A=1', '-e', 'B=', '-e', 'A=2=3', '-e', 'PATH=/bin'], ['env']],
    'an empty HOME': [['-e', 'HOME='], ['env']],
    'a variable without a value': [['-e', 'A'], ['env']],
    'a capability': [
      ['-c', 'CAP_SYS_TIME', '-c', 'CAP_NET_ADMIN'],
      ['sh', '-c', show],
    ],
    'a capability for a user': [
      ['-c', 'CAP_SYS_TIME', '-u', '5'],
      ['sh', '-c', show],
    ],
    'no new privileges': [['--no-new-privs'], ['sh', '-c', show]],
    'a terminal without one': [['-t'], ['true']],
    'a detached terminal': [['-d', '-t'], ['true']],
    'a console socket without a terminal': [['-d', '--console-socket', '/x'], ['true']],
    'a console socket that is not there': [['-d', '-t', '--console-socket', '/no/such'], ['true']],
    'a pid file that cannot be': [['--pid-file', '/no/such/file'], ['true']],
    'an unknown controller': [['--cgroup', 'bogus:x'], ['true']],
    'two cgroups for all': [['--cgroup', 'x', '--cgroup', 'y'], ['true']],
    'no command': [[], []],
    'an empty command': [[], ['']],
    'a flag behind the id': [[], ['-t', 'true']],
    'dashes behind the id': [[], ['--', 'true']],
    'a program that is not there': [[], ['nope']],
    'a path that is not there': [[], ['/bin/nope']],
    'a path through a file': [[], ['/etc/passwd/x']],
    'a file that is no program': [[], ['/etc/passwd']],
    'a directory as program': [[], ['/etc']],
    'a directory in PATH': [['-e', 'PATH=/'], ['etc']],
    'a program in a relative PATH': [['-e', 'PATH=bin'], ['true']],
    'no PATH': [['-e', 'PATH='], ['true']],
    'an exit code': [[], ['sh', '-c', 'exit 42']],
    'a signal': [[], ['sh', '-c', 'kill -SEGV $$']],
    'both streams': [[], ['sh', '-c', 'echo out; echo err >&2']],
    'input to its end': [[], ['sh', '-c', 'cat; echo done']],
    'its own session': [[], ['sh', '-c', 'cut -d" " -f5,6,7 /proc/self/stat | sed "s/^[0-9]* [0-9]*/x x/"']],
    descriptors: [[], ['sh', '-c', 'ls /proc/self/fd']],
  };

  test('flags, programs and exit codes', async () => {
    await compare(SLEEP, async ({ exec }) => {
      const lines: string[] = [];
      for (const [name, [given, command]] of Object.entries(flags)) {
        lines.push(`${name}: ${await exec(given, command, 'a\nb\n')}`);
      }
      return lines;
    });
  });

  test('programs that only some may run, or the kernel refuses', async () => {
    const prepare =
      'cd /tmp; cp /bin/busybox mine; chmod 700 mine; mkdir -p d/e; chmod 700 d; cp mine d/e/x; ln -s loop loop;' +
      'printf "#!/bin/sh\\necho script \\$0 \\$1" >good; chmod 755 good';
    const lines = await compare(SLEEP, async ({ exec }) => [
      await exec([], ['sh', '-c', prepare]),
      await exec(['-u', '9'], ['/tmp/mine']),
      await exec(['-u', '9', '-e', 'PATH=/tmp:/bin'], ['mine']),
      await exec(['-u', '9'], ['/tmp/d/e/x']),
      await exec(['-u', '9', '--cwd', '/tmp/d/e'], ['true']),
      await exec([], ['/tmp/loop']),
      await exec([], [`/${'a'.repeat(300)}`]),
      await exec(['-e', 'PATH=/tmp'], ['good', 'x']),
    ]);
    expect(lines.at(-1)).toBe('0 script /tmp/good x\n');
    const refused = await compare(SLEEP, async ({ exec }) => [
      await exec([], ['sh', '-c', 'cd /tmp; echo garbage >bad; printf "#!/no/such" >odd; chmod 755 bad odd']),
      await exec([], ['/tmp/bad']),
      await exec([], ['/tmp/odd']),
    ]);
    expect(refused.slice(1)).toEqual([
      '1 exec /tmp/bad: exec format error',
      '1 exec /tmp/odd: no such file or directory',
    ]);
  });

  const base = { args: ['sh', '-c', show], cwd: '/', env: ['PATH=/bin'] };
  const documents: Record<string, unknown> = {
    'the least': { args: ['/bin/env'], cwd: '/' },
    'a user': { ...base, user: { uid: 5, gid: 6, additionalGids: [1, 2] } },
    limits: {
      ...base,
      args: ['grep', '-E', '^Max (open|locked)', '/proc/self/limits'],
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 88, hard: 88 },
        { type: 'RLIMIT_MEMLOCK', soft: 4096, hard: 8192 },
      ],
    },
    capabilities: { ...base, capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'] } },
    'no capabilities': { ...base, capabilities: {} },
    'ambient capabilities': {
      ...base,
      user: { uid: 5 },
      capabilities: Object.fromEntries(
        ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'].map((set) => [set, ['CAP_KILL']]),
      ),
    },
    'no new privileges': { ...base, noNewPrivileges: true },
    'a directory': { ...base, cwd: '/bin', args: ['pwd'] },
    'no such program': { ...base, args: ['nope'] },
  };

  test('a process document', async () => {
    await compare(SLEEP, async ({ runtime, exec }) => {
      const lines: string[] = [];
      for (const [name, document] of Object.entries(documents)) {
        const path = join(runtime.directory, 'process.json');
        writeFileSync(path, JSON.stringify(document));
        lines.push(`${name}: ${await exec(['--process', path], [])}`);
      }
      lines.push(await exec(['-p', '/no/such'], []));
      return lines;
    });
  });

  test('limits and umask that nobody names are the caller’s', async () => {
    const args = ['sh', '-c', 'umask; grep -E "^Max (open|core|file size|stack)" /proc/self/limits'];
    const document = (rlimits: object[]): string =>
      JSON.stringify({ args, cwd: '/', env: ['PATH=/bin'], rlimits });
    await compare(SLEEP, async ({ runtime }) => {
      const lines: string[] = [];
      const path = join(runtime.directory, 'process.json');
      // runc's Go may have raised a lower soft limit to the hard one by the time that the process starts.
      const files = { type: 'RLIMIT_NOFILE', soft: 99, hard: 99 };
      for (const rlimits of [[], [files]]) {
        writeFileSync(path, document(rlimits));
        const command = `exec ${runtime.program} --root ${runtime.root} exec -p ${path} ${runtime.id('c')}`;
        const limits =
          'umask 033; ulimit -f 70000; ulimit -c 7; ulimit -s 9000; ulimit -Sn 555; ulimit -Hn 555';
        const { status, stdout } = await execute('bash', ['-c', `${limits}; ${command}`]);
        lines.push(`${status}: ${stdout}`);
      }
      return lines;
    });
  });

  test('a bad process document is refused with the name of the field', async () => {
    const documents: [string, RegExp][] = [
      ['{"cwd":"/"}', /^255 exec failed: \S+: args: must not be empty$/],
      ['{"args":["true"]}', /: cwd: must not be empty$/],
      ['{"args":["true"],"cwd":"bin"}', /: cwd: must be an absolute path, not "bin"$/],
      ['{"args":"true","cwd":"/"}', /: args: must be array$/],
      ['{"args":["true"],"cwd":"/","user":{"uid":-1}}', /: user\.uid: must be at least 0$/],
      ['{"args":["true"],"cwd":"/","env":["A"]}', /: env\[0\]: must be NAME=value, not "A"$/],
      [
        '{"args":["true"],"cwd":"/","rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}]}',
        /: rlimits\[0\]\.type: unknown resource limit "RLIMIT_X"$/,
      ],
      ['{"args":', /: not valid JSON: /],
      ['null', /: must be set$/],
      ['[]', /: must be object$/],
    ];
    await inContainer(runsc, SLEEP, async ({ runtime, exec }) => {
      for (const [text, message] of documents) {
        const path = join(runtime.directory, 'process.json');
        writeFileSync(path, text);
        expect(await exec(['-p', path], [])).toMatch(message);
      }
      return [];
    });
  });

  test('with and without node it is the same', async () => {
    const node = join(directory, 'node-only');
    writeFileSync(node, `#!/bin/sh\nexec ${process.execPath} ${source}/dist/runsc.cjs "$@"\n`, {
      mode: 0o755,
    });
    const script = async ({ runtime, exec }: Container): Promise<string[]> => {
      const lines: string[] = [];
      for (const [given, command] of Object.values(flags)) lines.push(await exec(given, command, 'a\n'));
      const path = join(runtime.directory, 'process.json');
      for (const document of Object.values(documents)) {
        writeFileSync(path, JSON.stringify(document));
        lines.push(await exec(['-p', path], []));
      }
      lines.push(await exec([], ['echo', '\u00fcml\u00e4ut "quoted" \\ \t']));
      lines.push(await exec(['-e', 'A=\n'], ['env']));
      rmSync(join(runtime.bundle, 'config.json'));
      lines.push(await exec([], ['true']));
      return lines;
    };
    expect(await inContainer(runsc, SLEEP, script)).toEqual(await inContainer(node, SLEEP, script));
  });

  test('what is usual needs no node, the rest gets it', async () => {
    const launcher = join(source, 'build/Release/launcher');
    await inContainer(runsc, SLEEP, async ({ runtime }) => {
      const path = join(runtime.directory, 'process.json');
      const call = async (...args: string[]): Promise<string> => {
        const command = ['--exec', '/no/node', 'node', 'script', '--root', runtime.root, ...args];
        const { status, stdout, stderr } = await execute(launcher, command, { input: '' });
        return `${String(status)} ${stdout}${stderr}`;
      };
      const id = runtime.id('c');
      writeFileSync(path, JSON.stringify({ args: ['/bin/echo', 'x'], cwd: '/' }));
      const log = ['--log', join(runtime.directory, 'log'), '--log-format=json'];
      expect(await call('exec', id, 'echo', 'a', 'b')).toBe('0 a b\n');
      expect(await call(...log, 'exec', '--process', path, id)).toBe('0 x\n');
      expect(await call('--debug', '-systemd-cgroup', 'exec', '-p', path, '-d', id)).toMatch(/^0 /);
      expect(await call('exec', id, 'sh', '-c', 'exit 9')).toBe('9 ');
      const missing =
        'exec failed: unable to start container process: exec: "nope": executable file not found in $PATH';
      expect(await call(...log, 'exec', id, 'nope')).toBe(`255 ${missing}\n`);
      expect(JSON.parse(readFileSync(log[1]!, 'utf8'))).toMatchObject({ level: 'error', msg: missing });

      const node = '1 runsc: exec /no/node: no such file or directory\n';
      expect(await call('exec', 'unknown', 'true')).toBe(node);
      expect(await call('exec', '-t', id, 'true')).toBe(node);
      expect(await call('exec', '--cap', 'CAP_KILL', id, 'true')).toBe(node);
      expect(await call('state', id)).toBe(node);
      for (const odd of [
        '{"args":[],"cwd":"/"}',
        '{"args":["a"],"cwd":"/","more":1}',
        '{"__proto__":{}}',
        '[]',
        '{',
      ]) {
        writeFileSync(path, odd);
        expect(await call('exec', '-p', path, id), odd).toMatch(/exec \/no\/node: no such file or directory/);
      }
      return [];
    });
  });

  test('arguments up to the limit, and beyond', async () => {
    const document = (bytes: number): string => {
      const args = ['sh', '-c', 'echo $#; echo "$@" | wc -c', 'x'];
      for (let left = bytes; left > 0; left -= 100_000) args.push('y'.repeat(100_000));
      return JSON.stringify({ args, cwd: '/', env: ['PATH=/bin'] });
    };
    const lines = await inContainer(runsc, SLEEP, async ({ runtime, exec }) => {
      const path = join(runtime.directory, 'process.json');
      const answers: string[] = [];
      for (const bytes of [1_900_000, 4_000_000]) {
        writeFileSync(path, document(bytes));
        answers.push(await exec(['-p', path], []));
      }
      return answers;
    });
    expect(lines).toEqual(['0 19\n1900019\n', '1 exec /bin/sh: argument list too long']);
  });

  test('the container’s seccomp filter holds for it too', async () => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    };
    const lines = await compare({ ...SLEEP, linux: { seccomp } }, async ({ exec }) => [
      await exec([], ['mkdir', '/tmp/x']),
      await exec([], ['grep', 'Seccomp:', '/proc/self/status']),
    ]);
    expect(lines[0]).toContain('not supported');
  });

  test('in a container that was created, has stopped, or is not there', async () => {
    const logs: string[][] = [];
    for (const program of RUNTIMES) {
      const runtime = new Runtime(program, mkdtempSync(join(directory, 'x-')));
      runtime.configure(SLEEP);
      await runtime.call('exec', 'c', 'true');
      await runtime.create('c');
      await runtime.call('exec', 'c', 'sh', '-c', 'echo before >/tmp/x; exit 7');
      await runtime.state('c');
      await runtime.call('start', 'c');
      await runtime.call('exec', 'c', 'grep', '-q', 'before', '/tmp/x');
      await runtime.call('kill', 'c', 'KILL');
      await runtime.untilStopped('c');
      await runtime.call('exec', 'c', 'true');
      await runtime.call('delete', 'c');
      expect(await runtime.leftovers(), program).toEqual([]);
      logs.push(runtime.log);
    }
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[1]!.at(-2)).toBe('exec c true: 255 exec failed: cannot exec in a stopped container');
  });

  test('CPUs of a process document', async () => {
    const used = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    used.configure({ args: ['sleep', '1000'] });
    await used.create('c');
    await used.call('start', 'c');
    const run = async (execCPUAffinity: object): Promise<string> => {
      const args = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
      const document = { args, env: ['PATH=/bin'], cwd: '/', user: { uid: 0, gid: 0 }, execCPUAffinity };
      writeFileSync(join(used.bundle, 'process.json'), JSON.stringify(document));
      const { stdout, stderr } = await used.call('exec', '--process', 'process.json', 'c');
      return stdout + stderr;
    };
    expect(await run({ final: '0' })).toBe('Cpus_allowed_list:\t0\n');
    expect(await run({ initial: '0' })).toBe('Cpus_allowed_list:\t0\n');
    expect(await run({ initial: '99', final: ' 0, 0-0' })).toBe('Cpus_allowed_list:\t0\n');
    expect(await run({ final: '1000-1001' })).toContain('cannot set the CPU affinity to 1000-1001');
    expect(await run({ final: '2-1' })).toContain('bad CPU affinity');
    await used.call('delete', '--force', 'c');
    expect(await used.leftovers()).toEqual([]);
  });

  test('in a paused container', async () => {
    await compare(SLEEP, async ({ runtime, exec }) => {
      await runtime.call('pause', 'c');
      const refused = await exec([], ['true']);
      const waiting = exec(['--ignore-paused'], ['echo', 'resumed']);
      const first = await Promise.race([waiting, new Promise((done) => setTimeout(done, 500, 'waits'))]);
      await runtime.call('resume', 'c');
      return [refused, String(first), await waiting];
    });
  });
});

/** The bare message of an error, without the runtime's name. */
function neutral(stderr: string, runtime: Runtime): string {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.includes('level=warning'));
  return lines
    .map((line) => /msg=(".*")$/.exec(line)?.[1])
    .map((message, index) => (message === undefined ? lines[index]! : (JSON.parse(message) as string)))
    .join('\n')
    .replaceAll('runsc ', 'runc ')
    .replaceAll(runtime.directory, 'DIR');
}
