/** config.json's linux.seccomp as the kernel's policy: names to numbers, actions to SECCOMP_RET_ values. */
import {
  RET_ALLOW,
  RET_ERRNO,
  RET_KILL_PROCESS,
  RET_KILL_THREAD,
  RET_LOG,
  RET_TRACE,
  RET_TRAP,
} from '../../sentry/kernel/seccomp.ts';
import { type ArgCondition, type PolicyRule, SeccompPolicy } from '../../sentry/kernel/seccomp-policy.ts';
import { rows } from '../../syscalls/table/index.ts';
import type { Seccomp, SeccompRule } from '../spec/spec-linux.ts';
import { StartError } from './start-error.ts';

const EPERM = 1;
const WORD = 4294967296;

type SpecCondition = NonNullable<SeccompRule['args']>[number];

/** The policy of init and all that it starts. */
export function seccompPolicy(spec: Seccomp): SeccompPolicy {
  const numbers = new Map(rows.map((row) => [row.name, row.number]));
  const rules = (spec.syscalls ?? []).flatMap((rule): PolicyRule[] => {
    const known = rule.names.map((name) => numbers.get(name)).filter((nr) => nr !== undefined);
    const verdict = verdictOf(rule.action, rule.errnoRet);
    return alternatives(rule.args ?? []).map((conditions) => ({ numbers: known, verdict, conditions }));
  });
  return new SeccompPolicy(verdictOf(spec.defaultAction, spec.defaultErrnoRet), rules);
}

function verdictOf(action: string, errnoRet = EPERM): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return RET_ALLOW;
    case 'SCMP_ACT_ERRNO':
      return RET_ERRNO | (errnoRet & 0xffff);
    case 'SCMP_ACT_LOG':
      return RET_LOG;
    case 'SCMP_ACT_TRACE':
      return RET_TRACE | (errnoRet & 0xffff);
    case 'SCMP_ACT_TRAP':
      return RET_TRAP;
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return RET_KILL_THREAD;
    case 'SCMP_ACT_KILL_PROCESS':
      return RET_KILL_PROCESS;
    default:
      throw new StartError(`config.json: linux.seccomp: ${action} is not supported`);
  }
}

/** Conditions on different arguments must all hold; several on one argument are alternatives, as in runc. */
function alternatives(args: readonly SpecCondition[]): ArgCondition[][] {
  const all = args.map(conditionOf);
  const indexes = new Set(all.map((condition) => condition.index));
  return indexes.size === all.length ? [all] : all.map((condition) => [condition]);
}

function conditionOf(arg: SpecCondition): ArgCondition {
  const data = arg.valueTwo ?? 0;
  return {
    index: arg.index,
    op: operator(arg.op),
    lo: arg.value % WORD,
    hi: Math.floor(arg.value / WORD),
    dataLo: data % WORD,
    dataHi: Math.floor(data / WORD),
  };
}

function operator(name: string): ArgCondition['op'] {
  switch (name) {
    case 'SCMP_CMP_NE':
      return 'ne';
    case 'SCMP_CMP_LT':
      return 'lt';
    case 'SCMP_CMP_LE':
      return 'le';
    case 'SCMP_CMP_EQ':
      return 'eq';
    case 'SCMP_CMP_GE':
      return 'ge';
    case 'SCMP_CMP_GT':
      return 'gt';
    case 'SCMP_CMP_MASKED_EQ':
      return 'masked-eq';
    default:
      throw new StartError(`config.json: linux.seccomp: ${name} is not a comparison`);
  }
}
