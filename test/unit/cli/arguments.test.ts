// Go's flag syntax, as container managers write it.

import { describe, expect, it } from 'vitest';

import { normalizeArguments } from '../../../runsc/cli/arguments.ts';
import { createProgram } from '../../../runsc/cli/program.ts';
import { UsageError } from '../../../runsc/cli/usage-error.ts';

function normalize(line: string): string {
  const program = createProgram(() => undefined, { exitCode: 0 });
  return normalizeArguments(program, line === '' ? [] : line.split(' ')).join(' ');
}

function usageError(line: string): UsageError {
  try {
    normalize(line);
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error(`accepted: ${line}`);
}

describe('accepted', () => {
  it.each([
    ['', ''],
    ['list', 'list --'],
    ['--root /r list', '--root=/r list --'],
    ['-root /r list', '--root=/r list --'],
    ['-root=/r list', '--root=/r list --'],
    ['--root= list', '--root= list --'],
    ['--debug --log /l --log-format json state x', '--debug --log=/l --log-format=json state -- x'],
    ['-debug=true -strace=false list', '--debug list --'],
    ['--debug=1 --strace=F list', '--debug list --'],
    ['--rootless true list', '--rootless=true list --'],
    ['--systemd-cgroup --criu /criu list', '--systemd-cgroup --criu=/criu list --'],
    ['run -b /b x', 'run --bundle=/b -- x'],
    ['run -b=/b x', 'run --bundle=/b -- x'],
    ['run x --bundle /b', 'run --bundle=/b -- x'],
    [
      'run --bundle /b --pid-file /p --no-pivot --no-new-keyring x',
      'run --bundle=/b --pid-file=/p --no-pivot --no-new-keyring -- x',
    ],
    ['run --preserve-fds 3 x', 'run --preserve-fds=3 -- x'],
    ['run -- -x', 'run -- -x'],
    ['run --bundle -x y', 'run --bundle=-x -- y'],
    ['kill x', 'kill -- x'],
    ['kill --all x 9', 'kill --all -- x 9'],
    ['kill x KILL -a', 'kill --all -- x KILL'],
    ['delete -f x', 'delete --force -- x'],
    ['do ls -l --color', 'do -- ls -l --color'],
    ['do -- ls -l', 'do -- ls -l'],
    ['do --cwd /tmp ls --', 'do --cwd=/tmp -- ls --'],
    ['--root /a do --root /b ls', '--root=/a do --root=/b -- ls'],
    ['run --help', 'run --help --'],
    ['run -h', 'run --help --'],
    ['help run', 'help run'],
    ['-h', '--help'],
  ])('%s', (line, expected) => {
    expect(normalize(line)).toBe(expected);
  });
});

describe("refused, in runc's words", () => {
  it.each([
    ['foo', "No help topic for 'foo'", 3],
    ['--foo list', 'flag provided but not defined: -foo', 1],
    ['run -foo=1 x', 'flag provided but not defined: -foo', 1],
    ['list --root /r', 'flag provided but not defined: -root', 1],
    ['--log', 'flag needs an argument: -log', 1],
    ['run x --bundle', 'flag needs an argument: -bundle', 1],
    ['--debug=maybe list', 'invalid boolean value "maybe" for -debug: parse error', 1],
    ['run', 'runsc: "run" requires exactly 1 argument(s)', 1],
    ['run a b', 'runsc: "run" requires exactly 1 argument(s)', 1],
    ['list a', 'runsc: "list" requires exactly 0 argument(s)', 1],
    ['do', 'runsc: "do" requires a minimum of 1 argument(s)', 1],
    ['kill', 'runsc: "kill" requires a minimum of 1 argument(s)', 1],
    ['kill a b c', 'runsc: "kill" requires a maximum of 2 argument(s)', 1],
  ])('%s', (line, message, exitCode) => {
    expect(usageError(line)).toMatchObject({ message, exitCode });
  });
});
