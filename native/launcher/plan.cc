// Reads the launch plan in place: values are pointers into the mapping, which lives as long as the process.
#include "plan.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>

#include "failure.h"

namespace launcher {

bool Plan::load(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return failErrno("launch plan");
  if (status.st_size == 0)
    return fail("launch plan: empty");
  size_ = (size_t)status.st_size;
  void* bytes = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED)
    return failErrno("launch plan: mmap");
  bytes_ = (const char*)bytes;
  if (bytes_[size_ - 1] != 0)
    return fail("launch plan: not terminated");
  return true;
}

const char* valueOf(const char* record, const char* key) {
  size_t length = strlen(key);
  return strncmp(record, key, length) == 0 && record[length] == '=' ? record + length + 1 : nullptr;
}

const char* Plan::record(size_t* cursor) const {
  if (*cursor >= size_)
    return nullptr;
  const char* record = bytes_ + *cursor;
  *cursor += strlen(record) + 1;
  return record;
}

const char* Plan::next(const char* key, size_t* cursor) const {
  while (const char* found = record(cursor)) {
    if (const char* value = valueOf(found, key))
      return value;
  }
  return nullptr;
}

const char* Plan::get(const char* key) const {
  size_t cursor = 0;
  return next(key, &cursor);
}

const char* Plan::text(const char* key) const {
  const char* value = get(key);
  return value == nullptr ? "" : value;
}

long Plan::number(const char* key, long fallback) const {
  const char* value = get(key);
  return value == nullptr ? fallback : strtol(value, nullptr, 10);
}

size_t Plan::count(const char* key) const {
  size_t cursor = 0, total = 0;
  while (next(key, &cursor) != nullptr)
    total++;
  return total;
}

} // namespace launcher
