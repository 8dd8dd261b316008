// The process of `exec` that is the container's own but for its command line and what flags say.

import type { Capabilities, Process, User } from './spec.ts';

/** What is absent stays as it is. The native front writes these too (native/launcher/exec_front.cc). */
export interface ExecOverrides {
  readonly args: readonly string[];
  /** More variables. */
  readonly env: readonly string[];
  readonly terminal: boolean;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** More groups. */
  readonly additionalGids?: readonly number[];
  readonly noNewPrivileges?: true;
  /** More capabilities. */
  readonly capabilities?: readonly string[];
}

export function overrideProcess(own: Process, overrides: ExecOverrides): Process {
  const { args, env, terminal, cwd = own.cwd, noNewPrivileges, capabilities = [] } = overrides;
  return {
    ...own,
    args,
    cwd,
    env: [...(own.env ?? []), ...env],
    terminal,
    user: overrideUser(own.user ?? {}, overrides),
    ...(noNewPrivileges === undefined ? {} : { noNewPrivileges }),
    ...(capabilities.length === 0
      ? {}
      : { capabilities: withCapabilities(own.capabilities ?? {}, capabilities) }),
  };
}

function overrideUser(own: User, { uid, gid, additionalGids = [] }: ExecOverrides): User {
  const gids = [...(own.additionalGids ?? []), ...additionalGids];
  return {
    ...own,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(gids.length === 0 ? {} : { additionalGids: gids }),
  };
}

/** As runc: neither inheritable nor ambient, so that only root has any use of them. */
function withCapabilities(own: Capabilities, names: readonly string[]): Capabilities {
  return {
    ...own,
    bounding: [...(own.bounding ?? []), ...names],
    effective: [...(own.effective ?? []), ...names],
    permitted: [...(own.permitted ?? []), ...names],
  };
}
