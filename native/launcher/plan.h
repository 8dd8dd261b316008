// The launch plan: what the command line wants done, as NUL-terminated `key=value` records in a memfd.
// runsc/sandbox/launch-plan.ts writes it and lists the keys.
#pragma once

#include <cstddef>

namespace launcher {

class Plan {
public:
  // Maps the plan and checks its shape.
  bool load(int fd);

  // The first value of a key, or null.
  const char* get(const char* key) const;
  // The same, or "".
  const char* text(const char* key) const;
  // A decimal number; `fallback` when absent.
  long number(const char* key, long fallback) const;
  bool flag(const char* key) const { return number(key, 0) != 0; }

  // Values of a repeated key: start with *cursor = 0; null at the end.
  const char* next(const char* key, size_t* cursor) const;
  size_t count(const char* key) const;

  // Every record as it is, `key=value`, in its order: for keys that belong together. Null at the end.
  const char* record(size_t* cursor) const;

private:
  const char* bytes_ = nullptr;
  size_t size_ = 0;
};

// The value of a record with this key, or null.
const char* valueOf(const char* record, const char* key);

} // namespace launcher
