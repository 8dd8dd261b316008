// Limits at work (getrlimit(2)): file sizes, descriptors, CPU time, processes, signals, messages, priorities.
// build: -lrt -pthread
// files
#include "../check.h"
#include <mqueue.h>
#include <pthread.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define in_child(...)            \
  ({                             \
    pid_t pid = must(fork());    \
    if (pid == 0) {              \
      __VA_ARGS__;               \
      _exit(0);                  \
    }                            \
    status_of(pid);              \
  })

static void set(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit r = {soft, hard};
  must(setrlimit(resource, &r));
}
static volatile sig_atomic_t got;
static void handler(int signo) { got = signo; }
static void on(int signo) {
  struct sigaction action = {.sa_handler = handler};
  must(sigaction(signo, &action, NULL));
}
static long size_of(int fd) {
  struct stat s;
  must(fstat(fd, &s));
  return s.st_size;
}
static char bytes[1 << 17];
#define tells(name, ...)                           \
  do {                                             \
    got = 0;                                       \
    shows(name, (__VA_ARGS__));                    \
    say("ok signal %d size %ld\n", (int)got, size_of(fd)); \
  } while (0)

static void file_size(void) {
  int fd = must(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  int source = must(open("source", O_RDWR | O_CREAT | O_TRUNC, 0600));
  must(ftruncate(source, 8192));
  on(SIGXFSZ);
  set(RLIMIT_FSIZE, 1000, RLIM_INFINITY);
  tells("write below", write(fd, bytes, 600));
  tells("write across", write(fd, bytes, 600));
  tells("write at the limit", write(fd, bytes, 1));
  tells("write of nothing", write(fd, bytes, 0));
  tells("pwrite across", pwrite(fd, bytes, 100, 950));
  tells("pwrite at the limit", pwrite(fd, bytes, 100, 1000));
  tells("pwrite beyond", pwrite(fd, bytes, 100, 5000));
  tells("pwrite of nothing beyond", pwrite(fd, bytes, 0, 5000));
  struct iovec vector[] = {{bytes, 30}, {bytes, 30}};
  tells("pwritev across", pwritev(fd, vector, 2, 980));
  tells("pwritev within the first", pwritev(fd, vector, 2, 950));
  tells("pwritev2 beyond", pwritev2(fd, vector, 2, 1001, 0));
  must(lseek(fd, 0, SEEK_SET));
  int appending = must(open("file", O_WRONLY | O_APPEND));
  tells("append at the limit", write(appending, bytes, 1));
  tells("truncate to the limit", ftruncate(fd, 1000));
  tells("truncate beyond", ftruncate(fd, 1001));
  tells("truncate of a path beyond", truncate("file", 1001));
  tells("truncate below", ftruncate(fd, 10));
  tells("append below", write(appending, bytes, 1000));
  must(ftruncate(fd, 0));
  tells("fallocate to the limit", fallocate(fd, 0, 0, 1000));
  tells("fallocate beyond", fallocate(fd, 0, 0, 1001));
  tells("fallocate beyond, kept size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 900, 200));
  must(ftruncate(fd, 0));
  must(lseek(fd, 0, SEEK_SET));
  off_t from = 0, to = 900;
  tells("copy_file_range across", copy_file_range(source, &from, fd, &to, 500, 0));
  from = 0, to = 1000;
  tells("copy_file_range at the limit", copy_file_range(source, &from, fd, &to, 500, 0));
  must(ftruncate(fd, 0));
  must(lseek(fd, 900, SEEK_SET));
  from = 0;
  tells("sendfile across", sendfile(fd, source, &from, 500));
  must(lseek(fd, 1000, SEEK_SET));
  from = 0;
  tells("sendfile at the limit", sendfile(fd, source, &from, 500));
  int ends[2];
  must(pipe(ends));
  if (write(ends[1], bytes, 500) != 500) _exit(1);
  off_t at = 900;
  tells("splice across", splice(ends[0], NULL, fd, &at, 400, 0));
  at = 1000;
  tells("splice at the limit", splice(ends[0], NULL, fd, &at, 100, 0));
  tells("open with O_TRUNC", ({
          int other = open("file", O_WRONLY | O_TRUNC);
          close(other);
        }));
  // A file that is there and larger may be written as far as the limit goes.
  set(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
  must(ftruncate(fd, 5000));
  set(RLIMIT_FSIZE, 1000, RLIM_INFINITY);
  tells("write within a large file", pwrite(fd, bytes, 100, 2000));
  tells("write of a large file's start", pwrite(fd, bytes, 100, 0));
  tells("smaller, but beyond", ftruncate(fd, 4000));
  tells("the same size", ftruncate(fd, 4000));
  tells("larger", ftruncate(fd, 4001));
  tells("a hole in it", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2000, 100));
  char* map = must(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) + (char*)0;
  tells("a store in a map", (map[3000] = 1));
  set(RLIMIT_FSIZE, 0, RLIM_INFINITY);
  tells("nothing at all", pwrite(fd, bytes, 1, 0));
  // Pipes, terminals and sockets have no size.
  got = 0;
  shows("a pipe", write(ends[1], bytes, 100));
  int memory = must(memfd_create("m", 0));
  shows("a memory file", write(memory, bytes, 100));
  shows("its size", ftruncate(memory, 100));
  say("ok signal %d\n", (int)got);
  shows("a new empty file", open("new", O_CREAT | O_WRONLY, 0600) >= 0);
  shows("a directory", mkdir("directory", 0700));
  shows("a symlink", symlink("target", "link"));
  signal(SIGXFSZ, SIG_IGN);
  shows("ignored", pwrite(fd, bytes, 1, 0));
  equal("by default", in_child({
          signal(SIGXFSZ, SIG_DFL);
          struct rlimit none = {0, 0};
          setrlimit(RLIMIT_CORE, &none);
          pwrite(fd, bytes, 1, 0);
        }), 1000 + SIGXFSZ);
  set(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
}

static void descriptors(void) {
  int fd = 0, ends[2], pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  int listener = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(listener, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)));
  must(listen(listener, 2));
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  must(getsockname(listener, (void*)&name, &length));
  int client = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(connect(client, (void*)&name, length));
  int idle_listener = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(idle_listener, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)));
  must(listen(idle_listener, 2));
  int high = must(fcntl(0, F_DUPFD, 50));
  int first = must(dup(0));
  close(first);
  set(RLIMIT_NOFILE, first, 4096);
  shows("dup", dup(0));
  shows("dup2 within", dup2(0, first - 1) == first - 1);
  shows("dup2 at the limit", dup2(0, first));
  shows("dup2 onto itself above", dup2(high, high) == high);
  shows("dup3 at the limit", dup3(0, first, 0));
  shows("dup2 from above it", dup2(high, first - 1) == first - 1);
  shows("F_DUPFD", fcntl(0, F_DUPFD, 0));
  shows("F_DUPFD at the limit", fcntl(0, F_DUPFD, first));
  shows("F_DUPFD above", fcntl(0, F_DUPFD, 5000));
  shows("F_DUPFD_CLOEXEC", fcntl(0, F_DUPFD_CLOEXEC, 0));
  shows("open", open("/", O_RDONLY));
  shows("open of what is not there", open("not-there", O_RDONLY));
  shows("creation", open("created", O_RDONLY | O_CREAT, 0600));
  shows("made nothing", access("created", F_OK));
  shows("O_PATH", open("/", O_PATH));
  shows("O_TMPFILE", open(".", O_TMPFILE | O_RDWR, 0600));
  shows("pipe", pipe(ends));
  shows("socket", socket(AF_UNIX, SOCK_STREAM, 0));
  shows("socket of no family", socket(99, SOCK_STREAM, 0));
  shows("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  shows("accept", accept(listener, NULL, NULL));
  shows("accept without a connection", accept(idle_listener, NULL, NULL));
  shows("mq_open makes nothing", ({
          struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 8};
          mq_open("/limits2", O_CREAT | O_RDWR, 0600, &small);
        }));
  shows("epoll_create", epoll_create1(0));
  shows("eventfd", eventfd(0, 0));
  shows("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
  sigset_t none;
  sigemptyset(&none);
  shows("signalfd", signalfd(-1, &none, 0));
  shows("inotify", inotify_init());
  shows("memfd", memfd_create("m", 0));
  shows("pidfd", syscall(SYS_pidfd_open, getpid(), 0));
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  shows("mq_open", mq_open("/limits", O_CREAT | O_RDWR, 0600, &attributes));
  fd_set bits;
  FD_ZERO(&bits);
  FD_SET(high, &bits);
  shows("select above the limit", select(high + 1, &bits, NULL, NULL, &(struct timeval){0}) >= 0);
  shows("read above the limit", fcntl(high, F_GETFD));
  set(RLIMIT_NOFILE, first + 1, 4096);
  shows("one of a pipe's", pipe(ends));
  shows("one of a pair's", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  fd = shows("the last one", dup(0) == first) ? first : -1;
  close(fd);
  // What doesn't fit is closed, and the message says so.
  char control[CMSG_SPACE(3 * sizeof(int))] = {0};
  struct iovec vector = {bytes, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(3 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(header), (int[]){0, 1, 2}, 3 * sizeof(int));
  must(sendmsg(pair[0], &message, 0));
  memset(control, 0, sizeof control);
  message.msg_controllen = sizeof control;
  shows("three descriptors", recvmsg(pair[1], &message, 0));
  say("ok flags %x controls %ld\n", message.msg_flags, (long)message.msg_controllen);
  header = CMSG_FIRSTHDR(&message);
  if (header != NULL) say("ok got %ld bytes of them\n", (long)(header->cmsg_len - CMSG_LEN(0)));
  must(sendmsg(pair[0], &(struct msghdr){.msg_iov = &vector, .msg_iovlen = 1}, 0));
  shows("still full", dup(0));
  set(RLIMIT_NOFILE, 4096, 4096);
  shows("the connection is still there", accept(listener, NULL, NULL) >= 0);
  set(RLIMIT_NOFILE, 0, 4096);
  shows("none at all", dup(0));
  shows("poll", poll(NULL, 0, 0));
  set(RLIMIT_NOFILE, 1024, 4096);
  shows("and it is not there", mq_unlink("/limits2"));
  must(make_file("kept", "text"));
  set(RLIMIT_NOFILE, 0, 4096);
  shows("O_TRUNC", open("kept", O_WRONLY | O_TRUNC));
  set(RLIMIT_NOFILE, 1024, 4096);
  struct stat status;
  must(stat("kept", &status));
  say("ok kept %ld bytes\n", (long)status.st_size);
}

static void cpu_time(void) {
  equal("SIGXCPU, then SIGKILL", in_child({
          on(SIGXCPU);
          set(RLIMIT_CPU, 1, 2);
          while (!got) {}
          say("ok signal %d after %ld s\n", (int)got, now_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000000);
          for (;;) {}
        }), 1000 + SIGKILL);
  equal("a limit of 0", in_child({
          set(RLIMIT_CPU, 0, 1);
          for (;;) {}
        }), 1000 + SIGXCPU);
  equal("used up already", in_child({
          while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < 1100000000) {}
          set(RLIMIT_CPU, 1, 5);
          for (;;) {}
        }), 1000 + SIGXCPU);
}

static void* stays(void* gate) {
  pthread_mutex_lock(gate);
  return NULL;
}
static void processes(void) {
  equal("processes of a user", in_child({
          must(setresgid(4321, 4321, 4321));
          must(setresuid(4321, 4321, 4321));
          set(RLIMIT_NPROC, 3, 3);
          int ends[2];
          must(pipe(ends));
          pid_t children[2];
          for (int i = 0; i < 2; i++) {
            children[i] = fork();
            if (children[i] == 0) {
              close(ends[1]);
              char c;
              _exit(read(ends[0], &c, 1));
            }
          }
          shows("made two", children[0] > 0 && children[1] > 0);
          shows("fork", fork());
          shows("vfork", vfork());
          pthread_t thread;
          shows("a thread", pthread_create(&thread, NULL, stays, NULL));
          
          close(ends[1]);
          // A zombie counts until it is waited for.
          siginfo_t info;
          must(waitid(P_PID, children[0], &info, WEXITED | WNOWAIT));
          must(waitid(P_PID, children[1], &info, WEXITED | WNOWAIT));
          shows("beside zombies", fork());
          while (wait(NULL) > 0) {}
          pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
          pthread_mutex_lock(&gate);
          pthread_t threads[3];
          for (int i = 0; i < 3; i++) shows("threads count", pthread_create(&threads[i], NULL, stays, &gate));
        }), 0);
  equal("root is exempt", in_child({
          set(RLIMIT_NPROC, 0, 0);
          shows("fork", in_child((void)0));
        }), 0);
  equal("setuid over the limit", in_child({
          set(RLIMIT_NPROC, 0, 0);
          must(setresuid(4322, 4322, 4322));
          execl("/bin/true", "true", NULL);
          say("ok exec: %s\n", strerrorname_np(errno));
          shows("fork", fork());
        }), 0);
  equal("over the limit with another", in_child({
          pid_t other = must(fork());
          if (other == 0) {
            must(setresuid(4322, 4322, 4322));
            pause();
          }
          sleep_ms(50);
          set(RLIMIT_NPROC, 0, 0);
          must(setresuid(4322, 4322, 4322));
          pid_t child = fork();
          shows("fork", child);
          execl("/bin/true", "true", NULL);
          say("ok exec: %s\n", strerrorname_np(errno));
          kill(other, SIGKILL);
          status_of(other);
          execl("/bin/true", "true", NULL);
        }), 0);
  equal("seteuid is not", in_child({
          set(RLIMIT_NPROC, 0, 0);
          must(setresuid(-1, 4322, -1));
          execl("/bin/true", "true", NULL);
          say("ok exec: %s\n", strerrorname_np(errno));
        }), 0);
}

static void signals(void) {
  equal("queued signals", in_child({
          sigset_t all;
          sigfillset(&all);
          sigprocmask(SIG_BLOCK, &all, NULL);
          must(setresuid(4323, 4323, 4323));
          set(RLIMIT_SIGPENDING, 3, 3);
          union sigval value = {.sival_int = 7};
          for (int i = 0; i < 5; i++) shows("sigqueue of SIGRTMIN", sigqueue(getpid(), SIGRTMIN, value));
          shows("kill with SIGRTMIN", kill(getpid(), SIGRTMIN));
          shows("kill with another", kill(getpid(), SIGRTMIN + 1));
          shows("sigqueue of SIGUSR1", sigqueue(getpid(), SIGUSR1, value));
          shows("kill with SIGUSR2", kill(getpid(), SIGUSR2));
          shows("raise", raise(SIGRTMIN + 2));
          siginfo_t info;
          sigset_t set = all;
          struct timespec now = {0};
          for (int i = 0; i < 10; i++) {
            memset(&info, 0, sizeof info);
            int signo = sigtimedwait(&set, &info, &now);
            if (signo < 0) break;
            say("ok pending %d code %d value %d pid %d\n", signo, info.si_code, info.si_value.sival_int, info.si_pid == getpid());
          }
          timer_t timer;
          struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
          for (int i = 0; i < 5; i++) shows("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
        }), 0);
}

static void messages(void) {
  equal("bytes in message queues", in_child({
          must(setresuid(4324, 4324, 4324));
          set(RLIMIT_MSGQUEUE, 2000, 2000);
          struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 100};
          mqd_t first = mq_open("/limited1", O_CREAT | O_RDWR, 0600, &attributes);
          shows("small", first >= 0);
          attributes.mq_msgsize = 2000;
          shows("large", mq_open("/limited2", O_CREAT | O_RDWR, 0600, &attributes));
          attributes.mq_msgsize = 600;
          shows("together", mq_open("/limited2", O_CREAT | O_RDWR, 0600, &attributes) >= 0 ? 1 : -1);
          shows("a third", mq_open("/limited3", O_CREAT | O_RDWR, 0600, &attributes));
          shows("unlink", mq_unlink("/limited1"));
          shows("open still", mq_open("/limited3", O_CREAT | O_RDWR, 0600, &attributes));
          mq_close(first);
          attributes.mq_msgsize = 100;
          shows("after it is closed", mq_open("/limited3", O_CREAT | O_RDWR, 0600, &attributes) >= 0 ? 1 : -1);
          mq_unlink("/limited2");
          mq_unlink("/limited3");
        }), 0);
}

static void priorities(void) {
  equal("nice", in_child({
          must(setresuid(4325, 4325, 4325));
          shows("up", setpriority(PRIO_PROCESS, 0, 5));
          shows("down", setpriority(PRIO_PROCESS, 0, 4));
          shows("below zero", setpriority(PRIO_PROCESS, 0, -1));
          struct sched_param p = {.sched_priority = 1};
          shows("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &p));
          p.sched_priority = 0;
          shows("SCHED_BATCH", sched_setscheduler(0, SCHED_BATCH, &p));
          shows("SCHED_IDLE", sched_setscheduler(0, SCHED_IDLE, &p));
          shows("back from SCHED_IDLE", sched_setscheduler(0, SCHED_OTHER, &p));
        }), 0);
}

int main(void) {
  enter_directory("enforced");
  file_size();
  descriptors();
  cpu_time();
  processes();
  signals();
  messages();
  priorities();
  return check_done();
}
