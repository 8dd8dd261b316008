// Finds, builds and runs the guest programs, and reads what they print.

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { sandbox, type RunResult } from '../support/sandbox.ts';

const run = promisify(execFile);

export interface Program {
  readonly family: string;
  /** The file's name without `.c`, with `-static` for the static variant. */
  readonly name: string;
  readonly source: string;
  /** More words for the compiler: `-pthread`. */
  readonly flags: readonly string[];
  /** Also runs in a directory of the host's, behind the gofer, not only in tmpfs. */
  readonly onHostFiles: boolean;
}

/**
 * The programs of a family. A line `// build: ...` in the source has flags for the compiler, among them
 * `static`: built that way too; `// files` says that it tests files. Families are directories of `parent`.
 */
export function programsOf(family: string, parent: string = import.meta.dirname): Program[] {
  const directory = join(parent, family);
  return readdirSync(directory)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .flatMap((name) => {
      const source = join(directory, name);
      const head = readFileSync(source, 'utf8').slice(0, 1000);
      const words = /^\/\/ build: (.*)$/m.exec(head)?.[1]?.split(' ') ?? [];
      const flags = words.filter((word) => word !== 'static');
      const program = {
        family,
        name: basename(name, '.c'),
        source,
        flags,
        onHostFiles: /^\/\/ files$/m.test(head),
      };
      if (!words.includes('static')) return [program];
      return [program, { ...program, name: `${program.name}-static`, flags: [...flags, '-static'] }];
    });
}

/** Builds into `directory/family/name`, two at a time; a compiler's complaint is thrown. */
export async function buildPrograms(programs: readonly Program[], directory: string): Promise<void> {
  const queue = [...programs];
  const worker = async (): Promise<void> => {
    for (let program = queue.shift(); program !== undefined; program = queue.shift()) {
      const output = join(directory, program.family, program.name);
      mkdirSync(join(directory, program.family), { recursive: true });
      const flags = [
        '-O1',
        '-g',
        '-Wall',
        '-Wno-nonnull',
        '-Wno-stringop-overread',
        '-Wno-stringop-overflow',
      ];
      await run('gcc', [...flags, '-o', output, program.source, ...program.flags, '-lm', '-lrt']);
    }
  };
  await Promise.all([worker(), worker()]);
}

/** What one program printed: its checks by name, and how it ended. */
export interface Outcome {
  readonly checks: ReadonlyMap<string, string>;
  readonly status: string;
}

/** Runs all programs of a family in one container, one after another; the key is the program's name. */
export async function runFamily(
  programs: readonly Program[],
  binaries: string,
  work: string,
  runtime: string,
  root: string,
  flags: readonly string[],
  capabilities: readonly string[] = [],
): Promise<{ outcomes: Map<string, Outcome>; result: RunResult }> {
  const lines = programs.flatMap(({ family, name, onHostFiles }) => {
    const command = `timeout -k 1 200 /tests/${family}/${name} </dev/null 2>&1; echo "=== status $?"`;
    const inTmpfs = `echo "=== ${name}"; TEST_DIR=/tmp ${command}`;
    return onHostFiles ? [inTmpfs, `echo "=== ${name} on host files"; TEST_DIR=/work ${command}`] : [inTmpfs];
  });
  const result = await sandbox({
    runtime,
    rootfs: root,
    args: ['/bin/sh', '-c', lines.join('\n')],
    mounts: [
      { destination: '/tests', type: 'bind', source: binaries, options: ['bind', 'ro'] },
      { destination: '/work', type: 'bind', source: work, options: ['bind', 'rw'] },
    ],
    timeoutMs: 1_500_000,
    flags,
    capabilities,
  });
  return { outcomes: parseOutput(result.stdout), result };
}

export function parseOutput(output: string): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const section of output.split(/^=== (?!status)/m).slice(1)) {
    const [name, ...lines] = section.trimEnd().split('\n');
    const checks = new Map<string, string>();
    let status = 'none: the sandbox ended';
    for (const line of lines) {
      if (line.startsWith('=== status ')) status = line.slice('=== status '.length);
      else if (!line.startsWith('#')) addCheck(checks, line);
    }
    outcomes.set(name!, { checks, status });
  }
  return outcomes;
}

/** `ok NAME` or `FAIL NAME got ...`; a name that comes again gets a number. */
function addCheck(checks: Map<string, string>, line: string): void {
  const [, verdict, rest] = /^(ok|FAIL) (.*)$/.exec(line) ?? [];
  const name = rest === undefined ? line : rest.replace(/ got .* want .*$/, '');
  let key = name;
  for (let again = 2; checks.has(key); again++) key = `${name} (${again})`;
  checks.set(key, verdict === 'ok' ? 'ok' : line);
}
