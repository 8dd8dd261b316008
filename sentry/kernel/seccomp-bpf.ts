/** Classic BPF as seccomp(2) uses it: the checker and the interpreter. */
import { compute, jumps } from '../base/bpf/arithmetic.ts';
import { INSTRUCTION_SIZE, SCRATCH_WORDS, isProgram } from '../base/bpf/check.ts';

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
const CLASS_LD = 0x00;
const CLASS_LDX = 0x01;
const BPF_MOD = 0x94;
const CLASS_JMP = 0x05;
const SOURCE_X = 0x08;

export const SECCOMP_DATA_SIZE = 64;
const RET_KILL_THREAD = 0;

/** A program, and of instructions only those that look at nothing but struct seccomp_data (seccomp_check_filter). */
export function checkProgram(program: DataView): boolean {
  for (let at = 0; at < program.byteLength; at += INSTRUCTION_SIZE) {
    if (!isForSeccomp(program.getUint16(at, true), program.getUint32(at + 4, true))) return false;
  }
  return isProgram(program);
}

function isForSeccomp(code: number, k: number): boolean {
  switch (code) {
    case BPF_LD_W_ABS:
      return k < SECCOMP_DATA_SIZE && (k & 3) === 0;
    case BPF_LD_MEM:
    case BPF_LDX_MEM:
    case BPF_LD_W_LEN:
    case BPF_LDX_W_LEN:
    case BPF_LD_IMM:
    case BPF_LDX_IMM:
      return true;
    default:
      // No packet, no remainders.
      return (code & 7) !== CLASS_LD && (code & 7) !== CLASS_LDX && (code & 0xf7) !== BPF_MOD;
  }
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
