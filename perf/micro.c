// Micro-benchmarks: what one system call, or one small sequence of them, costs. Prints `ROW MIN MEDIAN` in
// nanoseconds, tab-separated. `micro [-q] [row...]` runs only some rows; -q runs fewer rounds. `micro -t COMMAND`
// times a command; `micro -l` tells how long a cache line takes from one CPU to another one and back.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 16];
static int null_fd, zero_fd, file_fd, ends[2], epoll_fd;
static char directory[64];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "micro: %s failed\n", what);
  exit(1);
}

static void getpid_row(int n) {
  for (int i = 0; i < n; i++) syscall(SYS_getpid);
}
static void getppid_row(int n) {
  for (int i = 0; i < n; i++) getppid();
}
static void read_zero(int n) {
  for (int i = 0; i < n; i++) check(read(zero_fd, buffer, 1) == 1, "read");
}
static void write_null(int n) {
  for (int i = 0; i < n; i++) check(write(null_fd, buffer, 4096) == 4096, "write");
}
static void pread_1(int n) {
  for (int i = 0; i < n; i++) check(pread(file_fd, buffer, 1, 0) == 1, "pread");
}
static void pread_4k(int n) {
  for (int i = 0; i < n; i++) check(pread(file_fd, buffer, 4096, 0) == 4096, "pread");
}
static void pread_64k(int n) {
  for (int i = 0; i < n; i++) check(pread(file_fd, buffer, 65536, 0) == 65536, "pread");
}
static void pwrite_4k(int n) {
  for (int i = 0; i < n; i++) check(pwrite(file_fd, buffer, 4096, 0) == 4096, "pwrite");
}
static void fstat_row(int n) {
  struct stat st;
  for (int i = 0; i < n; i++) check(fstat(file_fd, &st) == 0, "fstat");
}
static void stat_row(int n) {
  struct stat st;
  for (int i = 0; i < n; i++) check(stat("file", &st) == 0, "stat");
}
static void stat_missing(int n) {
  struct stat st;
  for (int i = 0; i < n; i++) check(stat("missing", &st) == -1, "stat");
}
static void open_close(int n) {
  for (int i = 0; i < n; i++) {
    int fd = open("file", O_RDONLY);
    check(fd >= 0 && close(fd) == 0, "open");
  }
}
static void pipe_row(int n) {
  for (int i = 0; i < n; i++) {
    check(write(ends[1], buffer, 1) == 1, "write");
    check(read(ends[0], buffer, 1) == 1, "read");
  }
}
static void epoll_row(int n) {
  struct epoll_event event;
  for (int i = 0; i < n; i++) check(epoll_wait(epoll_fd, &event, 1, -1) == 1, "epoll_wait");
}
static void mmap_row(int n) {
  for (int i = 0; i < n; i++) {
    void* p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(p != MAP_FAILED && munmap(p, 65536) == 0, "mmap");
  }
}
static void mmap_touched(int n) {
  for (int i = 0; i < n; i++) {
    char* p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(p != MAP_FAILED, "mmap");
    for (int at = 0; at < 65536; at += 4096) p[at] = 1;
    munmap(p, 65536);
  }
}
static void fork_wait(int n) {
  for (int i = 0; i < n; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    check(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
  }
}
static char* self;
static void fork_exec_wait(int n) {
  for (int i = 0; i < n; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      execl(self, self, "-x", NULL);
      _exit(1);
    }
    int status;
    check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "fork and exec");
  }
}
static void ping_pong(int n) {
  int there[2], back[2];
  check(pipe(there) == 0 && pipe(back) == 0, "pipe");
  pid_t pid = fork();
  if (pid == 0) {
    char c;
    close(there[1]);
    while (read(there[0], &c, 1) == 1) {
      if (write(back[1], &c, 1) != 1) _exit(1);
    }
    _exit(0);
  }
  close(there[0]);
  for (int i = 0; i < n; i++) {
    check(write(there[1], buffer, 1) == 1, "write");
    check(read(back[0], buffer, 1) == 1, "read");
  }
  close(there[1]);
  waitpid(pid, NULL, 0);
  close(back[0]);
  close(back[1]);
}
static void* nothing(void* argument) { return argument; }
static void thread_row(int n) {
  for (int i = 0; i < n; i++) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
  }
}
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* lock_loop(void* argument) {
  for (long i = 0; i < (long)argument; i++) {
    pthread_mutex_lock(&mutex);
    for (int spin = 0; spin < 100; spin++) __asm__ volatile("");
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}
static void mutex_row(int n) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, lock_loop, (void*)(long)(n / 4));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}
static void on_signal(int signal) { (void)signal; }
static void signal_row(int n) {
  for (int i = 0; i < n; i++) raise(SIGUSR1);
}
static void getdents_row(int n) {
  for (int i = 0; i < n; i++) {
    DIR* d = opendir("many");
    int count = 0;
    while (readdir(d) != NULL) count++;
    closedir(d);
    check(count == 10002, "readdir");
  }
}

static const struct row {
  const char* name;
  void (*run)(int);
  int count;
} rows[] = {
    {"getpid by syscall(2)", getpid_row, 20000},
    {"getppid", getppid_row, 20000},
    {"read 1, /dev/zero", read_zero, 20000},
    {"write 4k, /dev/null", write_null, 20000},
    {"pread 1 file", pread_1, 10000},
    {"pread 4k file", pread_4k, 10000},
    {"pread 64k file", pread_64k, 3000},
    {"pwrite 4k file", pwrite_4k, 10000},
    {"fstat", fstat_row, 10000},
    {"stat", stat_row, 5000},
    {"stat of a missing name", stat_missing, 5000},
    {"open+close", open_close, 3000},
    {"pipe write+read", pipe_row, 5000},
    {"pipe ping-pong", ping_pong, 1000},
    {"epoll_wait, ready", epoll_row, 5000},
    {"mmap+munmap 64k", mmap_row, 1000},
    {"mmap+munmap 64k, touched", mmap_touched, 500},
    {"fork+wait", fork_wait, 50},
    {"fork+exec+wait", fork_exec_wait, 10},
    {"pthread create+join", thread_row, 200},
    {"contended mutex", mutex_row, 400000},
    {"signal delivery", signal_row, 2000},
    {"getdents of 10,000 entries", getdents_row, 3},
};

static void prepare(void) {
  const char* parent = getenv("MICRO_DIR");
  snprintf(directory, sizeof directory, "%s/micro.XXXXXX", parent == NULL ? "/tmp" : parent);
  check(mkdtemp(directory) != NULL && chdir(directory) == 0, "mkdtemp");
  null_fd = open("/dev/null", O_WRONLY);
  zero_fd = open("/dev/zero", O_RDONLY);
  file_fd = open("file", O_CREAT | O_RDWR, 0600);
  check(null_fd >= 0 && zero_fd >= 0 && file_fd >= 0, "open");
  check(write(file_fd, buffer, sizeof buffer) == sizeof buffer, "write");
  check(pipe(ends) == 0, "pipe");
  epoll_fd = epoll_create1(0);
  int event_fd = eventfd(1, 0);
  struct epoll_event event = {.events = EPOLLIN};
  check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &event) == 0, "epoll_ctl");
  signal(SIGUSR1, on_signal);
}

static void fill_directory(void) {
  check(mkdir("many", 0700) == 0, "mkdir");
  for (int i = 0; i < 10000; i++) {
    char name[32];
    snprintf(name, sizeof name, "many/entry-%05d", i);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    check(fd >= 0, "create");
    close(fd);
  }
}

static void remove_directory(void) {
  for (int i = 0; i < 10000; i++) {
    char name[32];
    snprintf(name, sizeof name, "many/entry-%05d", i);
    unlink(name);
  }
  rmdir("many");
  unlink("file");
  check(chdir("/") == 0 && rmdir(directory) == 0, "clean-up");
}

static int compare(const void* a, const void* b) {
  double d = *(const double*)a - *(const double*)b;
  return d < 0 ? -1 : d > 0;
}

static int wanted(const char* name, int argc, char** argv) {
  int any = 0;
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-') continue;
    any = 1;
    if (strstr(name, argv[i]) != NULL) return 1;
  }
  return !any;
}

// Runs a command with its output thrown away and prints the microseconds that it took.
static int time_command(char** command) {
  double start = now();
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open("/dev/null", O_WRONLY);
    dup2(fd, 1);
    dup2(fd, 2);
    execv(command[0], command);
    _exit(127);
  }
  int status;
  check(pid > 0 && waitpid(pid, &status, 0) == pid, "waitpid");
  printf("%.0f\n", (now() - start) / 1000);
  return WIFEXITED(status) && WEXITSTATUS(status) < 126 ? 0 : 1;
}

enum { TRIPS = 200000 };
static _Alignas(128) atomic_int line;

static void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  check(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

static void* send_back(void* unused) {
  stay_on(1);
  for (int i = 0; i < TRIPS; i++) {
    while (atomic_load_explicit(&line, memory_order_acquire) != 2 * i + 1)
      ;
    atomic_store_explicit(&line, 2 * i + 2, memory_order_release);
  }
  return unused;
}

static void time_line(void) {
  pthread_t thread;
  stay_on(0);
  check(pthread_create(&thread, NULL, send_back, NULL) == 0, "pthread_create");
  double start = now();
  for (int i = 0; i < TRIPS; i++) {
    atomic_store_explicit(&line, 2 * i + 1, memory_order_release);
    while (atomic_load_explicit(&line, memory_order_acquire) != 2 * i + 2)
      ;
  }
  printf("%.0f\n", (now() - start) / TRIPS);
}

int main(int argc, char** argv) {
  static char path[4096];
  int quick = 0;
  if (argc > 1 && strcmp(argv[1], "-x") == 0) return 0;
  if (argc > 1 && strcmp(argv[1], "-l") == 0) {
    time_line();
    return 0;
  }
  if (argc > 2 && strcmp(argv[1], "-t") == 0) return time_command(argv + 2);
  if (argc > 1 && strcmp(argv[1], "-q") == 0) quick = 1;
  check(readlink("/proc/self/exe", path, sizeof path - 1) > 0, "readlink");
  self = path;
  prepare();
  int filled = 0;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row* row = &rows[i];
    if (!wanted(row->name, argc, argv)) continue;
    if (row->run == getdents_row && !filled++) fill_directory();
    enum { ROUNDS = 15 };
    int rounds = quick ? 5 : ROUNDS;
    double times[ROUNDS];
    row->run(row->count / 10 + 1);
    for (int round = 0; round < rounds; round++) {
      double start = now();
      row->run(row->count);
      times[round] = (now() - start) / row->count;
    }
    qsort(times, rounds, sizeof *times, compare);
    printf("%s\t%.0f\t%.0f\n", row->name, times[0], times[rounds / 2]);
    fflush(stdout);
  }
  if (filled) remove_directory();
  else unlink("file"), check(chdir("/") == 0 && rmdir(directory) == 0, "clean-up");
  return 0;
}
