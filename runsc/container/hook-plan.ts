// The hooks of a container's life as the launcher runs them. startContainer hooks run inside: they are the Sentry's.

import type { RunRequest } from './container.ts';
import type { LaunchPlan } from '../sandbox/launch-plan.ts';

const HOST_KINDS = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;

export function addHooks(plan: LaunchPlan, { id, bundle, spec }: RunRequest, rootfs: string): void {
  const hooks = HOST_KINDS.flatMap((kind) => (spec.hooks?.[kind] ?? []).map((hook) => ({ kind, hook })));
  if (hooks.length === 0) return;
  for (const { kind, hook } of hooks) {
    plan.add('hook.kind', kind).add('hook.path', hook.path);
    plan.addAll('hook.arg', hook.args ?? []).addAll('hook.env', hook.env ?? []);
    if (hook.timeout !== undefined) plan.add('hook.timeout', hook.timeout);
  }
  const { ociVersion, annotations } = spec;
  const tail = { bundle, ...(annotations === undefined ? {} : { annotations }) };
  plan
    .add('hook.state.head', `${JSON.stringify({ ociVersion, id }).slice(0, -1)},`)
    .add('hook.state.tail', JSON.stringify(tail).slice(1))
    .add('hook.bundle', bundle)
    .add('hook.rootfs', rootfs);
}
