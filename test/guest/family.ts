// A differential test: each program of a family runs on Linux, under runc, and in the sandbox, in the same bundle, and
// has to print the same lines.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { againstKnown, knownFailures } from './known-failures.ts';
import { buildPrograms, programsOf, runFamily, type Outcome, type Program } from './programs.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, type RunResult } from '../support/sandbox.ts';

/** Tests a family with more flags for runsc; `title` is also its name in known-failures.txt. */
export function testFamily(
  family: string,
  flags: readonly string[],
  title = family,
  capabilities: readonly string[] = [],
): void {
  describe.skipIf(!canRun)(title, { timeout: 60_000 }, () => tests(family, flags, title, capabilities));
}

function tests(
  family: string,
  flags: readonly string[],
  title: string,
  capabilities: readonly string[],
): void {
  const programs = programsOf(family);
  let directory: string;
  let ours: { outcomes: Map<string, Outcome>; result: RunResult };
  let linux: { outcomes: Map<string, Outcome>; result: RunResult };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-guest-'));
    await buildPrograms(programs, directory);
    linux = await runIn('runc');
    ours = await runIn(runsc);
  }, MAKING_MS + 3_600_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** In a directory of its own for the tests that need host files. */
  async function runIn(runtime: string): ReturnType<typeof runFamily> {
    const work = join(directory, `work-${runtime === runsc ? 'runsc' : 'runc'}`);
    mkdirSync(work, { mode: 0o755 });
    return runFamily(programs, directory, work, runtime, rootfs('debian'), flags, capabilities);
  }

  test('the sandbox ends well', () => {
    expect(ours.result.stderr).toBe('');
    expect(ours.result).toMatchObject({ status: 0, timedOut: false, leftovers: [] });
  });

  test.each(runsOf(programs))('%s', (name) => {
    const expected = linux.outcomes.get(name);
    const wrongOnLinux = [...(expected?.checks ?? [])].filter(([, verdict]) => verdict !== 'ok');
    expect(wrongOnLinux, 'the test itself has to pass on Linux').toEqual([]);
    expect(expected?.status, 'the test itself has to pass on Linux').toBe('0');
    const failures = differences(ours.outcomes.get(name), expected!);
    expect(againstKnown(failures, knownFailures(`${title}/${name}`))).toEqual([]);
  });
}

/** Each program once, and once more on host files if it tests files. */
function runsOf(programs: readonly Program[]): string[] {
  return programs.flatMap(({ name, onHostFiles }) =>
    onHostFiles ? [name, `${name} on host files`] : [name],
  );
}

function differences(ours: Outcome | undefined, linux: Outcome): Map<string, string> {
  if (ours === undefined) return new Map([['exit status', 'it never started']]);
  const found = new Map<string, string>();
  for (const check of linux.checks.keys()) {
    const verdict = ours.checks.get(check) ?? 'did not run';
    if (verdict !== 'ok') found.set(check, verdict);
  }
  for (const [check, verdict] of ours.checks) {
    if (!linux.checks.has(check)) found.set(check, `printed only in the sandbox: ${verdict}`);
  }
  if (ours.status !== linux.status) found.set('exit status', `got ${ours.status} want ${linux.status}`);
  return found;
}
