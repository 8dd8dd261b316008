// read(2), pread(2): large reads of one file many times, while it changes, in forked children, and of many
// files. files
#include "../check.h"
#include <sys/mman.h>
#include <sys/wait.h>

enum { SIZE = 300000, PIECE = 64 << 10 };
static unsigned char data[SIZE + PIECE], piece[PIECE + 1];

static void fill(int seed) {
  for (int i = 0; i < SIZE; i++)
    data[i] = (unsigned char)(i * 7 + i / 251 + seed);
}

// How many of `count` reads at positions all over the file gave something else than what is in it.
static int wrong_reads(int fd, int count, long size) {
  int wrong = 0;
  for (int i = 0; i < count; i++) {
    long at = (long)((unsigned)i * 2654435761u % (unsigned)(size + 1000));
    long want = at >= size ? 0 : size - at < PIECE ? size - at : PIECE;
    memset(piece, 0xee, sizeof piece);
    long n = pread(fd, piece, PIECE, at);
    if (n != want || memcmp(piece, data + at, (size_t)want) != 0 || piece[PIECE] != 0xee)
      wrong++;
    if (want < PIECE && piece[want] != 0xee)
      wrong++;
  }
  return wrong;
}

int main(void) {
  enter_directory("read-again");
  fill(1);
  int fd = must(open("file", O_RDWR | O_CREAT, 0644));
  equal("write", write(fd, data, SIZE), SIZE);
  equal("read again and again", wrong_reads(fd, 60, SIZE), 0);
  for (int round = 0; round < 20; round++) {
    long at = round * 14000;
    for (int i = 0; i < 5000; i++)
      data[at + i] ^= 0x5a;
    must(pwrite(fd, data + at, 5000, at));
    if (wrong_reads(fd, 5, SIZE) != 0)
      equal("after a write", round, -1);
  }
  must(ftruncate(fd, 100000));
  equal("cut", wrong_reads(fd, 30, 100000), 0);
  must(ftruncate(fd, 200000));
  memset(data + 100000, 0, 100000);
  equal("longer again: zeros", wrong_reads(fd, 30, 200000), 0);

  unsigned char* map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (int i = 0; i < 200000; i += 777)
    map[i] = data[i] = (unsigned char)i;
  equal("after stores through a mapping", wrong_reads(fd, 30, 200000), 0);

  fails("a bad buffer", pread(fd, (void*)8, PIECE, 0), EFAULT);
  char* edge = mmap(NULL, 2 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(mprotect(edge + PIECE, PIECE, PROT_READ));
  long n = pread(fd, edge + PIECE - 8192, PIECE, 0);
  equal("a buffer that ends: what fits, or nothing", n == 8192 || (n == -1 && errno == EFAULT), 1);

  pid_t child = must(fork());
  if (child == 0)
    _exit(wrong_reads(fd, 40, 200000));
  equal("the parent meanwhile", wrong_reads(fd, 40, 200000), 0);
  int status;
  must(waitpid(child, &status, 0));
  equal("a child", status, 0);

  // More files than any cache of descriptors holds, each read often, then all over again.
  static int many[200];
  int bad = 0;
  for (int i = 0; i < 200; i++) {
    char name[32];
    sprintf(name, "many-%d", i);
    many[i] = must(open(name, O_RDWR | O_CREAT, 0644));
    memset(piece, i, PIECE);
    must(write(many[i], piece, 20000));
  }
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 200; i++) {
      for (int k = 0; k < 12; k++) {
        memset(piece, 0xee, sizeof piece);
        if (pread(many[i], piece, 18000, 100) != 18000 || piece[0] != (unsigned char)i ||
            piece[17999] != piece[0])
          bad++;
      }
      if (round == 1) {
        close(many[i]);
        char name[32];
        sprintf(name, "many-%d", i);
        many[i] = must(open(name, O_RDONLY));
      }
    }
  }
  equal("many files", bad, 0);
  return check_done();
}
