/** Classic BPF as seccomp(2) uses it: the checker and the interpreter. */

const BPF_LD_W_ABS = 0x20;
const BPF_LD_W_LEN = 0x80;
const BPF_LDX_W_LEN = 0x81;
const BPF_RET_K = 0x06;
const BPF_RET_A = 0x16;
const BPF_LD_IMM = 0x00;
const BPF_LDX_IMM = 0x01;
const BPF_LD_MEM = 0x60;
const BPF_LDX_MEM = 0x61;
const BPF_ST = 0x02;
const BPF_STX = 0x03;
const BPF_TAX = 0x07;
const BPF_TXA = 0x87;
const BPF_JA = 0x05;
const CLASS_ALU = 0x04;
const CLASS_JMP = 0x05;
const SOURCE_X = 0x08;

export const SECCOMP_DATA_SIZE = 64;
const SCRATCH_WORDS = 16;
const RET_KILL_THREAD = 0;

/** seccomp_check_filter and bpf_check_classic: every path is inside the program and ends in a return. */
export function checkProgram(program: DataView): boolean {
  const count = program.byteLength / 8;
  for (let pc = 0; pc < count; pc++) {
    const code = program.getUint16(8 * pc, true);
    const k = program.getUint32(8 * pc + 4, true);
    if (!checkInstruction(code, k)) return false;
    if ((code & 7) !== CLASS_JMP) continue;
    if (code === BPF_JA) {
      if (k >= count - pc - 1) return false;
    } else if (
      pc + 1 + program.getUint8(8 * pc + 2) >= count ||
      pc + 1 + program.getUint8(8 * pc + 3) >= count
    ) {
      return false;
    }
  }
  const last = program.getUint16(8 * (count - 1), true);
  return last === BPF_RET_K || last === BPF_RET_A;
}

function checkInstruction(code: number, k: number): boolean {
  switch (code) {
    case BPF_LD_W_ABS:
      return k < SECCOMP_DATA_SIZE && (k & 3) === 0;
    case BPF_LD_MEM:
    case BPF_LDX_MEM:
    case BPF_ST:
    case BPF_STX:
      return k < SCRATCH_WORDS;
    case BPF_LD_W_LEN:
    case BPF_LDX_W_LEN:
    case BPF_RET_K:
    case BPF_RET_A:
    case BPF_LD_IMM:
    case BPF_LDX_IMM:
    case BPF_TAX:
    case BPF_TXA:
    case BPF_JA:
      return true;
    default:
      return checkArithmetic(code, k);
  }
}

function checkArithmetic(code: number, k: number): boolean {
  const operation = code & 0xf0;
  if ((code & 7) === CLASS_JMP) return operation >= 0x10 && operation <= 0x40;
  if ((code & 7) !== CLASS_ALU) return false;
  if (code === 0x84) return true;
  if (operation > 0x80 && operation !== 0xa0) return false;
  if ((code & SOURCE_X) !== 0) return true;
  if (operation === 0x30) return k !== 0;
  if (operation === 0x60 || operation === 0x70) return k < 32;
  return operation !== 0x90 && operation !== 0x80;
}

const memory = new Uint32Array(SCRATCH_WORDS);

/** Runs a checked program over the 16 words of struct seccomp_data: its return value. */
export function runProgram(program: DataView, data: Uint32Array): number {
  let a = 0;
  let x = 0;
  memory.fill(0);
  for (let pc = 0; ; pc++) {
    const code = program.getUint16(8 * pc, true);
    const k = program.getUint32(8 * pc + 4, true);
    switch (code) {
      case BPF_LD_W_ABS:
        a = data[k >>> 2]!;
        break;
      case BPF_LD_W_LEN:
        a = SECCOMP_DATA_SIZE;
        break;
      case BPF_LDX_W_LEN:
        x = SECCOMP_DATA_SIZE;
        break;
      case BPF_RET_K:
        return k;
      case BPF_RET_A:
        return a;
      case BPF_LD_IMM:
        a = k;
        break;
      case BPF_LDX_IMM:
        x = k;
        break;
      case BPF_LD_MEM:
        a = memory[k]!;
        break;
      case BPF_LDX_MEM:
        x = memory[k]!;
        break;
      case BPF_ST:
        memory[k] = a;
        break;
      case BPF_STX:
        memory[k] = x;
        break;
      case BPF_TAX:
        x = a;
        break;
      case BPF_TXA:
        a = x;
        break;
      case BPF_JA:
        pc += k;
        break;
      default: {
        const operand = (code & SOURCE_X) !== 0 ? x : k;
        if ((code & 7) === CLASS_JMP) {
          pc += program.getUint8(8 * pc + (jumps(code & 0xf0, a, operand) ? 2 : 3));
          break;
        }
        const result = compute(code & 0xf0, a, operand);
        // Division by zero ends the program as BPF does: with 0, which kills.
        if (result < 0) return RET_KILL_THREAD;
        a = result;
      }
    }
  }
}

function jumps(operation: number, a: number, operand: number): boolean {
  if (operation === 0x10) return a === operand;
  if (operation === 0x20) return a > operand;
  if (operation === 0x30) return a >= operand;
  return (a & operand) !== 0;
}

/** The new accumulator, or -1 for a division by zero. */
function compute(operation: number, a: number, operand: number): number {
  switch (operation) {
    case 0x00:
      return (a + operand) >>> 0;
    case 0x10:
      return (a - operand) >>> 0;
    case 0x20:
      return Math.imul(a, operand) >>> 0;
    case 0x30:
      return operand === 0 ? -1 : Math.floor(a / operand);
    case 0x40:
      return (a | operand) >>> 0;
    case 0x50:
      return (a & operand) >>> 0;
    case 0x60:
      return operand >= 32 ? 0 : (a << operand) >>> 0;
    case 0x70:
      return operand >= 32 ? 0 : a >>> operand;
    case 0x80:
      return -a >>> 0;
    default:
      return (a ^ operand) >>> 0;
  }
}
