// Around all tests: makes the directory for copies of trees, and afterwards looks whether the shared trees are as they
// were. A test that changes one makes others pass or fail by what ran before.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUFFIX = '.manifest';
const cache = process.env['RUNSC_TEST_CACHE'] ?? join(process.env['HOME'] ?? '/var/tmp', '.cache/runsc-test');

export default function setup(): () => void {
  const copies = mkdtempSync(join(tmpdir(), 'runsc-trees-'));
  chmodSync(copies, 0o755);
  process.env['RUNSC_TEST_COPIES'] = copies;
  const before = new Set(changes());
  if (before.size > 0) console.warn(`shared trees are not as they were made:\n${excerpt([...before])}`);
  return () => {
    rmSync(copies, { recursive: true, force: true });
    const found = changes().filter((line) => !before.has(line));
    if (found.length === 0) return;
    process.exitCode = 1; // Vitest only prints what is thrown here.
    throw new Error(`tests have changed shared trees:\n${excerpt(found)}`);
  };
}

/** What differs from the manifests, which the trees' scripts have written (kept.sh). */
function changes(): string[] {
  if (!existsSync(cache)) return [];
  const manifests = readdirSync(cache).filter((name) => name.endsWith(SUFFIX));
  return manifests.flatMap((manifest) => {
    const name = manifest.slice(0, -SUFFIX.length);
    if (!existsSync(join(cache, name))) return [];
    const then = lines(readFileSync(join(cache, manifest), 'latin1'));
    const script = join(import.meta.dirname, 'manifest.sh');
    const output = execFileSync(script, [join(cache, name)], { encoding: 'latin1', maxBuffer: 1 << 28 });
    const now = lines(output);
    const gone = [...then].filter((line) => !now.has(line)).map((line) => `${name}: - ${line}`);
    const come = [...now].filter((line) => !then.has(line)).map((line) => `${name}: + ${line}`);
    return [...gone, ...come];
  });
}

function lines(text: string): Set<string> {
  return new Set(text.split('\n'));
}

function excerpt(found: readonly string[]): string {
  return [...found.slice(0, 20), ...(found.length > 20 ? [`… ${found.length - 20} more`] : [])].join('\n');
}
