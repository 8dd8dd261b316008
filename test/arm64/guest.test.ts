// The guest programs on arm64: cross-compiled, run in the sandbox on an arm64 machine, each family in a container.
// That a program's checks hold on Linux is shown by test/guest on this machine; here all of them have to pass.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { parseOutput, programsOf, type Outcome, type Program } from '../guest/programs.ts';
import { writeBundle } from '../support/sandbox.ts';
import { crossBuild, crossCompile, missing, onMachine } from './machine.ts';

const reason = missing();
if (reason !== null) console.log(`arm64 tests are skipped: ${reason}`);

const only = process.env['RUNSC_ARM64_FAMILIES']?.split(',');
const families = readdirSync(join(import.meta.dirname, '../guest'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (only === undefined || only.includes(entry.name)))
  .map((entry) => entry.name)
  .filter((family) => programsOf(family).length > 0);
/** Our own: what only that processor has. */
const own = 'programs';
families.push(own);

/** On the machine: its own root is every container's, with the programs in /tests. */
const driver = `
set -u
cd "$1"
mkdir -p /opt/runsc /run/guest-root && cp -a tree/. /opt/runsc/ && cp -a tests /opt/tests
mount --bind / /run/guest-root
for bundle in bundles/*; do
  family=\${bundle##*/}
  mkdir -p "/run/bundles/$family" "/opt/work/$family"
  cp "$bundle/config.json" "/run/bundles/$family/"
  timeout -k 5 900 /opt/runsc/runsc/bin/runsc --root /run/state run --bundle "/run/bundles/$family" "$family" \\
    >"out/$family.txt" 2>"out/$family.err" </dev/null
  echo $? >"out/$family.status"
done
`;

describe.skipIf(reason !== null)('arm64', () => {
  let directory: string;
  const built = new Map<string, Program[]>();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-arm64-'));
    crossBuild(join(directory, 'tree'));
    mkdirSync(join(directory, 'out'));
    for (const family of families) {
      const programs = crossCompile(
        programsOf(family, family === own ? import.meta.dirname : undefined),
        join(directory, 'tests'),
      );
      built.set(family, programs);
      if (programs.length > 0) writeFamilyBundle(family, programs);
    }
    writeFileSync(join(directory, 'driver.sh'), driver);
    expect(await onMachine(directory, ['bash', join(directory, 'driver.sh'), directory])).toBe(0);
  }, 3_600_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function writeFamilyBundle(family: string, programs: readonly Program[]): void {
    const lines = programs.flatMap(({ name, onHostFiles }) => {
      const command = `timeout -k 1 100 /tests/${family}/${name} </dev/null 2>&1; echo "=== status $?"`;
      const inTmpfs = `echo "=== ${name}"; TEST_DIR=/tmp ${command}`;
      return onHostFiles
        ? [inTmpfs, `echo "=== ${name} on host files"; TEST_DIR=/work ${command}`]
        : [inTmpfs];
    });
    writeBundle(join(directory, 'bundles', family), {
      rootfs: '/run/guest-root',
      args: ['/bin/sh', '-c', lines.join('\n')],
      mounts: [
        { destination: '/tests', type: 'bind', source: '/opt/tests', options: ['bind', 'ro'] },
        { destination: '/work', type: 'bind', source: `/opt/work/${family}`, options: ['bind', 'rw'] },
      ],
    });
  }

  test.each(families)('%s', (family) => {
    const programs = built.get(family)!;
    if (programs.length === 0) return;
    const read = (extension: string): string =>
      readFileSync(join(directory, 'out', family + extension), 'latin1');
    expect(read('.err')).toBe('');
    const outcomes = parseOutput(read('.txt'));
    const failures = programs.flatMap(({ name, onHostFiles }) => [
      ...wrong(name, outcomes.get(name)),
      ...(onHostFiles ? wrong(`${name} on host files`, outcomes.get(`${name} on host files`)) : []),
    ]);
    expect(failures).toEqual([]);
    expect(read('.status').trim()).toBe('0');
  });
});

function wrong(name: string, outcome: Outcome | undefined): string[] {
  if (outcome === undefined) return [`${name}: it never started`];
  const checks = [...outcome.checks]
    .filter(([, verdict]) => verdict !== 'ok')
    .map(([, line]) => `${name}: ${line}`);
  return outcome.status === '0' ? checks : [...checks, `${name}: exit status ${outcome.status}`];
}
