// The devices of a v2 cgroup: a BPF program that the kernel asks about each open and mknod (bpf(2),
// BPF_PROG_TYPE_CGROUP_DEVICE). cgroup v1 has files for it.

import type { DeviceEntry, DeviceList } from './device-rules.ts';

// linux/bpf.h
const BPF_LDX_MEM_W = 0x61;
const BPF_MOV64_IMM = 0xb7;
const BPF_MOV32_REG = 0xbc;
const BPF_AND32_IMM = 0x54;
const BPF_RSH32_IMM = 0x74;
const BPF_JNE_IMM = 0x55;
const BPF_JEQ_IMM = 0x15;
const BPF_JNE_REG = 0x5d;
const BPF_EXIT = 0x95;
const BPF_DEVCG_DEV = { b: 1, c: 2 } as const;
const BPF_DEVCG_ACC = { m: 1, r: 2, w: 4 } as const;
const ALL_ACCESS = 7;

// struct bpf_cgroup_dev_ctx: the access above the type, then the numbers.
const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;
const SCRATCH = 1;

const INSTRUCTION_BYTES = 8;

interface Instruction {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly off?: number;
  readonly imm?: number;
}

/** Its instructions in hexadecimal; null when everything is allowed. */
export function deviceProgram({ allowAll, entries }: DeviceList): string | null {
  if (allowAll && entries.length === 0) return null;
  const program: Instruction[] = [
    { code: BPF_LDX_MEM_W, dst: TYPE, src: CONTEXT, off: 0 },
    { code: BPF_LDX_MEM_W, dst: MAJOR, src: CONTEXT, off: 4 },
    { code: BPF_LDX_MEM_W, dst: MINOR, src: CONTEXT, off: 8 },
    { code: BPF_MOV32_REG, dst: ACCESS, src: TYPE },
    { code: BPF_AND32_IMM, dst: TYPE, imm: 0xffff },
    { code: BPF_RSH32_IMM, dst: ACCESS, imm: 16 },
    ...entries.flatMap((entry) => block(entry, allowAll)),
    { code: BPF_MOV64_IMM, dst: 0, imm: allowAll ? 1 : 0 },
    { code: BPF_EXIT },
  ];
  return Buffer.concat(program.map(encode)).toString('hex');
}

/** Answers for what the entry speaks of, or goes on behind itself. */
function block({ type, major, minor, access }: DeviceEntry, denies: boolean): Instruction[] {
  const bits = [...access].reduce((sum, letter) => sum | BPF_DEVCG_ACC[letter as 'r' | 'w' | 'm'], 0);
  const tests: Instruction[] = [{ code: BPF_JNE_IMM, dst: TYPE, imm: BPF_DEVCG_DEV[type] }];
  if (bits !== ALL_ACCESS) {
    tests.push(
      { code: BPF_MOV32_REG, dst: SCRATCH, src: ACCESS },
      { code: BPF_AND32_IMM, dst: SCRATCH, imm: bits },
      // Denied when any of it is asked for, allowed when nothing else is.
      denies ? { code: BPF_JEQ_IMM, dst: SCRATCH, imm: 0 } : { code: BPF_JNE_REG, dst: SCRATCH, src: ACCESS },
    );
  }
  if (major >= 0) tests.push({ code: BPF_JNE_IMM, dst: MAJOR, imm: major });
  if (minor >= 0) tests.push({ code: BPF_JNE_IMM, dst: MINOR, imm: minor });
  const answer: Instruction[] = [{ code: BPF_MOV64_IMM, dst: 0, imm: denies ? 0 : 1 }, { code: BPF_EXIT }];
  const length = tests.length + answer.length;
  const jumps: readonly number[] = [BPF_JNE_IMM, BPF_JEQ_IMM, BPF_JNE_REG];
  const placed = tests.map((test, index) =>
    jumps.includes(test.code) ? { ...test, off: length - index - 1 } : test,
  );
  return [...placed, ...answer];
}

function encode({ code, dst = 0, src = 0, off = 0, imm = 0 }: Instruction): Buffer {
  const bytes = Buffer.alloc(INSTRUCTION_BYTES);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(dst | (src << 4), 1);
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm | 0, 4);
  return bytes;
}
