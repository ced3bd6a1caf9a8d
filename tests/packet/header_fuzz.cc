// Any bytes as a packet: reading and classifying them ends, stays inside the bytes and never catches a stranger.
#include <cstdlib>

#include "amtgate/packet/classifier.h"

namespace {
amtgate::packet::Classifier make() {
  using namespace amtgate;
  return packet::Classifier({{{*Network::parse("192.0.2.0/24"), *Network::parse("2001:db8::/32")},
                              {*Network::parse("0.0.0.0/0"), *Network::parse("::/0")},
                              packet::Denied::Refuse,
                              {Port{5900}},
                              1}});
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const amtgate::packet::Classifier classifier = make();
  const amtgate::Bytes packet(data, size);
  amtgate::packet::Header header;
  const bool read = amtgate::packet::parse(packet, header) == amtgate::packet::Unread::None;
  const auto decision = classifier.decide(packet, amtgate::packet::Origin::Forwarded);
  if (decision.verdict() == amtgate::packet::Verdict::Catch && !(read && header.opens() && size >= 40)) std::abort();
  if (read && header.payload_at < 28) std::abort();
  return 0;
}
