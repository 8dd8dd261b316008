// Pods: which running sandbox a container belongs to, and whose namespaces in it the container shares.

import { readdirSync, statSync } from 'node:fs';

import { findContainer } from './state.ts';

import type { KnownContainer } from './state.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import type { Spec } from '../spec/spec.ts';

/** How containerd's CRI plugin and CRI-O say what a container is: keys of its kind and of its sandbox's id. */
const ANNOTATIONS = [
  ['io.kubernetes.cri.container-type', 'io.kubernetes.cri.sandbox-id'],
  ['io.kubernetes.cri-o.ContainerType', 'io.kubernetes.cri-o.SandboxID'],
] as const;

/** Namespaces that the Sentry keeps; a network namespace is the host's. */
const KEPT = ['pid', 'uts', 'ipc'] as const;
type Kept = (typeof KEPT)[number];

export type SharedNamespaces = BootDocument['shared'];

export interface Pod {
  /** The container that the sandbox was started for. */
  readonly sandbox: KnownContainer;
  readonly shared: SharedNamespaces;
}

/**
 * The sandbox that a container is to join; null for one that gets a sandbox of its own. Either its annotations name
 * it, or it shares a namespace, by /proc/PID/ns/…, with a container of ours. Throws when a named one is not running.
 */
export function findPod(root: string, id: string, spec: Spec): Pod | null {
  const named = namedSandbox(spec);
  const sandbox = named === null ? sandboxByNamespace(root, spec) : running(root, named);
  if (sandbox === null || sandbox.stored.id === id) return null;
  return { sandbox, shared: sharedNamespaces(root, sandbox, spec) };
}

/**
 * What the host applies to the cgroup of a container. A pod's sandbox is asked for with next to no CPU time, which
 * would do for a pause program, but here its cgroup holds the kernel of all containers of the pod.
 */
export function hostSpec(spec: Spec): Spec {
  const cpu = spec.linux?.resources?.cpu;
  if (!isSandbox(spec) || cpu?.shares === undefined) return spec;
  const { shares: _, ...rest } = cpu;
  return { ...spec, linux: { ...spec.linux, resources: { ...spec.linux!.resources, cpu: rest } } };
}

function isSandbox({ annotations = {} }: Spec): boolean {
  return ANNOTATIONS.some(([type]) => annotations[type] === 'sandbox');
}

function namedSandbox({ annotations = {} }: Spec): string | null {
  for (const [type, sandbox] of ANNOTATIONS) {
    const id = annotations[sandbox];
    if (annotations[type] === 'container' && id !== undefined && id !== '') return id;
  }
  return null;
}

function running(root: string, id: string): KnownContainer {
  let known: KnownContainer;
  try {
    known = findContainer(root, id);
  } catch (cause) {
    throw new Error(`sandbox ${id} of this container does not exist`, { cause });
  }
  // A container in a pod can be named too, and stands for its sandbox.
  const { sandbox } = known.stored;
  if (sandbox !== undefined) return running(root, sandbox);
  if (known.status === 'stopped') throw new Error(`sandbox ${id} of this container is not running`);
  return known;
}

function sandboxByNamespace(root: string, spec: Spec): KnownContainer | null {
  for (const type of KEPT) {
    const pid = standInOf(namespacePath(spec, type));
    const owner = pid === null ? undefined : listKnown(root).find(({ stored }) => stored.pid === pid);
    if (owner !== undefined && owner.status !== 'stopped') {
      return owner.stored.sandbox === undefined ? owner : running(root, owner.stored.sandbox);
    }
  }
  return null;
}

/**
 * A namespace without a path is the container's own. One of a stand-in is the one of the container that it stands for;
 * any other, pinned by the manager or the host's (which an absent entry means too), is the sandbox's.
 */
function sharedNamespaces(root: string, sandbox: KnownContainer, spec: Spec): SharedNamespaces {
  const shared: { -readonly [K in Kept]?: string } = {};
  for (const type of KEPT) {
    const path = namespacePath(spec, type);
    if (path === '') continue;
    const pid = standInOf(path);
    const owner =
      pid === null || pid === sandbox.stored.pid
        ? undefined
        : listKnown(root).find(({ stored }) => stored.pid === pid && stored.sandbox === sandbox.stored.id);
    shared[type] = owner?.stored.id ?? '';
  }
  return shared;
}

/** Empty for a new namespace, null for none. */
function namespacePath({ linux }: Spec, type: Kept): string | null {
  const namespace = linux?.namespaces?.find((candidate) => candidate.type === type);
  return namespace === undefined ? null : (namespace.path ?? '');
}

/** The process whose namespace the path means. */
function standInOf(path: string | null): number | null {
  const match = /^\/proc\/(\d+)\/ns\/[a-z_]+$/.exec(path ?? '');
  return match === null ? null : Number(match[1]);
}

function listKnown(root: string): KnownContainer[] {
  const known: KnownContainer[] = [];
  for (const name of statSync(root, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(root)) {
    try {
      known.push(findContainer(root, name));
    } catch {
      // Being made or removed at this moment, or not a container's directory.
    }
  }
  return known;
}
