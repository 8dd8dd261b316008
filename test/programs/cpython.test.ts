// CPython's own tests of sockets, ssl, asyncio and servers: each case has to end in the sandbox as it does under runc.
// What came of them under runc is kept beside the tests, as it is a matter of the machine.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { cpythonTests, MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, sandbox, type RunResult } from '../support/sandbox.ts';

import type { Mount } from '../../runsc/spec/spec.ts';

const here = join(import.meta.dirname, 'cpython');
const readOnly = (destination: string, source: string): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', 'ro'],
});

type Mode = 'none' | 'host';

/** One after the other: some cases look at clocks, for ten milliseconds. */
const groups: Record<string, { modules: readonly string[]; atLeast: number; modes: readonly Mode[] }> = {
  'sockets, select, epoll': {
    modules: ['test_socket', 'test_select', 'test_epoll', 'test_socketserver'],
    atLeast: 600,
    modes: ['none', 'host'],
  },
  'ssl and http': {
    modules: ['test_ssl', 'test_httplib', 'test_urllib2_localnet'],
    atLeast: 280,
    modes: ['none', 'host'],
  },
  asyncio: { modules: ['test_asyncio'], atLeast: 2000, modes: ['none'] },
};

describe.skipIf(!canRun)("CPython's own tests", () => {
  beforeAll(() => void cpythonTests(), MAKING_MS);

  test.each(Object.entries(groups))('%s', { timeout: 1_700_000 }, async (_name, group) => {
    const linux = casesOf(await underRunc(group.modules));
    const passed = [...linux.values()].filter((how) => how === 'ok').length;
    expect(passed, 'cases that pass under runc').toBeGreaterThan(group.atLeast);
    for (const mode of group.modes) {
      const ours = await run(runsc, group.modules, mode);
      expect(ours, mode).toMatchObject({ status: 0, timedOut: false, leftovers: [], stderr: '' });
      const different = differences(casesOf(ours.stdout), linux);
      const still = await differentAgain(different, mode);
      expect(still, `${mode}\n${explanation(ours.stdout)}`).toEqual([]);
    }
  });
});

function run(runtime: string, modules: readonly string[], mode: Mode = 'none'): Promise<RunResult> {
  return sandbox({
    runtime,
    rootfs: rootfs('debian'),
    args: ['/usr/bin/python3', '/cpython/run.py', ...modules],
    mounts: [
      readOnly('/usr/lib/python3.11/test', cpythonTests()),
      readOnly('/cpython', here),
      readOnly('/etc/hosts', join(here, 'hosts')),
      readOnly('/etc/services', join(here, 'services')),
    ],
    // As container engines set it: everybody may ping.
    sysctl: { 'net.ipv4.ping_group_range': '0 2147483647' },
    timeoutMs: 800_000,
    flags: ['--network', mode],
    // Before whatever else the machine does: it is clocks that some cases look at.
    resources: { cpu: { shares: 262144 } },
  });
}

/**
 * As CPython's own runner has it, what fails is run again by itself: some cases give up after milliseconds in which a
 * busy machine does something else. Those that end otherwise each time.
 */
async function differentAgain(cases: readonly string[], mode: Mode): Promise<string[]> {
  let names = [...cases];
  for (let again = 0; again < 3 && names.length > 0 && names.length < 20; again++) {
    const modules = names.map((name) => name.replace(/^test\./, ''));
    const linux = casesOf((await run('runc', modules)).stdout);
    const ours = casesOf((await run(runsc, modules, mode)).stdout);
    names = names.filter((name) => !ours.has(name) || ours.get(name) !== linux.get(name));
  }
  return names;
}

/** What they print under runc, once for each kernel and each change of what is run. */
async function underRunc(modules: readonly string[]): Promise<string> {
  const tree = cpythonTests();
  const inputs = [
    release(),
    tree,
    modules.join(),
    ...['run.py', 'hosts', 'services'].map((name) => text(name)),
  ];
  const key = createHash('sha256').update(inputs.join('\0')).digest('hex').slice(0, 12);
  const kept = join(dirname(tree), `cpython-results-${key}`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { stdout, status, timedOut } = await run('runc', modules);
  expect({ status, timedOut }, 'they have to end under runc').toEqual({ status: 0, timedOut: false });
  writeFileSync(kept, stdout);
  return stdout;
}

function text(name: string): string {
  return readFileSync(join(here, name), 'utf8');
}

/** How each case ended, by its name; lines that begin with # tell why one failed. */
function casesOf(output: string): Map<string, string> {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

/** The cases that ended otherwise. */
function differences(ours: Map<string, string>, linux: Map<string, string>): string[] {
  return [...new Set([...ours.keys(), ...linux.keys()])].filter((name) => ours.get(name) !== linux.get(name));
}

/** The end of what failed cases said. */
function explanation(output: string): string {
  const lines = output.split('\n');
  return lines
    .filter((line, i) => / (ERROR|FAIL)/.test(line) || /^#/.test(line) || /^#/.test(lines[i + 1] ?? ''))
    .slice(-60)
    .join('\n');
}
