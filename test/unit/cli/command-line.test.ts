// The built command line as a process: exit codes, error texts and logs, held against runc's where it is there.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { defaultSpec } from '../../../runsc/spec/default-spec.ts';

const runsc = resolve(import.meta.dirname, '../../../runsc/bin/runsc');
const haveRunc = spawnSync('runc', ['--version']).status === 0;
let folder: string;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function call(program: string, args: readonly string[], cwd = folder): Result {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runsc-test-'));
  mkdirSync(join(folder, 'rootfs'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(defaultSpec()));
  mkdirSync(join(folder, 'truncated'));
  writeFileSync(join(folder, 'truncated/config.json'), '{');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.skipIf(!haveRunc)('the same as runc', () => {
  /** What a record says, with the names made alike; usage texts and times are not compared. */
  const say = ({ status, stderr, stdout }: Result, name: string, withOutput: boolean): unknown => ({
    status,
    messages: [...stderr.matchAll(/msg=(".*")$/gm)].map(([, text]) =>
      (JSON.parse(text!) as string).replaceAll(name, 'NAME').trim(),
    ),
    ...(withOutput ? { stdout } : {}),
  });

  it.each([
    ['--log-format text'],
    ['state nope'],
    ['state a/b'],
    ['kill nope'],
    ['kill nope FOO'],
    ['help nope'],
    ['delete nope'],
    ['delete --force nope'],
    ['list'],
    ['list -q'],
    ['list --format json'],
    ['list -f xml'],
    ['run a/b'],
    ['run ..'],
    ['run a b'],
    ['run'],
    ['run --bundle /nope x'],
    ['run --bundle empty x'],
    ['spec'],
    ['nope'],
    ['-nope list'],
    ['run -nope x'],
    ['run --bundle'],
    ['--log-format xml list'],
    ['--log /nope/log list'],
    ['--rootless maybe list'],
  ])('%s', (line) => {
    const results = ['runc', runsc].map((program, index) => {
      const root = join(folder, `root-${index}`);
      const name = index === 0 ? 'runc' : 'runsc';
      return say(call(program, ['--root', root, ...line.split(' ')]), name, line.startsWith('list'));
    });
    expect(results[1]).toEqual(results[0]);
  });
});

describe('errors', () => {
  it('are one line on stderr and one record in the log', () => {
    const log = join(folder, 'log.json');
    const args = [
      '--root',
      join(folder, 'root'),
      '--log',
      log,
      '--log-format',
      'json',
      'run',
      '-b',
      'truncated',
      'x',
    ];
    const { status, stdout, stderr } = call(runsc, args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^runsc run failed: config\.json: .*not valid JSON: .*\n$/);
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'error',
      msg: stderr.trimEnd(),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    });
  });

  it('reach the log even when it is the command line that is wrong', () => {
    const log = join(folder, 'usage.json');
    const args = ['--log', log, '--log-format=json', '--platform', 'kvm', 'list'];
    expect(call(runsc, args).stderr).toBe('unknown platform "kvm": the known ones are systrap\n');
    expect(readFileSync(log, 'utf8')).toMatch(/^\{"level":"error","msg":"unknown platform \\"kvm\\": /);
    expect(call(runsc, ['--log', log, '--log-format', 'json', '--nope', 'list']).status).toBe(1);
    expect(readFileSync(log, 'utf8')).toMatch(/"msg":"flag provided but not defined: -nope"/);
  });

  it('name the field of config.json', () => {
    const bundle = join(folder, 'bad');
    mkdirSync(join(bundle, 'rootfs'), { recursive: true });
    const spec = defaultSpec();
    writeFileSync(
      join(bundle, 'config.json'),
      JSON.stringify({ ...spec, process: { ...spec.process, args: [7] } }),
    );
    const { status, stderr } = call(runsc, ['--root', join(folder, 'root'), 'run', '-b', 'bad', 'x']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      / level=error msg="runsc run failed: config\.json: process\.args\[0\]: must be string"\n$/,
    );
  });
});

describe('information', () => {
  it('prints the version in every spelling', () => {
    const { status, stdout } = call(runsc, ['--version']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        /^runsc version \d+\.\d+\.\d+\nspec: 1\.\d+\.\d+\nnode: 20\.\d+\.\d+\n$/,
      ) as string,
    });
    for (const args of [['-version'], ['-v'], ['--debug', '--version'], ['--version', 'list']]) {
      expect(call(runsc, args).stdout).toBe(stdout);
    }
  });

  it('lists the platforms', () => {
    expect(call(runsc, ['platforms'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^systrap /) as string,
    });
  });

  it('shows help, with every flag of a command', () => {
    expect(call(runsc, []).stdout).toBe(call(runsc, ['help']).stdout);
    expect(call(runsc, ['run', '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--console-socket') as string,
    });
  });
});

describe('the launcher script', () => {
  it('works through symlinks, relative ones too, from any directory and without an environment', () => {
    symlinkSync(runsc, join(folder, 'absolute'));
    symlinkSync('../absolute', join(folder, 'empty/relative'));
    const version = call(runsc, ['--version']).stdout;
    expect(call(join(folder, 'empty/relative'), ['--version'], '/').stdout).toBe(version);
    expect(call('./relative', ['--version'], join(folder, 'empty')).stdout).toBe(version);
    expect(call('/usr/bin/env', ['-i', runsc, '--version'], '/').stdout).toBe(version);
  });

  it('says that nothing is built', () => {
    const copy = join(folder, 'tree/runsc/bin');
    mkdirSync(copy, { recursive: true });
    writeFileSync(join(copy, 'runsc'), readFileSync(runsc), { mode: 0o755 });
    const { status, stderr } = call(join(copy, 'runsc'), ['--version']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^runsc: not built: .*\/dist\/runsc\.cjs is missing; run 'npm ci' in the source directory\n$/,
    );
  });

  it('does not start node with the options of the caller', () => {
    const env = { ...process.env, NODE_OPTIONS: '--no-such-option', NODE_EXTRA_CA_CERTS: '/nope' };
    const result = spawnSync(runsc, ['--version'], { env, encoding: 'utf8' });
    expect({ status: result.status, stderr: result.stderr }).toEqual({ status: 0, stderr: '' });
  });
});
