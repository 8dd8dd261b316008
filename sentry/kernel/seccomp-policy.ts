/** The container's own system call policy (config-linux.md, "Seccomp"), as a table instead of a program. */
import { ENOSYS } from '../abi/errno.ts';
import type { Kernel } from './kernel.ts';
import type { SeccompLink } from './seccomp.ts';
import { RET_ALLOW, RET_ERRNO, RET_LOG, actOnVerdict } from './seccomp.ts';
import type { Task } from './task.ts';

/** One condition on an argument; 64-bit values as two words. */
export interface ArgCondition {
  readonly index: number;
  readonly op: 'ne' | 'lt' | 'le' | 'eq' | 'ge' | 'gt' | 'masked-eq';
  readonly lo: number;
  readonly hi: number;
  /** masked-eq: what the masked argument must be. */
  readonly dataLo: number;
  readonly dataHi: number;
}

export interface PolicyRule {
  readonly numbers: readonly number[];
  /** SECCOMP_RET_ value with its data. */
  readonly verdict: number;
  /** All must hold; none: always. */
  readonly conditions: readonly ArgCondition[];
}

interface Conditional {
  readonly verdict: number;
  readonly conditions: readonly ArgCondition[];
}

export class SeccompPolicy implements SeccompLink {
  readonly mode = 2;
  readonly totalLength: number;
  readonly previous = null;
  /** By syscall number; a hole: the default. */
  private readonly always: (number | undefined)[] = [];
  private readonly sometimes = new Map<number, Conditional[]>();
  private readonly fallback: number;
  /** Calls newer than all that the policy's author knew answer ENOSYS, so that libraries fall back (as runc does). */
  private readonly newest: number;

  constructor(fallback: number, rules: readonly PolicyRule[]) {
    this.fallback = fallback;
    let newest = -1;
    for (const rule of rules) {
      for (const nr of rule.numbers) {
        newest = Math.max(newest, nr);
        if (rule.verdict !== fallback) this.add(nr, rule);
      }
    }
    const action = fallback & 0xffff0000;
    this.newest = action === RET_ALLOW || action === RET_LOG ? Infinity : newest;
    // Dense, so that the look-up of each call stays a plain load.
    for (let nr = 0; nr <= newest; nr++) this.always[nr] = this.always[nr];
    this.totalLength = rules.length * 4;
  }

  check(kernel: Kernel, task: Task): number | null {
    const verdict = this.verdict(task);
    return verdict === RET_ALLOW ? null : actOnVerdict(kernel, task, verdict);
  }

  verdict(task: Task): number {
    const { nr } = task;
    const always = this.always[nr];
    if (always !== undefined) return always;
    const list = this.sometimes.get(nr);
    if (list !== undefined) {
      for (const rule of list)
        if (rule.conditions.every((condition) => holds(task.args, condition))) return rule.verdict;
    }
    return nr > this.newest ? RET_ERRNO | ENOSYS : this.fallback;
  }

  allows(calls: readonly number[]): boolean {
    return calls.every((nr) => {
      if (this.sometimes.has(nr) && this.always[nr] === undefined) return false;
      return (this.always[nr] ?? (nr > this.newest ? RET_ERRNO : this.fallback)) === RET_ALLOW;
    });
  }

  /** A rule without conditions makes those with some irrelevant (seccomp_rule_add(3)). */
  private add(nr: number, rule: PolicyRule): void {
    if (rule.conditions.length === 0) {
      this.always[nr] = rule.verdict;
      return;
    }
    const list = this.sometimes.get(nr);
    if (list === undefined) this.sometimes.set(nr, [rule]);
    else list.push(rule);
  }
}

function holds(args: Int32Array, condition: ArgCondition): boolean {
  const lo = args[2 * condition.index]! >>> 0;
  const hi = args[2 * condition.index + 1]! >>> 0;
  if (condition.op === 'masked-eq') {
    return (lo & condition.lo) >>> 0 === condition.dataLo && (hi & condition.hi) >>> 0 === condition.dataHi;
  }
  const order = hi !== condition.hi ? hi - condition.hi : lo - condition.lo;
  switch (condition.op) {
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
    case 'eq':
      return order === 0;
    case 'ge':
      return order >= 0;
    default:
      return order > 0;
  }
}
