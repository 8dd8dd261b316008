/** ELF (elf(5)), 64-bit little-endian. */
export const ELFMAG = 0x464c457f;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_PHDR = 6;
export const PT_GNU_STACK = 0x6474e551;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** Offsets in Elf64_Ehdr. */
export const E_TYPE = 16;
export const E_MACHINE = 18;
export const E_ENTRY = 24;
export const E_PHOFF = 32;
export const E_PHENTSIZE = 54;
export const E_PHNUM = 56;
export const EHDR_SIZE = 64;

/** Offsets in Elf64_Phdr. */
export const P_TYPE = 0;
export const P_FLAGS = 4;
export const P_OFFSET = 8;
export const P_VADDR = 16;
export const P_FILESZ = 32;
export const P_MEMSZ = 40;
export const P_ALIGN = 48;
export const PHDR_SIZE = 56;
