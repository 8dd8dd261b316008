/** The document of an exec request: a process, which the command line has checked, or the native front has not. */
import { addon } from '../../native/addon.ts';
import * as capabilities from '../../sentry/abi/capability.ts';
import * as resource from '../../sentry/abi/resource.ts';
import type { ExecRequest } from '../sandbox/control-messages.ts';
import { overrideProcess } from '../spec/exec-process.ts';
import type { Process, Spec } from '../spec/spec.ts';

const DOCUMENT_LIMIT_BYTES = 64 << 20;

/** Null for a document that isn't one, or is to be looked at by the command line first. */
export function readProcess(fd: number, { unchecked, overrides }: ExecRequest): Process | null {
  const document = readJson(fd);
  if (unchecked !== true) return document as Process | null;
  if (overrides === undefined) return isPlainProcess(document) ? document : null;
  const own = (document as Spec | null)?.process;
  // Checked before, so that what is put together from it can be.
  if (own === undefined || !isPlainProcess({ ...own, args: ['-'] })) return null;
  const process = overrideProcess(own, overrides);
  return isPlainProcess(process) ? process : null;
}

function readJson(fd: number): unknown {
  if (fd < 0) return null;
  const numbers = new Float64Array(16);
  addon.fstat(fd, numbers);
  const bytes = Buffer.allocUnsafe(Math.min(numbers[7]!, DOCUMENT_LIMIT_BYTES));
  const length = addon.pread(fd, bytes, 0, bytes.length, 0);
  addon.close(fd);
  try {
    return JSON.parse(bytes.toString('utf8', 0, Math.max(length, 0)));
  } catch {
    return null;
  }
}

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string' && !value.includes('\0');
const flag: Check = (value) => typeof value === 'boolean';
const count: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const id: Check = (value) => count(value) && (value as number) <= 0x7fffffff;
const mask: Check = (value) => count(value) && (value as number) <= 0xffffffff;
const list =
  (each: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(each);
const object =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([key, member]) => Object.hasOwn(members, key) && members[key]!(member));

const capability: Check = (value) =>
  typeof value === 'string' && /^CAP_/.test(value) && value in capabilities;
const capabilityList = list(capability);

const process = object({
  terminal: (value) => value === false,
  user: object({ uid: id, gid: id, umask: mask, additionalGids: list(id), username: text }),
  args: (value) => list(text)(value) && (value as string[]).length > 0,
  env: list((value) => text(value) && (value as string).indexOf('=') > 0),
  cwd: (value) => text(value) && (value as string).startsWith('/'),
  capabilities: object({
    bounding: capabilityList,
    effective: capabilityList,
    inheritable: capabilityList,
    permitted: capabilityList,
    ambient: capabilityList,
  }),
  rlimits: (value) => list(rlimit)(value) && distinct((value as { type: string }[]).map(({ type }) => type)),
  noNewPrivileges: flag,
  oomScoreAdj: (value) => Number.isInteger(value) && Math.abs(value as number) <= 1000,
  apparmorProfile: (value) => value === '',
  selinuxLabel: (value) => value === '',
});

function rlimit(value: unknown): boolean {
  const known = object({ type: text, soft: count, hard: count })(value);
  if (!known) return false;
  const { type, soft, hard } = value as { type?: string; soft?: number; hard?: number };
  return type?.startsWith('RLIMIT_') === true && type in resource && soft! <= hard!;
}

function distinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

/** Without anything that the command line would refuse or warn of: runsc/spec has the rules. */
function isPlainProcess(value: unknown): value is Process {
  return process(value) && 'args' in (value as object) && 'cwd' in (value as object);
}
