/** What we say we are: programs switch features on by it (uname(2), /proc/version). */
export const KERNEL_RELEASE = '6.18.0';
export const KERNEL_VERSION = '#1 SMP PREEMPT_DYNAMIC Mon Dec  1 00:00:00 UTC 2025';
