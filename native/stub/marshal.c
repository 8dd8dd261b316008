/* What the stub copies into the slot before the Sentry looks: driven by the table made from the syscall
 * table. */
#include "stub.h"

#include "../include/marshal_table.h"

struct iovec_words {
  u64 base;
  u64 len;
};

/* Room left in the data area, as an offset aligned to 8. */
INLINE u64 aligned_top(const struct thread* t) {
  return ((u64)t->data_used + 7) & ~7UL;
}

static struct slot_input* add_input(struct thread* t, u64 addr, u64 offset) {
  u32 n = t->input_count;
  if (n >= MAX_INPUTS)
    return 0;
  struct slot_input* in = &t->slot->inputs[n];
  in->addr = addr;
  in->offset = (u32)offset;
  t->input_count = n + 1;
  return in;
}

/* Copies [addr, addr+len) if all of it fits; the Sentry fetches a larger one itself. */
void marshal_bytes(struct thread* t, u64 addr, u64 len) {
  struct slot* slot = t->slot;
  u64 top = aligned_top(t);
  if (top >= SLOT_DATA || len > SLOT_DATA - top)
    return;
  struct slot_input* in = add_input(t, addr, top);
  if (!in)
    return;
  if (guarded_copy(t, slot_data(slot) + top, (const void*)addr, len)) {
    in->length = -EFAULT;
    return;
  }
  in->length = (i32)len;
  t->data_used = (u32)(top + len);
}

static void marshal_string(struct thread* t, u64 addr) {
  struct slot* slot = t->slot;
  u64 top = aligned_top(t);
  if (top + 4096 > SLOT_DATA)
    return;
  struct slot_input* in = add_input(t, addr, top);
  if (!in)
    return;
  i64 n = guarded_string(t, slot_data(slot) + top, addr, 4096);
  in->length = (i32)n;
  if (n >= 0)
    t->data_used = (u32)(top + (u64)n + 1);
}

/* The array, and for a gather the pieces it points at, each an input of its own while there is room. */
static void marshal_iovec(struct thread* t, u64 addr, u64 count, int gather) {
  struct slot* slot = t->slot;
  if (count == 0 || count > 1024)
    return;
  u64 top = aligned_top(t);
  if (top + count * sizeof(struct iovec_words) > SLOT_DATA)
    return;
  marshal_bytes(t, addr, count * sizeof(struct iovec_words));
  if (!gather)
    return;
  for (u64 i = 0; i < count && t->input_count < MAX_INPUTS; i++) {
    struct iovec_words v;
    memcpy(&v, slot_data(slot) + top + i * sizeof v, sizeof v);
    if (v.len != 0 && v.len <= SLOT_DATA)
      marshal_bytes(t, v.base, v.len);
  }
}

void marshal(struct thread* t, u64 nr, const u64* args) {
  t->input_count = 0;
  t->data_used = 0;
  if (nr >= MARSHAL_ROWS)
    return;
  const struct marshal_row* row = &marshal_table[nr];
  for (u32 i = 0; i < row->count; i++) {
    const struct marshal_step* step = &row->steps[i];
    u64 addr = args[step->arg];
    if (addr == 0)
      continue;
    switch (step->kind) {
    case MARSHAL_STRING:
      marshal_string(t, addr);
      break;
    case MARSHAL_BYTES: {
      u64 count = args[step->len_arg];
      if (count <= 0x7fffffff)
        marshal_bytes(t, addr, count * step->size);
      break;
    }
    case MARSHAL_STRUCT:
      marshal_bytes(t, addr, step->size);
      break;
    case MARSHAL_IOVEC:
      marshal_iovec(t, addr, args[step->len_arg], 0);
      break;
    case MARSHAL_IOVEC_GATHER:
      marshal_iovec(t, addr, args[step->len_arg], 1);
      break;
    default:
      break;
    }
  }
}
