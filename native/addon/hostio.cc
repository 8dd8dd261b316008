// Reading, writing and describing host descriptors: the part of the addon that every process uses.
#include <fcntl.h>
#include <sys/file.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "addon.h"

// Inode numbers use all 64 bits on some filesystems (overlayfs puts a layer number on top): fold them into
// the 53 that a double holds, the same way everywhere.
static double FoldIno(uint64_t ino) {
  constexpr uint64_t low = (uint64_t{1} << 52) - 1;
  return static_cast<double>(ino <= low ? ino : (ino & low) ^ ((ino >> 52) << 40));
}

bool FillStat(const struct stat& from, Bytes out) {
  if (out.start == nullptr || out.length < 16 * sizeof(double))
    return false;
  double* d = reinterpret_cast<double*>(out.start);
  d[0] = static_cast<double>(from.st_dev);
  d[1] = FoldIno(from.st_ino);
  d[2] = from.st_mode;
  d[3] = static_cast<double>(from.st_nlink);
  d[4] = from.st_uid;
  d[5] = from.st_gid;
  d[6] = static_cast<double>(from.st_rdev);
  d[7] = static_cast<double>(from.st_size);
  d[8] = static_cast<double>(from.st_blksize);
  d[9] = static_cast<double>(from.st_blocks);
  d[10] = static_cast<double>(from.st_atim.tv_sec);
  d[11] = static_cast<double>(from.st_atim.tv_nsec);
  d[12] = static_cast<double>(from.st_mtim.tv_sec);
  d[13] = static_cast<double>(from.st_mtim.tv_nsec);
  d[14] = static_cast<double>(from.st_ctim.tv_sec);
  d[15] = static_cast<double>(from.st_ctim.tv_nsec);
  return true;
}

namespace {

napi_value Pread(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Bytes to = args.Range(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0);
  off_t at = args.Int64(4);
  return Outcome(env, Restarting([&] { return pread(fd, to.start, to.length, at); }));
}

napi_value Pwrite(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Bytes from = args.Range(1);
  if (from.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0);
  off_t at = args.Int64(4);
  return Outcome(env, Restarting([&] { return pwrite(fd, from.start, from.length, at); }));
}

napi_value Read(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes to = args.Range(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0);
  return Outcome(env, Restarting([&] { return read(fd, to.start, to.length); }));
}

napi_value Write(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes from = args.Range(1);
  if (from.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0);
  return Outcome(env, Restarting([&] { return write(fd, from.start, from.length); }));
}

// read(2) and write(2) that never wait, on a descriptor whose O_NONBLOCK is not ours to change.
// -EOPNOTSUPP: the kind of file cannot do that.
napi_value ReadNowait(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes to = args.Range(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  struct iovec iov = {to.start, to.length};
  int fd = args.Int(0);
  return Outcome(env, Restarting([&] { return preadv2(fd, &iov, 1, -1, RWF_NOWAIT); }));
}

napi_value WriteNowait(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes from = args.Range(1);
  if (from.start == nullptr)
    return Result(env, -EFAULT);
  struct iovec iov = {from.start, from.length};
  int fd = args.Int(0);
  return Outcome(env, Restarting([&] { return pwritev2(fd, &iov, 1, -1, RWF_NOWAIT); }));
}

napi_value Close(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  return Outcome(env, close(args.Int(0)));
}

napi_value Dup(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  return Outcome(env, fcntl(args.Int(0), F_DUPFD_CLOEXEC, 3));
}

napi_value Ftruncate(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, Restarting([&] { return ftruncate(args.Int(0), args.Int64(1)); }));
}

napi_value Fallocate(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  return Outcome(
      env, Restarting([&] { return fallocate(args.Int(0), args.Int(1), args.Int64(2), args.Int64(3)); }));
}

napi_value Fsync(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  int fd = args.Int(0);
  bool dataOnly = args.Bool(1);
  return Outcome(env, Restarting([&] { return dataOnly ? fdatasync(fd) : fsync(fd); }));
}

napi_value Lseek(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  return Outcome(env, lseek(args.Int(0), args.Int64(1), args.Int(2)));
}

napi_value Fcntl(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  return Outcome(env, fcntl(args.Int(0), args.Int(1), args.Int(2)));
}

napi_value Flock(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, Restarting([&] { return flock(args.Int(0), args.Int(1)); }));
}

napi_value Poll(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  struct pollfd one = {args.Int(0), static_cast<short>(args.Int(1)), 0};
  int n = Restarting([&] { return poll(&one, 1, 0); });
  return n < 0 ? Outcome(env, n) : Result(env, one.revents);
}

napi_value MemfdCreate(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  char name[256];
  int failure = args.String(0, name, sizeof name);
  if (failure != 0)
    return Result(env, failure);
  return Outcome(env, memfd_create(name, args.Uint(1) | MFD_CLOEXEC));
}

napi_value Fstat(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  struct stat st;
  if (fstat(args.Int(0), &st) < 0)
    return Outcome(env, -1);
  return Result(env, FillStat(st, args.Array(1)) ? 0 : -EFAULT);
}

napi_value GetWinsize(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes out = args.Array(1);
  if (out.start == nullptr || out.length < 4 * sizeof(int32_t))
    return Result(env, -EFAULT);
  struct winsize size;
  if (ioctl(args.Int(0), TIOCGWINSZ, &size) < 0)
    return Outcome(env, -1);
  int32_t* numbers = reinterpret_cast<int32_t*>(out.start);
  numbers[0] = size.ws_row;
  numbers[1] = size.ws_col;
  numbers[2] = size.ws_xpixel;
  numbers[3] = size.ws_ypixel;
  return Result(env, 0);
}

napi_value SetWinsize(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  struct winsize size;
  size.ws_row = static_cast<unsigned short>(args.Int(1));
  size.ws_col = static_cast<unsigned short>(args.Int(2));
  size.ws_xpixel = static_cast<unsigned short>(args.Int(3));
  size.ws_ypixel = static_cast<unsigned short>(args.Int(4));
  return Outcome(env, ioctl(args.Int(0), TIOCSWINSZ, &size));
}

// FIONREAD: bytes that can be read now.
napi_value PendingBytes(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int count = 0;
  if (ioctl(args.Int(0), FIONREAD, &count) < 0)
    return Outcome(env, -1);
  return Result(env, count);
}

napi_value TtyRaw(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int fd = args.Int(0);
  struct termios mode;
  if (tcgetattr(fd, &mode) < 0)
    return Outcome(env, -1);
  cfmakeraw(&mode);
  return Outcome(env, tcsetattr(fd, TCSANOW, &mode));
}

napi_value SetNonblock(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int fd = args.Int(0);
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0)
    return Outcome(env, -1);
  return Outcome(env, fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

const Entry entries[] = {
    {"pread", Pread},
    {"pwrite", Pwrite},
    {"read", Read},
    {"write", Write},
    {"readNowait", ReadNowait},
    {"writeNowait", WriteNowait},
    {"close", Close},
    {"dup", Dup},
    {"ftruncate", Ftruncate},
    {"fallocate", Fallocate},
    {"fsync", Fsync},
    {"lseek", Lseek},
    {"fcntl", Fcntl},
    {"flock", Flock},
    {"poll", Poll},
    {"memfdCreate", MemfdCreate},
    {"fstat", Fstat},
    {"getWinsize", GetWinsize},
    {"setWinsize", SetWinsize},
    {"pendingBytes", PendingBytes},
    {"ttyRaw", TtyRaw},
    {"setNonblock", SetNonblock},
};

} // namespace

void RegisterHostFiles(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
