// What the Sentry and the broker say to each other: one request, one reply, each one message of a
// SOCK_SEQPACKET socket. The Sentry's side is sentry/net/stack/host/broker.ts.
#pragma once

#include <cstdint>

namespace launcher {

enum BrokerOperation : uint32_t {
  // a family, b type, c protocol, length: how many of the kind are wanted (1-8). The reply carries as many
  // non-blocking
  // sockets as `result` says.
  kBrokerSocket = 1,
  // The socket comes with the request; bytes[0, length) are the address. `a` is 1 when the caller would wait:
  // a
  // handshake that ends at once is then reported as such.
  kBrokerConnect = 2,
  kBrokerBind = 3,
  // Opens a file to read: bytes are a path below /proc/net (a is 0) or /proc/sys/net (a is 1). The reply
  // carries it.
  kBrokerOpen = 4,
  // May a datagram be sent to the address? a is the protocol. 0 or -EACCES.
  kBrokerCheck = 5,
};

// What the calling guest thread may do by its capabilities: the request is served with these, as far as the
// container has them at all.
constexpr uint16_t kBrokerMayBindLow = 1;
constexpr uint16_t kBrokerMayRaw = 2;

constexpr unsigned kBrokerBytes = 128;
constexpr unsigned kBrokerMostSockets = 8;

struct BrokerRequest {
  uint32_t operation;
  // The processor that the Sentry runs on, plus one: the broker goes there, so that a round trip wakes no
  // other one.
  uint16_t cpu;
  uint16_t rights;
  int32_t a, b, c;
  uint32_t length;
  uint8_t bytes[kBrokerBytes];
};
static_assert(sizeof(BrokerRequest) == 152, "also the length in broker.ts");

// Zero or more, or a negated errno.
struct BrokerReply {
  int32_t result;
};

} // namespace launcher
