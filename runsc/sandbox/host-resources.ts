// How much of the host a container may use: what its nproc and MemTotal are made from.

import { availableParallelism, totalmem } from 'node:os';

import { cpuCount } from './cpu-count.ts';

import type { Resources } from '../spec/spec.ts';

export interface HostShare {
  readonly cpuCount: number;
  /** Without quota and cpuset. */
  readonly hostCpuCount: number;
  /** 0 for no limit. */
  readonly memoryLimitBytes: number;
  readonly hostMemoryBytes: number;
  /** 0 for no limit. */
  readonly pidsLimit: number;
  /** oom_score_adj of the processes that guest code runs in. */
  readonly stubOomScore: number;
}

/** More than the Sentry and the gofer take together, shared pages counted with each. */
const PROGRAMS_BYTES = 200 << 20;
const MAX_OOM_SCORE = 1000;

/** linux.resources against the machine: the caller's affinity, the cpuset, the quota. */
export function hostShare(resources: Resources, oomScoreAdj = 0): HostShare {
  const memoryLimitBytes = Math.max(resources.memory?.limit ?? 0, 0);
  const hostMemoryBytes = totalmem();
  const hostCpuCount = availableParallelism();
  return {
    cpuCount: cpuCount(resources, hostCpuCount),
    hostCpuCount,
    memoryLimitBytes,
    hostMemoryBytes,
    stubOomScore: stubOomScore(memoryLimitBytes || hostMemoryBytes, oomScoreAdj),
    pidsLimit: Math.max(resources.pids?.limit ?? 0, 0),
  };
}

/**
 * When memory runs out a guest process is to die, not what keeps the container: it counts for as many thousandths of
 * the memory there is as those programs may take, on top of what config.json asks for.
 */
export function stubOomScore(memoryBytes: number, oomScoreAdj: number): number {
  const programs = Math.ceil((PROGRAMS_BYTES / memoryBytes) * MAX_OOM_SCORE);
  return Math.min(MAX_OOM_SCORE, programs + Math.max(0, oomScoreAdj));
}
