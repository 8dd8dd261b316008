// Loads what runsc/sandbox/device-program.ts has compiled, and attaches it to the container's cgroup, which
// keeps it as long as the cgroup is there.
#include "device_program.h"

#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"

namespace launcher {
namespace {

constexpr size_t kMaxInstructions = 4096;

int bpf(enum bpf_cmd command, union bpf_attr* attributes) {
  return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

// The number of bytes; 0 for what is no hexadecimal text that fits.
size_t decode(const char* hex, uint8_t* out, size_t size) {
  size_t length = 0;
  for (; hex[0] != 0; hex += 2) {
    unsigned byte;
    if (hex[1] == 0 || length == size || sscanf(hex, "%2x", &byte) != 1)
      return 0;
    out[length++] = (uint8_t)byte;
  }
  return length;
}

int loadProgram(const char* hex) {
  static struct bpf_insn instructions[kMaxInstructions];
  size_t size = decode(hex, (uint8_t*)instructions, sizeof instructions);
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = (uint64_t)(uintptr_t)instructions;
  attributes.insn_cnt = (uint32_t)(size / sizeof instructions[0]);
  attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
  return size == 0 ? -1 : bpf(BPF_PROG_LOAD, &attributes);
}

} // namespace

void attachDevicePrograms(const Plan& plan) {
  size_t cursor = 0;
  while (const char* record = plan.next("cgroup.devices", &cursor)) {
    char directory[PATH_MAX];
    const char* hex = strchr(record, '\n');
    if (hex == nullptr || hex - record >= PATH_MAX)
      continue;
    memcpy(directory, record, (size_t)(hex - record));
    directory[hex - record] = 0;
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    int cgroup = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program = loadProgram(hex + 1);
    if (cgroup >= 0 && program >= 0) {
      attributes.target_fd = (uint32_t)cgroup;
      attributes.attach_bpf_fd = (uint32_t)program;
      attributes.attach_type = BPF_CGROUP_DEVICE;
      // Beside programs of whoever owns the cgroup otherwise, systemd for one: all of them must agree.
      attributes.attach_flags = BPF_F_ALLOW_MULTI;
      bpf(BPF_PROG_ATTACH, &attributes);
    }
    closeQuietly(&cgroup);
    closeQuietly(&program);
  }
}

} // namespace launcher
