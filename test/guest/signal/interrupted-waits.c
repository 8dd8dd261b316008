// Interrupted calls: waiting for processes, messages, futexes, signals, readiness and time.
// build: -lrt -lutil
#include "interrupted.h"

static void processes(void) {
  each("wait4", a_pipe, put, {
    makes_child();
    int status = 0;
    long result = wait4(waited, &status, 0, NULL);
    told->extra = status;
    return result == waited ? 1 : result;
  });
  each("wait4 of any", a_pipe, put, {
    makes_child();
    int status = 0;
    long result = wait4(-1, &status, __WALL, NULL);
    told->extra = status;
    return result == waited ? 1 : result;
  });
  each("waitid", a_pipe, put, {
    makes_child();
    siginfo_t info = {0};
    long result = waitid(P_PID, waited, &info, WEXITED);
    told->extra = info.si_status;
    return result;
  });
  undisturbed = 1;
  each("vfork", a_pipe, put, {
    pid_t pid = vfork();
    if (pid == 0) {
      char c;
      _exit(read(fd, &c, 1) == 1 ? 7 : 8);
    }
    return pid > 0 ? 1 : -1;
  });
  undisturbed = 0;
}

static void ipc(void) {
  each("msgrcv", a_message_queue, sends_message, {
    struct message m;
    return msgrcv(queue, &m, sizeof m.text, 0, 0);
  });
  each("msgsnd", a_full_message_queue, takes_message, {
    struct message m = {.type = 2};
    return msgsnd(queue, &m, sizeof m.text, 0);
  });
  each("msgrcv of a queue that goes", a_message_queue, removes_queue, {
    struct message m;
    return msgrcv(queue, &m, sizeof m.text, 0, 0);
  });
  each("semop", a_semaphore, raises_semaphore, {
    struct sembuf down = {0, -1, 0};
    return semop(queue, &down, 1);
  });
  each("semop until zero", does({ a_semaphore(); raises_semaphore(); }), does({ struct sembuf down = {0, -1, 0}; semop(queue, &down, 1); }), {
    struct sembuf zero = {0, 0, 0};
    return semop(queue, &zero, 1);
  });
  each("semtimedop", a_semaphore, raises_semaphore, {
    struct sembuf down = {0, -1, 0};
    return semtimedop(queue, &down, 1, &thirty);
  });
  each("semtimedop of one that goes", a_semaphore, removes_semaphore, {
    struct sembuf down = {0, -1, 0};
    return semtimedop(queue, &down, 1, &thirty);
  });
  each("mq_receive", a_posix_queue, posts, { return mq_receive(posix_queue, bytes, 8, NULL); });
  each("mq_timedreceive", a_posix_queue, posts, {
    struct timespec until = in_30s(CLOCK_REALTIME);
    return mq_timedreceive(posix_queue, bytes, 8, NULL, &until);
  });
  each("mq_send", a_full_posix_queue, takes, { return mq_send(posix_queue, "y", 1, 0); });
  each("mq_timedsend", a_full_posix_queue, takes, {
    struct timespec until = in_30s(CLOCK_REALTIME);
    return mq_timedsend(posix_queue, "y", 1, 0, &until);
  });
}

static void futexes(void) {
  each("FUTEX_WAIT", nothing, wakes, { return syscall(SYS_futex, &told->word, FUTEX_WAIT, 0, NULL, NULL, 0); });
  each("FUTEX_WAIT with a timeout", nothing, wakes, {
    return syscall(SYS_futex, &told->word, FUTEX_WAIT, 0, &thirty, NULL, 0);
  });
  each("FUTEX_WAIT of 200 ms", nothing, nothing, {
    struct timespec time = {0, 200000000};
    long start = now_ns(CLOCK_MONOTONIC);
    long result = syscall(SYS_futex, &told->word, FUTEX_WAIT, 0, &time, NULL, 0);
    if (errno == ETIMEDOUT) told->extra = in_time(start);
    return result;
  });
  each("FUTEX_WAIT_BITSET", nothing, wakes, {
    return syscall(SYS_futex, &told->word, FUTEX_WAIT_BITSET, 0, NULL, NULL, ~0);
  });
  each("FUTEX_WAIT_BITSET until", nothing, wakes, {
    struct timespec until = in_30s(CLOCK_MONOTONIC);
    return syscall(SYS_futex, &told->word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0);
  });
  each("FUTEX_WAIT_BITSET until on the wall clock", nothing, wakes, {
    struct timespec until = in_30s(CLOCK_REALTIME);
    return syscall(SYS_futex, &told->word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until, NULL, ~0);
  });
}

static void signals(void) {
  each("pause", nothing, does({ kill(caller, SIGUSR1); kill(caller, SIGKILL); told->done = 1; }), { return pause(); });
  each("sigsuspend", nothing, does({ kill(caller, SIGKILL); told->done = 1; }), {
    sigset_t none;
    sigemptyset(&none);
    sigaddset(&none, SIGRTMIN);
    return sigsuspend(&none);
  });
  each("sigwaitinfo", nothing, signals_rtmin, {
    sigset_t set = rtmin();
    return sigwaitinfo(&set, NULL);
  });
  each("sigtimedwait", nothing, signals_rtmin, {
    sigset_t set = rtmin();
    return sigtimedwait(&set, NULL, &thirty);
  });
}

static void polls(void) {
  each("epoll_wait", an_epoll, put, {
    struct epoll_event event;
    return epoll_wait(fd, &event, 1, -1);
  });
  each("epoll_wait with a timeout", an_epoll, put, {
    struct epoll_event event;
    return epoll_wait(fd, &event, 1, 30000);
  });
  each("epoll_pwait", an_epoll, put, {
    struct epoll_event event;
    sigset_t set = rtmin();
    return epoll_pwait(fd, &event, 1, -1, &set);
  });
  each("epoll_pwait2", an_epoll, put, {
    struct epoll_event event;
    sigset_t set = rtmin();
    return epoll_pwait2(fd, &event, 1, &thirty, &set);
  });
  each("poll", a_pipe, put, {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, -1);
  });
  each("poll with a timeout", a_pipe, put, {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 30000);
  });
  each("poll of 200 ms", nothing, nothing, {
    long start = now_ns(CLOCK_MONOTONIC);
    long result = poll(NULL, 0, 200);
    if (result == 0) told->extra = in_time(start);
    return result;
  });
  each("ppoll", a_pipe, put, {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return ppoll(&p, 1, NULL, NULL);
  });
  each("ppoll with a timeout and a mask", a_pipe, put, {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    sigset_t set = rtmin();
    struct timespec time = thirty;
    long result = syscall(SYS_ppoll, &p, 1, &time, &set, 8);
    told->extra = left(time.tv_sec);
    return result;
  });
  each("select", a_pipe, put, {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, NULL);
  });
  each("select with a timeout", a_pipe, put, {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    struct timeval time = {30, 0};
    long result = select(fd + 1, &set, NULL, NULL, &time);
    told->extra = left(time.tv_sec);
    return result;
  });
  each("select of 200 ms", nothing, nothing, {
    struct timeval time = {0, 200000};
    long start = now_ns(CLOCK_MONOTONIC);
    long result = select(0, NULL, NULL, NULL, &time);
    if (result == 0) told->extra = in_time(start);
    return result;
  });
  each("pselect with a timeout and a mask", a_pipe, put, {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    sigset_t mask = rtmin();
    struct timespec time = thirty;
    struct { const sigset_t* mask; size_t size; } both = {&mask, 8};
    long result = syscall(SYS_pselect6, fd + 1, &set, NULL, NULL, &time, &both);
    told->extra = left(time.tv_sec);
    return result;
  });
}

static void sleeps(void) {
  each("nanosleep", nothing, nothing, {
    struct timespec rem = {77, 0};
    struct timespec time = {0, 200000000};
    long start = now_ns(CLOCK_MONOTONIC);
    long result = nanosleep(&time, &rem);
    told->extra = result == 0 ? in_time(start) : rem.tv_sec == 0 && rem.tv_nsec > 0 && rem.tv_nsec < 200000000 ? 3 : rem.tv_sec;
    return result;
  });
  each("clock_nanosleep", nothing, nothing, {
    struct timespec rem = {77, 0};
    struct timespec time = {0, 200000000};
    long start = now_ns(CLOCK_MONOTONIC);
    long result = clock_nanosleep(CLOCK_REALTIME, 0, &time, &rem);
    told->extra = result == 0 ? in_time(start) : rem.tv_sec == 0 && rem.tv_nsec > 0 && rem.tv_nsec < 200000000 ? 3 : rem.tv_sec;
    return result;
  });
  each("clock_nanosleep until", nothing, nothing, {
    struct timespec rem = {77, 0}, time;
    long start = now_ns(CLOCK_MONOTONIC) + 200000000;
    time.tv_sec = start / 1000000000;
    time.tv_nsec = start % 1000000000;
    long result = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, &rem);
    told->extra = result == 0 ? in_time(start - 200000000) : rem.tv_sec;
    return result;
  });
}

int main(void) {
  begin();
  processes();
  ipc();
  futexes();
  signals();
  polls();
  sleeps();
  return check_done();
}
