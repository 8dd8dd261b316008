// build: -pthread
// files
// Linux AIO by its calls: io_setup(2), io_submit(2), io_getevents(2), io_destroy(2).
#include "../check.h"
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static long setup(unsigned count, aio_context_t* context) {
  return syscall(SYS_io_setup, count, context);
}
static long submit(aio_context_t context, long count, struct iocb** list) {
  return syscall(SYS_io_submit, context, count, list);
}
static long collect(aio_context_t context, long least, long most, struct io_event* events, void* timeout) {
  return syscall(SYS_io_getevents, context, least, most, events, timeout);
}

static struct iocb request(int fd, int command, void* data, size_t length, long offset, long name) {
  struct iocb block = {0};
  block.aio_fildes = fd;
  block.aio_lio_opcode = command;
  block.aio_buf = (uintptr_t)data;
  block.aio_nbytes = length;
  block.aio_offset = offset;
  block.aio_data = name;
  return block;
}

static aio_context_t shared;
static struct iocb late;

static void* submits_late(void* unused) {
  (void)unused;
  usleep(50000);
  struct iocb* list[1] = {&late};
  must(submit(shared, 1, list));
  return NULL;
}

static void contexts(void) {
  aio_context_t context = 5;
  fails("a name that is set", setup(1, &context), EINVAL);
  context = 0;
  fails("no events", setup(0, &context), EINVAL);
  fails("nowhere", setup(1, NULL), EFAULT);
  fails("far too many", setup(0x10000001, &context), EINVAL);
  fails("more than aio-max-nr", setup(0x100000, &context), EAGAIN);
  fails("no such context", syscall(SYS_io_destroy, 0x1234000L), EINVAL);
  succeeds("setup", setup(8, &context));
  holds("a name", context != 0);
  aio_context_t second = 0;
  succeeds("another", setup(8, &second));
  holds("another name", context != second);
  succeeds("destroy", syscall(SYS_io_destroy, second));
  fails("twice", syscall(SYS_io_destroy, second), EINVAL);
  struct io_event event;
  struct timespec none = {0, 0};
  fails("events of what is gone", collect(second, 0, 1, &event, &none), EINVAL);
  fails("less than nothing", collect(context, -1, 1, &event, &none), EINVAL);
  fails("at least more than at most", collect(context, 2, 1, &event, &none), EINVAL);
  equal("nothing yet", collect(context, 1, 1, &event, &none), 0);
  struct timespec soon = {0, 20000000};
  equal("nothing in time", collect(context, 1, 1, &event, &soon), 0);
  equal("nothing submitted", submit(context, 0, NULL), 0);
  fails("a negative number", submit(context, -1, NULL), EINVAL);
  fails("no list", submit(context, 1, NULL), EFAULT);
  struct iocb* wild[1] = {(void*)8};
  fails("no request", submit(context, 1, wild), EFAULT);
  if (fork() == 0)
    _exit(collect(context, 0, 1, &event, &none) == -1 && errno == EINVAL ? 0 : 1);
  int status;
  must(wait(&status));
  equal("not a child's", WEXITSTATUS(status), 0);
  must(syscall(SYS_io_destroy, context));
}

static void requests(void) {
  int fd = must(open("aio-file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  int reader = must(open("aio-file", O_RDONLY)), writer = must(open("aio-file", O_WRONLY));
  int count = must(eventfd(0, EFD_NONBLOCK));
  aio_context_t context = 0;
  must(setup(8, &context));
  char text[] = "hello, world", back[100] = {0}, more[4] = {0};
  struct iocb a = request(fd, IOCB_CMD_PWRITE, text, 12, 5, 11),
              b = request(fd, IOCB_CMD_PREAD, back, 100, 3, 22);
  struct iovec parts[2] = {{more, 2}, {more + 2, 2}};
  struct iocb c = request(fd, IOCB_CMD_PREADV, parts, 2, 5, 33),
              d = request(fd, IOCB_CMD_FDSYNC, NULL, 0, 0, 44);
  a.aio_flags = c.aio_flags = IOCB_FLAG_RESFD;
  a.aio_resfd = c.aio_resfd = count;
  struct iocb* list[4] = {&a, &b, &c, &d};
  struct io_event events[8];
  // One after the other: they may be done in any order.
  for (int i = 0; i < 4; i++) {
    equal("submitted", submit(context, 1, list + i), 1);
    equal("done", collect(context, 1, 8, events, NULL), 1);
    equal("its data", events[0].data, 11 * (i + 1));
    holds("its request", events[0].obj == (uintptr_t)list[i]);
    equal("its result", events[0].res, (long[]){12, 14, 4, 0}[i]);
  }
  uint64_t told = 0;
  must(read(count, &told, 8));
  equal("the eventfd knows of two", told, 2);
  same_text("what was written", back + 2, "hello, world");
  holds("in pieces", memcmp(more, "hell", 4) == 0);

  struct iocb bad[8] = {
      request(99, IOCB_CMD_PREAD, back, 1, 0, 0),      request(writer, IOCB_CMD_PREAD, back, 1, 0, 0),
      request(reader, IOCB_CMD_PWRITE, back, 1, 0, 0), request(fd, 77, back, 1, 0, 0),
      request(fd, IOCB_CMD_PREAD, back, 1, -1, 0),     request(fd, IOCB_CMD_PREAD, back, -1, 0, 0),
      request(fd, IOCB_CMD_FSYNC, back, 0, 0, 0),      request(fd, IOCB_CMD_PREAD, back, 1, 0, 0),
  };
  bad[7].aio_flags = IOCB_FLAG_RESFD;
  bad[7].aio_resfd = fd;
  int errors[8] = {EBADF, EBADF, EBADF, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL};
  for (int i = 0; i < 8; i++) {
    struct iocb* single[1] = {&bad[i]};
    char name[32];
    snprintf(name, sizeof name, "refused %d", i);
    fails(name, submit(context, 1, single), errors[i]);
  }
  struct iocb* mixed[3] = {&a, &bad[0], &b};
  equal("up to the first that is wrong", submit(context, 3, mixed), 1);
  equal("only that", collect(context, 1, 8, events, NULL), 1);

  struct iocb fault = request(fd, IOCB_CMD_PREAD, (void*)8, 4, 0, 0),
              end = request(fd, IOCB_CMD_PREAD, back, 4, 1000, 0);
  struct iocb* last[2] = {&fault, &end};
  equal("a bad address is a result", submit(context, 1, last), 1);
  must(collect(context, 1, 1, events, NULL));
  equal("EFAULT", events[0].res, -EFAULT);
  equal("behind the end", submit(context, 1, last + 1), 1);
  must(collect(context, 1, 1, events, NULL));
  equal("nothing", events[0].res, 0);

  char* large = mmap(NULL, 3 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(large, 'x', 3 << 20);
  struct iocb big = request(fd, IOCB_CMD_PWRITE, large, 3 << 20, 0, 0);
  list[0] = &big;
  equal("megabytes", submit(context, 1, list), 1);
  must(collect(context, 1, 1, events, NULL));
  equal("all of them", events[0].res, 3 << 20);
  big.aio_lio_opcode = IOCB_CMD_PREAD;
  memset(large, 0, 3 << 20);
  must(submit(context, 1, list));
  must(collect(context, 1, 1, events, NULL));
  holds("and back", events[0].res == 3 << 20 && large[0] == 'x' && large[(3 << 20) - 1] == 'x');

  shared = context;
  late = request(fd, IOCB_CMD_PREAD, back, 1, 0, 66);
  pthread_t thread;
  must(pthread_create(&thread, NULL, submits_late, NULL));
  equal("waits for another thread's", collect(context, 1, 1, events, NULL), 1);
  equal("that one", events[0].data, 66);
  must(pthread_join(thread, NULL));
  list[0] = &late;
  must(submit(context, 1, list));
  fails("nowhere to put it", collect(context, 1, 1, (void*)8, NULL), EFAULT);
  must(syscall(SYS_io_destroy, context));
}

int main(void) {
  enter_directory("aio");
  contexts();
  requests();
  return check_failures;
}
