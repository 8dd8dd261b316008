/**
 * The one source of what the stub (C) and the Sentry (TypeScript) share: the slot, the replies, the address plan.
 * `npm run generate` writes native/include/layout.h from it, with static_asserts on the C structures.
 */

/** One guest thread's shared memory: a header and a data area for marshalled bytes. */
export const SLOT_SIZE = 0x20000;
export const SLOT_HEADER = 0x6000;
export const SLOT_DATA = SLOT_SIZE - SLOT_HEADER;
/** Slots are mapped into the Sentry's arena in chunks, on demand. */
export const CHUNK_SLOTS = 4;
export const CHUNK_SIZE = SLOT_SIZE * CHUNK_SLOTS;
/** Threads of one address space. */
export const MAX_THREADS = 1024;
export const REGION_SIZE = SLOT_SIZE * MAX_THREADS;
/** A thread's private block in the stub: thread-local data and the stack of handlers and trampolines. */
export const BLOCK_SIZE = 0x10000;

/** Bytes of the header, by field. u64 fields are 8-byte aligned. */
export const SLOT_FIELDS = {
  // What each call writes and reads is in few cache lines, each of which costs a trip between two CPUs when one has
  // written to it and the other looks: this is the call's,
  state: [0, 'u32'],
  asleep: [4, 'u32'],
  event: [8, 'u32'],
  nr: [12, 'u32'],
  args: [16, 'u64', 6],
  // and this is the answer's, with what is written only where it differs from the last call's.
  result: [64, 'i64'],
  action: [72, 'u32'],
  reply_flags: [76, 'u32'],
  op_count: [80, 'u32'],
  out_count: [84, 'u32'],
  input_count: [88, 'u32'],
  data_used: [92, 'u32'],
  patch_pattern: [96, 'u32'],
  full_context: [100, 'u32'],
  cpu: [104, 'u32'],
  /** The thread's descriptors are not those that socket_modes speaks of. Set by the Sentry. */
  files_apart: [108, 'u32'],
  /** Set by the Sentry when it wants to interrupt a thread that is not born yet. */
  birth_interrupt: [112, 'u32'],
  host_tid: [116, 'u32'],
  op_result: [120, 'i64'],
  ip: [128, 'u64'],
  sp: [136, 'u64'],
  fault_signal: [144, 'u32'],
  fault_code: [148, 'i32'],
  fault_address: [152, 'u64'],
  fault_error: [160, 'u64'],
  /** The thread waits in the host's kernel, which is shown in /proc and nothing more. */
  waits: [168, 'u32'],
  inputs: [192, 'input', 6],
  params: [320, 'u64', 8],
  outs: [384, 'output', 16],
  sig_no: [640, 'u32'],
  sig_flags: [644, 'u32'],
  sig_handler: [648, 'u64'],
  sig_restorer: [656, 'u64'],
  sig_mask: [664, 'u64'],
  sig_alt_sp: [672, 'u64'],
  sig_alt_size: [680, 'u64'],
  sig_alt_flags: [688, 'u32'],
  sig_set_result: [692, 'u32'],
  sig_result: [696, 'i64'],
  sig_stack_top: [704, 'u64'],
  sig_info_offset: [712, 'u32'],
  sig_restart: [716, 'u32'],
  ops: [1024, 'op', 96],
  /** In the slot of a space's first thread: by guest descriptor, a SOCKET_ mode. Written by the Sentry alone. */
  socket_modes: [8192, 'u8', 16384],
} as const;

export const MAX_INPUTS = 6;
export const MAX_OUTS = 16;
export const MAX_OPS = 96;
/** struct input {u64 addr; u32 offset (in the data area); i32 length or -errno;} */
export const INPUT_SIZE = 16;
/** struct output {u64 addr; u32 offset; u32 length;} */
export const OUTPUT_SIZE = 16;
/** struct op {u64 op; u64 a[6];} */
export const OP_SIZE = 56;

/** Values of `state`. A thread sets POSTED; the Sentry sets REPLIED or SLEEP (the answer will take a while). */
export const STATE_IDLE = 0;
export const STATE_POSTED = 1;
export const STATE_REPLIED = 2;
export const STATE_SLEEP = 5;

/** Values of `action`. */
export const ACTION_RETURN = 0;
export const ACTION_CONTINUE = 1;
export const ACTION_SIGNAL = 2;
export const ACTION_SIGRETURN = 3;
export const ACTION_START = 4;
export const ACTION_FORK = 5;
export const ACTION_THREAD = 6;
export const ACTION_EXIT = 7;

/** Bits of `reply_flags`. */
export const REPLY_TRAP_AFTER = 1;
export const REPLY_ACK_OPS = 2;
/** The syscall site at `ip` may be patched (its mapping is private and read-execute). */
export const REPLY_PATCH = 4;
/** ACTION_FORK: the child is a blank space that posts EVENT_READY. */
export const REPLY_BLANK = 8;
/** ACTION_CONTINUE: run the interrupted syscall again. */
export const REPLY_RESTART = 16;

/** The page that all stubs read and only the Sentry writes. */
export const GLOBAL_FIELDS = {
  /** Non-zero while the Sentry sleeps and wants the doorbell. */
  sleeping: [0, 'u32'],
  /** CPU that the Sentry runs on, or 0xffffffff. */
  cpu: [4, 'u32'],
  /** How long a thread spins for a reply, in timestamp-counter ticks. */
  spin_ticks: [8, 'u32'],
  /** Patching of call sites is on. */
  patch: [12, 'u32'],
  /** How long a thread looks at a contended lock before it waits for it, in ticks; 0 on one CPU. */
  lock_ticks: [16, 'u32'],
  /** Datagrams may go anywhere: no rule says where not. Of the zygote's start, when its filter is made. */
  addresses: [20, 'u32'],
} as const;

/** Descriptors of a stub process. */
export const FD_DOORBELL = 100;
export const FD_SOCKET = 101;
export const FD_REGION = 102;
export const FD_GLOBAL = 103;

/**
 * Where a stub keeps sockets of the host's that it reads and writes for its guest: the guest's descriptor is the place.
 * Their modes: not here, without waiting, or waiting where the guest would.
 */
export const FD_SOCKETS = 4096;
export const SOCKET_SLOTS = 16384;
export const SOCKET_NONE = 0;
export const SOCKET_NONBLOCKING = 1;
export const SOCKET_WAITING = 2;
/**
 * An epoll instance of the host's: to wait for and to change, or to wait for alone, where the Sentry watches some of its
 * sockets itself. The upper half of the data that its bell has: part of an address of the stub's.
 */
export const SOCKET_EPOLL = 3;
export const SOCKET_EPOLL_WAIT = 4;
export const EPOLL_BELL_HIGH = 0x7fffeb11;

/** Where a stub keeps descriptors of files that it reads for its guest: FILE_SLOTS numbers from here. */
export const FD_FILES = 256;
export const FILE_SLOTS = 128;
/** The part of such a file that a stub maps once it is read often, at `files` + its number's place. */
export const FILE_WINDOW = 1 << 20;

/** The stub's places in the guest's address space. Guests get [MIN_ADDRESS, stub base). */
export const ADDRESSES = {
  x86_64: {
    text: 0x7fff00000000,
    global: 0x7fff0f000000,
    region: 0x7fff10000000,
    blocks: 0x7fff20000000,
    files: 0x7fff40000000,
    min: 0x100000,
  },
  aarch64: {
    text: 0xfffe00000000,
    global: 0xfffe0f000000,
    region: 0xfffe10000000,
    blocks: 0xfffe20000000,
    files: 0xfffe40000000,
    min: 0x100000,
  },
} as const;

/** x86_64 patching: jump tables and trampolines in low memory, so that a 32-bit absolute address reaches them. */
export const PATCH_TABLE = 0x60000;
export const PATCH_TABLE_SIZE = 0x10000;
/** Entries for the second pattern: their address ends in 0x06, an invalid opcode. */
export const PATCH_TABLE2 = 0x70000;
export const PATCH_TABLE2_SIZE = 0x40000;
export const PATCH_CODE = 0xb0000;
export const PATCH_CODE_SIZE = 0x40000;
/** Bit of `patch_pattern`: the site may be replaced only while no other thread runs in the space. */
export const PATCH_ACROSS_LINES = 4;
/** One trampoline: entry in the first half, resume code in the second. */
export const PATCH_BLOCK = 64;
