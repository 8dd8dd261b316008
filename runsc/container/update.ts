// Changing a container's limits while it runs: the host's cgroup first, which may refuse, then the kernel inside, whose
// view of its machine follows.

import { attemptsV1, limitsV1 } from '../sandbox/cgroup-limits-v1.ts';
import { limitsV2 } from '../sandbox/cgroup-limits-v2.ts';
import { CgroupFiles, CgroupWriteError } from './cgroup-files.ts';
import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';
import { updateScope } from './systemd-scope.ts';

import type { RuntimeOptions } from './container.ts';
import type { CgroupSetting } from '../sandbox/cgroup-plan.ts';
import type { Resources } from '../spec/spec.ts';

/** What is missing or zero in `resources` stays as it is. Throws in runc's words; then nothing has changed. */
export async function updateContainer(
  options: RuntimeOptions,
  id: string,
  resources: Resources,
): Promise<void> {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') throw new Error('container not running');
  const files = new CgroupFiles(known.stored.cgroups);
  const undo = files.missing ? [] : apply(files, resources);
  try {
    await askSentry(known, { op: 'update', container: id, resources });
  } catch (error) {
    rollBack(files, undo);
    throw error;
  }
  if (known.stored.unit !== undefined) await updateScope(known.stored.unit, resources);
}

const V1_CONTROLLERS = ['memory', 'cpu', 'cpuset', 'pids', 'blkio', 'hugetlb', 'net_cls', 'net_prio', 'rdma'];

/** Writes every setting; on a failure writes back what was there and throws. Returns what was there. */
function apply(files: CgroupFiles, resources: Resources): CgroupSetting[] {
  const { set, attempt } = files.unified
    ? limitsV2(withCurrent(files, resources))
    : { set: limitsV1(V1_CONTROLLERS, resources), attempt: attemptsV1(V1_CONTROLLERS, resources) };
  const undo: CgroupSetting[] = [];
  for (const setting of inOrder(files, set)) {
    const before = files.read(setting.file);
    try {
      files.write(setting.file, setting.value);
    } catch (error) {
      rollBack(files, undo);
      throw explain(files, setting, error);
    }
    if (before !== undefined) undo.unshift({ file: setting.file, value: before });
  }
  for (const { file, value } of attempt) {
    try {
      files.write(file, value);
    } catch {
      // A kernel without this scheduler has no such file.
    }
  }
  return undo;
}

/** cpu.max holds quota and period, and swap is counted with memory: the half that isn't given is what it was. */
function withCurrent(files: CgroupFiles, resources: Resources): Resources {
  const { cpu, memory } = resources;
  const [quota = 'max', period = '100000'] = (files.read('cpu.max') ?? '').split(' ');
  return {
    ...resources,
    ...(cpu === undefined || (!cpu.quota && !cpu.period)
      ? {}
      : {
          cpu: {
            ...cpu,
            quota: cpu.quota || (quota === 'max' ? -1 : Number(quota)),
            period: cpu.period || Number(period),
          },
        }),
    ...(memory?.swap === undefined || memory.swap <= 0 || memory.limit
      ? {}
      : { memory: { ...memory, limit: Number(files.read('memory.max') ?? 0) } }),
  };
}

/** The kernel keeps memory at or below memory and swap together: when both grow, the larger one goes first. */
function inOrder(files: CgroupFiles, settings: CgroupSetting[]): CgroupSetting[] {
  const memory = settings.findIndex(({ file }) => file === 'memory.limit_in_bytes');
  const both = settings.findIndex(({ file }) => file === 'memory.memsw.limit_in_bytes');
  if (memory < 0 || both < 0) return settings;
  const now = Number(files.read('memory.memsw.limit_in_bytes') ?? 0);
  const wanted = Number(settings[both]!.value);
  if (wanted !== -1 && wanted <= now) return settings;
  const ordered = settings.filter((_, index) => index !== both);
  ordered.splice(memory, 0, settings[both]!);
  return ordered;
}

function rollBack(files: CgroupFiles, undo: readonly CgroupSetting[]): void {
  for (const { file, value } of undo) {
    try {
      files.write(file, value);
    } catch {
      // The value was valid before; if it isn't now, there is nothing better to write.
    }
  }
}

/** EBUSY: the container uses more than the limit already. */
function explain(files: CgroupFiles, { file, value }: CgroupSetting, error: unknown): unknown {
  if (!(error instanceof CgroupWriteError) || error.code !== 'EBUSY') return error;
  if (file !== 'memory.limit_in_bytes') return error;
  const usage = files.read('memory.usage_in_bytes') ?? '0';
  const peak = files.read('memory.max_usage_in_bytes') ?? '0';
  return new Error(`unable to set memory limit to ${value} (current usage: ${usage}, peak usage: ${peak})`, {
    cause: error,
  });
}
