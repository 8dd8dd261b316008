/** What BPF_ALU and BPF_JMP compute, on unsigned words of 32 bits. */

/** The new accumulator; -1 for a division by zero, which ends a program. */
export function compute(operation: number, a: number, operand: number): number {
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
    // Linux keeps the low bits of what X has for a shift.
    case 0x60:
      return (a << (operand & 31)) >>> 0;
    case 0x70:
      return a >>> (operand & 31);
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return operand === 0 ? -1 : a % operand;
    default:
      return (a ^ operand) >>> 0;
  }
}

export function jumps(operation: number, a: number, operand: number): boolean {
  if (operation === 0x10) return a === operand;
  if (operation === 0x20) return a > operand;
  if (operation === 0x30) return a >= operand;
  return (a & operand) !== 0;
}
