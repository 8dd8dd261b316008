/** What a syscall handler may return besides a value (>= 0) or a negated errno. */

/** The task has registered on wait queues; the kernel parks it and calls the handler again on wake-up. */
export const BLOCKED = -0x10000;

/** The handler has arranged the reply itself (exit, execve, rt_sigreturn, a fork in progress). */
export const NO_REPLY = -0x10001;
