// The gofer's calls: single names beneath a directory descriptor, symbolic links never followed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "addon.h"

namespace {

// The longest path or link text that Linux takes, with its NUL.
using PathText = char[PATH_MAX];

#define READ_NAME(index, name)                                                                               \
  PathText name;                                                                                             \
  if (int failure = args.String(index, name, sizeof name); failure != 0)                                     \
  return Result(env, failure)

napi_value Openat(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  READ_NAME(1, name);
  int flags = args.Int(2) | O_NOFOLLOW | O_CLOEXEC;
  return Outcome(env, Restarting([&] { return openat(args.Int(0), name, flags, args.Uint(3)); }));
}

napi_value ConnectUnix(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(1, name);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (snprintf(address.sun_path, sizeof address.sun_path, "./%s", static_cast<const char*>(name)) >=
      static_cast<int>(sizeof address.sun_path))
    return Result(env, -ENAMETOOLONG);
  int fd = socket(AF_UNIX, args.Int(2) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return Outcome(env, -1);
  int failure = 0;
  if (fchdir(args.Int(0)) != 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    failure = errno;
  if (chdir("/") != 0 && failure == 0)
    failure = errno;
  if (failure == 0)
    return Result(env, fd);
  close(fd);
  return Result(env, -failure);
}

napi_value Fstatat(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(1, name);
  struct stat st;
  if (fstatat(args.Int(0), name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
    return Outcome(env, -1);
  return Result(env, FillStat(st, args.Array(2)) ? 0 : -EFAULT);
}

napi_value Mkdirat(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(1, name);
  return Outcome(env, mkdirat(args.Int(0), name, args.Uint(2)));
}

napi_value Mknodat(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  READ_NAME(1, name);
  return Outcome(env, mknodat(args.Int(0), name, args.Uint(2), static_cast<dev_t>(args.Int64(3))));
}

napi_value Symlinkat(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(0, target);
  READ_NAME(2, name);
  return Outcome(env, symlinkat(target, args.Int(1), name));
}

// An empty old name links the descriptor itself (needs CAP_DAC_READ_SEARCH).
napi_value Linkat(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  READ_NAME(1, oldName);
  READ_NAME(3, newName);
  int flags = oldName[0] == 0 ? AT_EMPTY_PATH : 0;
  return Outcome(env, linkat(args.Int(0), oldName, args.Int(2), newName, flags));
}

napi_value Unlinkat(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(1, name);
  return Outcome(env, unlinkat(args.Int(0), name, args.Int(2)));
}

napi_value Renameat2(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  READ_NAME(1, oldName);
  READ_NAME(3, newName);
  return Outcome(env, renameat2(args.Int(0), oldName, args.Int(2), newName, args.Uint(4)));
}

napi_value Readlinkat(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  READ_NAME(1, name);
  PathText target;
  ssize_t n = readlinkat(args.Int(0), name, target, sizeof target);
  if (n < 0)
    return Outcome(env, n);
  napi_value out;
  napi_create_string_latin1(env, target, static_cast<size_t>(n), &out);
  return out;
}

// Also on O_PATH descriptors, by fchmodat2(2) of Linux 6.6: -EOPNOTSUPP before that.
napi_value Fchmod(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  int fd = args.Int(0);
  mode_t mode = args.Uint(1);
  int result = fchmod(fd, mode);
  if (result < 0 && errno == EBADF) {
    constexpr long fchmodat2 = 452;
    result = static_cast<int>(syscall(fchmodat2, fd, "", mode, AT_EMPTY_PATH));
    if (result < 0 && errno == ENOSYS)
      errno = EOPNOTSUPP;
  }
  return Outcome(env, result);
}

napi_value Fchownat(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  READ_NAME(1, name);
  return Outcome(
      env, fchownat(args.Int(0), name, args.Uint(2), args.Uint(3), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

struct timespec Time(double sec, double nsec) {
  struct timespec time;
  time.tv_sec = static_cast<time_t>(sec);
  time.tv_nsec = nsec < 0 ? UTIME_OMIT : static_cast<long>(nsec);
  return time;
}

napi_value Utimensat(napi_env env, napi_callback_info info) {
  Args<6> args(env, info);
  READ_NAME(1, name);
  struct timespec times[2] = {Time(args.Double(2), args.Double(3)), Time(args.Double(4), args.Double(5))};
  return Outcome(env, utimensat(args.Int(0), name, times, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

napi_value Getdents(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes to = args.Range(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  return Outcome(env, syscall(SYS_getdents64, args.Int(0), to.start, to.length));
}

// What a block of entries has of each beside its name: all attributes (FillStat), or the inode number and the
// type (d_type) alone.
constexpr size_t kAttributesSize = 16 * sizeof(double);
constexpr size_t kBriefSize = 2 * sizeof(double);

// What fstatat(2) says of an entry; one that cannot be read has its inode number and type alone, and no
// links.
void StatEntry(int fd, const struct dirent64& record, struct stat* st) {
  if (fstatat(fd, record.d_name, st, AT_SYMLINK_NOFOLLOW) == 0)
    return;
  *st = {};
  st->st_ino = record.d_ino;
  st->st_mode = DTTOIF(record.d_type);
}

// Writes what a block has of an entry; true when that is a directory.
bool PutEntry(int fd, const struct dirent64& record, bool brief, uint8_t* to) {
  struct stat st;
  if (brief && record.d_type != DT_UNKNOWN) {
    st.st_ino = record.d_ino;
    st.st_mode = DTTOIF(record.d_type);
  } else {
    StatEntry(fd, record, &st);
  }
  if (brief) {
    double values[2] = {static_cast<double>(st.st_ino), static_cast<double>(IFTODT(st.st_mode))};
    memcpy(to, values, sizeof values);
  } else {
    FillStat(st, {to, kAttributesSize});
  }
  return S_ISDIR(st.st_mode);
}

// (fd, dents, from, to, out, at, state, brief): for the linux_dirent64 records dents[from, to) writes one
// block to out, from byte `at` (aligned to 8) on: u32 entries, u32 bytes of names, the entries' attributes
// (brief: two doubles each, inode number and d_type), their names, each ended by NUL. "." and ".." are left
// out. Stops when `out` is full; state becomes: records read up to, bytes written up to, number of
// directories, and of each of these, as many as there is room for: offset of its name, length of that.
// Returns the number of entries.
napi_value ReaddirAttributes(napi_env env, napi_callback_info info) {
  Args<8> args(env, info);
  int fd = args.Int(0);
  Bytes dents = args.Array(1);
  Bytes out = args.Array(4);
  Bytes state = args.Array(6);
  int64_t from = args.Int64(2);
  int64_t to = args.Int64(3);
  int64_t at = args.Int64(5);
  if (dents.start == nullptr || out.start == nullptr || state.length < 3 * sizeof(int32_t) || from < 0 ||
      at < 0 || static_cast<uint64_t>(to) > dents.length || static_cast<uint64_t>(at) > out.length) {
    return Result(env, -EFAULT);
  }
  bool brief = args.Int(7) != 0;
  size_t entrySize = brief ? kBriefSize : kAttributesSize;
  static thread_local std::string names;
  names.clear();
  int32_t* numbers = reinterpret_cast<int32_t*>(state.start);
  size_t capacity = (state.length / sizeof(int32_t) - 3) / 2, directories = 0;
  size_t head = (static_cast<size_t>(at) + 7) & ~size_t{7};
  size_t place = head + 2 * sizeof(uint32_t);
  uint32_t count = 0;
  while (from + static_cast<int64_t>(offsetof(struct dirent64, d_name)) < to) {
    auto* record = reinterpret_cast<struct dirent64*>(dents.start + from);
    const char* name = record->d_name;
    size_t length = strnlen(name, static_cast<size_t>(to - from) - offsetof(struct dirent64, d_name));
    bool dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
    if (!dots) {
      if (place + entrySize + names.size() + length + 1 > out.length)
        break;
      if (PutEntry(fd, *record, brief, out.start + place) && directories < capacity) {
        numbers[3 + 2 * directories] = static_cast<int32_t>(names.size());
        numbers[4 + 2 * directories] = static_cast<int32_t>(length);
        directories++;
      }
      names.append(name, length);
      names.push_back(0);
      place += entrySize;
      count++;
    }
    if (record->d_reclen == 0)
      return Result(env, -EIO);
    from += record->d_reclen;
  }
  if (count > 0) {
    uint32_t sizes[2] = {count, static_cast<uint32_t>(names.size())};
    memcpy(out.start + head, sizes, sizeof sizes);
    memcpy(out.start + place, names.data(), names.size());
    at = static_cast<int64_t>(place + names.size());
  }
  for (size_t i = 0; i < directories; i++)
    numbers[3 + 2 * i] += static_cast<int32_t>(place);
  numbers[0] = static_cast<int32_t>(from);
  numbers[1] = static_cast<int32_t>(at);
  numbers[2] = static_cast<int32_t>(directories);
  return Result(env, static_cast<int32_t>(count));
}

napi_value Fstatfs(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes out = args.Array(1);
  if (out.start == nullptr || out.length < 8 * sizeof(double))
    return Result(env, -EFAULT);
  struct statfs st;
  if (Restarting([&] { return fstatfs(args.Int(0), &st); }) < 0)
    return Outcome(env, -1);
  double* d = reinterpret_cast<double*>(out.start);
  d[0] = static_cast<double>(st.f_type);
  d[1] = static_cast<double>(st.f_bsize);
  d[2] = static_cast<double>(st.f_blocks);
  d[3] = static_cast<double>(st.f_bfree);
  d[4] = static_cast<double>(st.f_bavail);
  d[5] = static_cast<double>(st.f_files);
  d[6] = static_cast<double>(st.f_ffree);
  d[7] = static_cast<double>(st.f_namelen);
  return Result(env, 0);
}

napi_value Fgetxattr(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  READ_NAME(1, name);
  Bytes to = args.Array(2);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  return Outcome(env, fgetxattr(args.Int(0), name, to.start, to.length));
}

napi_value Fsetxattr(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  READ_NAME(1, name);
  Bytes from = args.Array(2);
  if (from.start == nullptr)
    return Result(env, -EFAULT);
  return Outcome(env, fsetxattr(args.Int(0), name, from.start, from.length, args.Int(3)));
}

napi_value Flistxattr(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes to = args.Array(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  return Outcome(env, flistxattr(args.Int(0), reinterpret_cast<char*>(to.start), to.length));
}

napi_value Fremovexattr(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  READ_NAME(1, name);
  return Outcome(env, fremovexattr(args.Int(0), name));
}

const Entry entries[] = {
    {"openat", Openat},
    {"connectUnix", ConnectUnix},
    {"fstatat", Fstatat},
    {"mkdirat", Mkdirat},
    {"mknodat", Mknodat},
    {"symlinkat", Symlinkat},
    {"linkat", Linkat},
    {"unlinkat", Unlinkat},
    {"renameat2", Renameat2},
    {"readlinkat", Readlinkat},
    {"fchmod", Fchmod},
    {"fchownat", Fchownat},
    {"utimensat", Utimensat},
    {"getdents", Getdents},
    {"readdirAttributes", ReaddirAttributes},
    {"fstatfs", Fstatfs},
    {"fgetxattr", Fgetxattr},
    {"fsetxattr", Fsetxattr},
    {"flistxattr", Flistxattr},
    {"fremovexattr", Fremovexattr},
};

} // namespace

void RegisterGoferFiles(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
