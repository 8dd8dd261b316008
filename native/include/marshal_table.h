/* Generated from the syscall table by syscalls/table/marshal.ts: do not edit. */
#ifndef RUNSC_MARSHAL_TABLE_H
#define RUNSC_MARSHAL_TABLE_H

#include <stdint.h>

enum { MARSHAL_STRING = 1, MARSHAL_BYTES, MARSHAL_STRUCT, MARSHAL_IOVEC, MARSHAL_IOVEC_GATHER };

struct marshal_step {
  uint8_t kind;
  uint8_t arg;
  uint8_t len_arg;
  uint8_t pad;
  uint32_t size;
};

struct marshal_row {
  uint32_t count;
  struct marshal_step steps[4];
};

#if defined(__x86_64__)
#define MARSHAL_ROWS 453
static const struct marshal_row marshal_table[MARSHAL_ROWS] = {
    [1] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* write */
    [2] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* open */
    [4] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* stat */
    [6] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* lstat */
    [7] = {1, {{MARSHAL_BYTES, 0, 1, 0, 8}}}, /* poll */
    [13] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* rt_sigaction */
    [14] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* rt_sigprocmask */
    [18] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* pwrite64 */
    [19] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* readv */
    [20] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* writev */
    [21] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* access */
    [23] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 16}}}, /* select */
    [35] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 16}}}, /* nanosleep */
    [38] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* setitimer */
    [40] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 8}}}, /* sendfile */
    [42] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* connect */
    [43] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* accept */
    [44] = {2, {{MARSHAL_BYTES, 1, 2, 0, 1}, {MARSHAL_BYTES, 4, 5, 0, 1}}}, /* sendto */
    [45] = {1, {{MARSHAL_STRUCT, 5, 0, 0, 4}}}, /* recvfrom */
    [46] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 56}}}, /* sendmsg */
    [47] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 56}}}, /* recvmsg */
    [49] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* bind */
    [51] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* getsockname */
    [52] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* getpeername */
    [54] = {1, {{MARSHAL_BYTES, 3, 4, 0, 1}}}, /* setsockopt */
    [55] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 4}}}, /* getsockopt */
    [59] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* execve */
    [76] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* truncate */
    [80] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chdir */
    [82] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* rename */
    [83] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* mkdir */
    [84] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* rmdir */
    [85] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* creat */
    [86] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* link */
    [87] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* unlink */
    [88] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* symlink */
    [89] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* readlink */
    [90] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chmod */
    [92] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chown */
    [94] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* lchown */
    [116] = {1, {{MARSHAL_BYTES, 1, 0, 0, 4}}}, /* setgroups */
    [125] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* capget */
    [126] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 1, 0, 0, 24}}}, /* capset */
    [128] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* rt_sigtimedwait */
    [129] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* rt_sigqueueinfo */
    [130] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* rt_sigsuspend */
    [131] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 24}}}, /* sigaltstack */
    [132] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRUCT, 1, 0, 0, 16}}}, /* utime */
    [133] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* mknod */
    [137] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* statfs */
    [142] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 4}}}, /* sched_setparam */
    [144] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* sched_setscheduler */
    [155] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* pivot_root */
    [159] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 208}}}, /* adjtimex */
    [160] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 16}}}, /* setrlimit */
    [161] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chroot */
    [163] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* acct */
    [164] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 16}, {MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* settimeofday */
    [165] = {4, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 2, 0, 0, 0}, {MARSHAL_STRING, 4, 0, 0, 0}}}, /* mount */
    [166] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* umount2 */
    [167] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* swapon */
    [168] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* swapoff */
    [170] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* sethostname */
    [171] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* setdomainname */
    [175] = {1, {{MARSHAL_STRING, 2, 0, 0, 0}}}, /* init_module */
    [176] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* delete_module */
    [179] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* quotactl */
    [188] = {3, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* setxattr */
    [189] = {3, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* lsetxattr */
    [190] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* fsetxattr */
    [191] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* getxattr */
    [192] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* lgetxattr */
    [193] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fgetxattr */
    [194] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* listxattr */
    [195] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* llistxattr */
    [197] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* removexattr */
    [198] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* lremovexattr */
    [199] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fremovexattr */
    [202] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 16}}}, /* futex */
    [203] = {1, {{MARSHAL_BYTES, 2, 1, 0, 1}}}, /* sched_setaffinity */
    [222] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 64}}}, /* timer_create */
    [223] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* timer_settime */
    [227] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 16}}}, /* clock_settime */
    [230] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* clock_nanosleep */
    [233] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 12}}}, /* epoll_ctl */
    [235] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* utimes */
    [254] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* inotify_add_watch */
    [257] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* openat */
    [258] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* mkdirat */
    [259] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* mknodat */
    [260] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchownat */
    [261] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* futimesat */
    [262] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* newfstatat */
    [263] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* unlinkat */
    [264] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* renameat */
    [265] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* linkat */
    [266] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 2, 0, 0, 0}}}, /* symlinkat */
    [267] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* readlinkat */
    [268] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchmodat */
    [269] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* faccessat */
    [270] = {2, {{MARSHAL_STRUCT, 4, 0, 0, 16}, {MARSHAL_STRUCT, 5, 0, 0, 16}}}, /* pselect6 */
    [271] = {3, {{MARSHAL_BYTES, 0, 1, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* ppoll */
    [275] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* splice */
    [278] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* vmsplice */
    [279] = {1, {{MARSHAL_BYTES, 2, 1, 0, 8}}}, /* move_pages */
    [280] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* utimensat */
    [281] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait */
    [282] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd */
    [286] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* timerfd_settime */
    [288] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* accept4 */
    [289] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd4 */
    [295] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv */
    [296] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev */
    [297] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 128}}}, /* rt_tgsigqueueinfo */
    [299] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 16}}}, /* recvmmsg */
    [302] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* prlimit64 */
    [303] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* name_to_handle_at */
    [305] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 208}}}, /* clock_adjtime */
    [310] = {2, {{MARSHAL_IOVEC, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_readv */
    [311] = {2, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_writev */
    [313] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* finit_module */
    [316] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* renameat2 */
    [319] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* memfd_create */
    [322] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* execveat */
    [326] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* copy_file_range */
    [327] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv2 */
    [328] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev2 */
    [332] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* statx */
    [424] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* pidfd_send_signal */
    [428] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* open_tree */
    [429] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* move_mount */
    [435] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* clone3 */
    [437] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 2, 0, 0, 24}}}, /* openat2 */
    [439] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* faccessat2 */
    [440] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* process_madvise */
    [441] = {2, {{MARSHAL_STRUCT, 3, 0, 0, 16}, {MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait2 */
    [442] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 3, 0, 0, 32}}}, /* mount_setattr */
    [452] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchmodat2 */
};
#else
#define MARSHAL_ROWS 453
static const struct marshal_row marshal_table[MARSHAL_ROWS] = {
    [5] = {3, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* setxattr */
    [6] = {3, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* lsetxattr */
    [7] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_BYTES, 2, 3, 0, 1}}}, /* fsetxattr */
    [8] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* getxattr */
    [9] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* lgetxattr */
    [10] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fgetxattr */
    [11] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* listxattr */
    [12] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* llistxattr */
    [14] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* removexattr */
    [15] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* lremovexattr */
    [16] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fremovexattr */
    [21] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 12}}}, /* epoll_ctl */
    [22] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait */
    [27] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* inotify_add_watch */
    [33] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* mknodat */
    [34] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* mkdirat */
    [35] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* unlinkat */
    [36] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 2, 0, 0, 0}}}, /* symlinkat */
    [37] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* linkat */
    [38] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* renameat */
    [39] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* umount2 */
    [40] = {4, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 2, 0, 0, 0}, {MARSHAL_STRING, 4, 0, 0, 0}}}, /* mount */
    [41] = {2, {{MARSHAL_STRING, 0, 0, 0, 0}, {MARSHAL_STRING, 1, 0, 0, 0}}}, /* pivot_root */
    [43] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* statfs */
    [45] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* truncate */
    [48] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* faccessat */
    [49] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chdir */
    [51] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* chroot */
    [53] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchmodat */
    [54] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchownat */
    [56] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* openat */
    [60] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* quotactl */
    [64] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* write */
    [65] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* readv */
    [66] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* writev */
    [68] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* pwrite64 */
    [69] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv */
    [70] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev */
    [71] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 8}}}, /* sendfile */
    [72] = {2, {{MARSHAL_STRUCT, 4, 0, 0, 16}, {MARSHAL_STRUCT, 5, 0, 0, 16}}}, /* pselect6 */
    [73] = {3, {{MARSHAL_BYTES, 0, 1, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* ppoll */
    [74] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd4 */
    [75] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* vmsplice */
    [76] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* splice */
    [78] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* readlinkat */
    [79] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* newfstatat */
    [86] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* timerfd_settime */
    [88] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* utimensat */
    [89] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* acct */
    [90] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* capget */
    [91] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 1, 0, 0, 24}}}, /* capset */
    [98] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 16}}}, /* futex */
    [101] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 16}}}, /* nanosleep */
    [103] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* setitimer */
    [105] = {1, {{MARSHAL_STRING, 2, 0, 0, 0}}}, /* init_module */
    [106] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* delete_module */
    [107] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 64}}}, /* timer_create */
    [110] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 32}}}, /* timer_settime */
    [112] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 16}}}, /* clock_settime */
    [115] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* clock_nanosleep */
    [118] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 4}}}, /* sched_setparam */
    [119] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* sched_setscheduler */
    [122] = {1, {{MARSHAL_BYTES, 2, 1, 0, 1}}}, /* sched_setaffinity */
    [132] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 24}}}, /* sigaltstack */
    [133] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* rt_sigsuspend */
    [134] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* rt_sigaction */
    [135] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* rt_sigprocmask */
    [137] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* rt_sigtimedwait */
    [138] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* rt_sigqueueinfo */
    [159] = {1, {{MARSHAL_BYTES, 1, 0, 0, 4}}}, /* setgroups */
    [161] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* sethostname */
    [162] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* setdomainname */
    [164] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 16}}}, /* setrlimit */
    [170] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 16}, {MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* settimeofday */
    [171] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 208}}}, /* adjtimex */
    [200] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* bind */
    [202] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* accept */
    [203] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* connect */
    [204] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* getsockname */
    [205] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* getpeername */
    [206] = {2, {{MARSHAL_BYTES, 1, 2, 0, 1}, {MARSHAL_BYTES, 4, 5, 0, 1}}}, /* sendto */
    [207] = {1, {{MARSHAL_STRUCT, 5, 0, 0, 4}}}, /* recvfrom */
    [208] = {1, {{MARSHAL_BYTES, 3, 4, 0, 1}}}, /* setsockopt */
    [209] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 4}}}, /* getsockopt */
    [211] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 56}}}, /* sendmsg */
    [212] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 56}}}, /* recvmsg */
    [221] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* execve */
    [224] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* swapon */
    [225] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* swapoff */
    [239] = {1, {{MARSHAL_BYTES, 2, 1, 0, 8}}}, /* move_pages */
    [240] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 128}}}, /* rt_tgsigqueueinfo */
    [242] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 4}}}, /* accept4 */
    [243] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 16}}}, /* recvmmsg */
    [261] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* prlimit64 */
    [264] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* name_to_handle_at */
    [266] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 208}}}, /* clock_adjtime */
    [270] = {2, {{MARSHAL_IOVEC, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_readv */
    [271] = {2, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_writev */
    [273] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* finit_module */
    [276] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* renameat2 */
    [279] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* memfd_create */
    [281] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* execveat */
    [285] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* copy_file_range */
    [286] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv2 */
    [287] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev2 */
    [291] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* statx */
    [424] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* pidfd_send_signal */
    [428] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* open_tree */
    [429] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRING, 3, 0, 0, 0}}}, /* move_mount */
    [435] = {1, {{MARSHAL_BYTES, 0, 1, 0, 1}}}, /* clone3 */
    [437] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 2, 0, 0, 24}}}, /* openat2 */
    [439] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* faccessat2 */
    [440] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* process_madvise */
    [441] = {2, {{MARSHAL_STRUCT, 3, 0, 0, 16}, {MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait2 */
    [442] = {2, {{MARSHAL_STRING, 1, 0, 0, 0}, {MARSHAL_STRUCT, 3, 0, 0, 32}}}, /* mount_setattr */
    [452] = {1, {{MARSHAL_STRING, 1, 0, 0, 0}}}, /* fchmodat2 */
};
#endif

#endif
