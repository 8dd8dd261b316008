// Runs a shell script in a Debian root filesystem under runc and in the sandbox: both have to print the same and
// end the same, and leave nothing behind.

import { expect } from 'vitest';

import { rootfs } from '../support/rootfs.ts';
import { runsc, sandbox, type RunOptions, type RunResult } from '../support/sandbox.ts';

export interface CaseOptions extends Partial<Omit<RunOptions, 'rootfs' | 'args'>> {
  /** The root filesystem; `debian` if not said. */
  readonly tree?: 'debian' | 'net';
  /** Runs in the sandbox once for each of these sets of flags. */
  readonly flagSets?: readonly (readonly string[])[];
}

/** Runs `script` with bash in our sandbox. */
export function inSandbox(script: string, options: CaseOptions = {}): Promise<RunResult> {
  return sandbox({
    rootfs: rootfs(options.tree ?? 'debian'),
    args: ['/bin/bash', '-c', script],
    timeoutMs: 400_000,
    ...options,
  });
}

/** Expects the same output and status as under runc. What differs from run to run is for the script to hide. */
export async function sameAsRunc(script: string, options: CaseOptions = {}): Promise<RunResult> {
  const linux = await inSandbox(script, { ...options, runtime: 'runc' });
  expect(linux.timedOut, 'the case itself has to work under runc').toBe(false);
  const { stdout, stderr, status } = linux;
  for (const flags of options.flagSets ?? [options.flags ?? []]) {
    const ours = await inSandbox(script, { ...options, flags, runtime: runsc });
    expect(ours, flags.join(' ')).toEqual({ stdout, stderr, status, timedOut: false, leftovers: [] });
  }
  return linux;
}
