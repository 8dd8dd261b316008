/** Who may look into a process: ptrace(2) "Ptrace access mode checking", and proc(5)'s hidepid. */
import { CAP_SYS_PTRACE } from '../../abi/capability.ts';
import { EACCES } from '../../abi/errno.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { ProcContext } from './context.ts';

/** PTRACE_MODE_READ_FSCREDS: 0 or -EACCES. */
export function mayInspect(ctx: CallerContext, target: Task): number {
  const caller = ctx as Task;
  if (caller.group === target.group) return 0;
  if (caller.creds.hasCap(CAP_SYS_PTRACE)) return 0;
  if (!sameOwner(caller.creds, target.creds)) return -EACCES;
  if (target.group.dumpable !== 1) return -EACCES;
  // Nobody looks into a process that can do more than himself.
  const { permitted } = target.creds;
  const { effective } = caller.creds;
  const beyond = (permitted.lo & ~effective.lo) | (permitted.hi & ~effective.hi);
  return beyond === 0 ? 0 : -EACCES;
}

function sameOwner(caller: Credentials, target: Credentials): boolean {
  const { fsuid, fsgid } = caller;
  return (
    fsuid === target.euid &&
    fsuid === target.suid &&
    fsuid === target.uid &&
    fsgid === target.egid &&
    fsgid === target.sgid &&
    fsgid === target.gid
  );
}

/** Does the mount's hidepid= let the caller know of (level 2) or look into (level 1) this process? */
export function visible(proc: ProcContext, ctx: CallerContext, target: Task, level: number): boolean {
  const { hidepid, gid } = proc.options;
  if (hidepid < level || ctx.creds.inGroup(gid)) return true;
  return mayInspect(ctx, target) === 0;
}
