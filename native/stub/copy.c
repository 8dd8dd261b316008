/* Copies between guest memory and the slot. A fault inside makes them fail: the handler goes to
 * thread->fault_ip. */
#include "stub.h"

void* memcpy(void* dst, const void* src, size_t n) {
  u8* d = dst;
  const u8* s = src;
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
#else
  for (; n >= 8; n -= 8, d += 8, s += 8)
    *(u64*)d = *(const u64*)s;
  for (; n > 0; n--)
    *d++ = *s++;
#endif
  return dst;
}

void* memset(void* dst, int c, size_t n) {
  u8* d = dst;
#if defined(__x86_64__)
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
#else
  /* volatile: the compiler must not turn the loop into a call of memset */
  for (volatile u8* p = d; n > 0; n--)
    *p++ = (u8)c;
#endif
  return dst;
}

/* A string of at most cap-1 bytes and its NUL. Returns the length without it, -EFAULT, or -ENAMETOOLONG. */
i64 guarded_string(struct thread* t, u8* dst, u64 src, u64 cap) {
  u64 done = 0;
  while (done < cap) {
    /* 64 bytes aligned never cross a page, so a fault means that the string itself runs into it. */
    u64 chunk = 64 - ((src + done) & 63);
    if (chunk > cap - done)
      chunk = cap - done;
    if (guarded_copy(t, dst + done, (const void*)(src + done), chunk))
      return -EFAULT;
    for (u64 k = 0; k < chunk; k++)
      if (dst[done + k] == 0)
        return (i64)(done + k);
    done += chunk;
  }
  return -ENAMETOOLONG;
}

int guarded_load64(struct thread* t, u64 addr, u64* value) {
  return guarded_copy(t, value, (const void*)addr, 8);
}

int guarded_store32(struct thread* t, u64 addr, u32 value) {
  return guarded_copy(t, (void*)addr, &value, 4);
}
