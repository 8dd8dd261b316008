/** Classic BPF: is this a program (bpf(4); Documentation/networking/filter.rst)? Sockets and seccomp ask the same. */

/** struct sock_filter. */
export const INSTRUCTION_SIZE = 8;
/** BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096;
export const SCRATCH_WORDS = 16;

/** Loads from here on are of what is known about a packet besides its bytes (SKF_AD_OFF). */
export const ANCILLARY = 0xfffff000;
/** What there is of it: SKF_AD_PROTOCOL to SKF_AD_VLAN_TPID, in steps of four. */
const ANCILLARY_END = ANCILLARY + 64;

const CLASS_LD = 0x00;
const CLASS_ALU = 0x04;
const CLASS_JMP = 0x05;
const SOURCE_X = 0x08;
const ST = 0x02;
const STX = 0x03;
const LD_MEM = 0x60;
const LDX_MEM = 0x61;
const JA = 0x05;
const RET_K = 0x06;
const RET_A = 0x16;

/** BPF_LD: words, halves and bytes, absolute and indexed; the length; constants and memory. */
const LOADS = [0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x00, LD_MEM];
/** BPF_LDX: the length, an IP header's length, constants and memory. TAX and TXA; the returns. */
const OTHERS = [0x81, 0xb1, 0x01, LDX_MEM, ST, STX, 0x07, 0x87, RET_K, RET_A];

const NEG = 0x80;
const XOR = 0xa0;
const JSET = 0x40;

/** Every instruction is known, jumps stay inside, the end is a return, and memory is written before it is read. */
export function isProgram(program: DataView): boolean {
  const count = program.byteLength / INSTRUCTION_SIZE;
  for (let pc = 0; pc < count; pc++) {
    const code = program.getUint16(INSTRUCTION_SIZE * pc, true);
    const k = program.getUint32(INSTRUCTION_SIZE * pc + 4, true);
    if (!isInstruction(code, k)) return false;
    if ((code & 7) === CLASS_JMP && !staysInside(program, pc, count)) return false;
  }
  const last = program.getUint16(INSTRUCTION_SIZE * (count - 1), true);
  return (last === RET_K || last === RET_A) && writesBeforeReads(program, count);
}

function isInstruction(code: number, k: number): boolean {
  switch (code) {
    case LD_MEM:
    case LDX_MEM:
    case ST:
    case STX:
      return k < SCRATCH_WORDS;
  }
  switch (code & 7) {
    case CLASS_LD:
      if (!LOADS.includes(code)) return false;
      // Absolute loads beyond the packet are of what is known besides.
      return (code & 0xe0) !== 0x20 || k < ANCILLARY || (k < ANCILLARY_END && (k & 3) === 0);
    case CLASS_ALU:
      return isArithmetic(code, k);
    case CLASS_JMP:
      return code === JA || ((code & 0xf0) >= 0x10 && (code & 0xf0) <= JSET && code <= 0x4d);
    default:
      return OTHERS.includes(code);
  }
}

function isArithmetic(code: number, k: number): boolean {
  const operation = code & 0xf0;
  if (code > 0xff || operation > XOR) return false;
  if (operation === NEG) return code === (NEG | CLASS_ALU);
  if ((code & SOURCE_X) !== 0) return true;
  // Neither by zero, nor by more than there is.
  if (operation === 0x30 || operation === 0x90) return k !== 0;
  return (operation !== 0x60 && operation !== 0x70) || k < 32;
}

function staysInside(program: DataView, pc: number, count: number): boolean {
  const at = INSTRUCTION_SIZE * pc;
  if (program.getUint16(at, true) === JA) return program.getUint32(at + 4, true) < count - pc - 1;
  return pc + 1 + program.getUint8(at + 2) < count && pc + 1 + program.getUint8(at + 3) < count;
}

/** Jumps go forward only, so that one pass knows which words every way to an instruction has written. */
function writesBeforeReads(program: DataView, count: number): boolean {
  const writtenAt = new Uint16Array(count).fill(0xffff);
  let written = 0;
  for (let pc = 0; pc < count; pc++) {
    const at = INSTRUCTION_SIZE * pc;
    const code = program.getUint16(at, true);
    const k = program.getUint32(at + 4, true);
    written &= writtenAt[pc]!;
    if (code === ST || code === STX) written |= 1 << k;
    else if (code === LD_MEM || code === LDX_MEM) {
      if ((written & (1 << k)) === 0) return false;
    } else if ((code & 7) === CLASS_JMP) {
      const targets = code === JA ? [k] : [program.getUint8(at + 2), program.getUint8(at + 3)];
      for (const target of targets) writtenAt[pc + 1 + target]! &= written;
      written = 0xffff;
    }
  }
  return true;
}
