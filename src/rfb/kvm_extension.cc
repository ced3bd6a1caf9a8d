#include "amtgate/rfb/kvm_extension.h"

#include <algorithm>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kAny = "\0Kvm"sv, kCommand = "\0KvmExtCmd\0"sv, kChannel = "\0KvmDataChannel"sv;

}  // namespace

bool is_kvm_text(Bytes text) {
  return as_text(text).starts_with(kAny);
}

std::optional<KvmExtCmd> parse_kvm_ext_cmd(Bytes text) {
  if (!as_text(text).starts_with(kCommand) || text.size() == kCommand.size()) return std::nullopt;
  Reader r(text.subspan(kCommand.size()));
  KvmExtCmd m;
  m.command = r.u8();
  m.value = r.u8();
  if (r.remaining() > 0) m.state = r.u8();
  return m;
}

Buffer to_cut_text(const KvmExtCmd& m) {
  Buffer out;
  Writer w(out);
  w.text(kCommand).u8(m.command).u8(m.value);
  if (m.state) w.u8(*m.state);
  return out;
}

std::optional<KvmData> parse_kvm_data(Bytes text) {
  if (!as_text(text).starts_with(kChannel) || text.size() == kChannel.size()) return std::nullopt;
  return KvmData{text[kChannel.size()] != 0, text.subspan(kChannel.size() + 1)};
}

Buffer to_cut_text(const KvmData& m) {
  Buffer out;
  Writer(out).text(kChannel).u8(m.acknowledge ? 1 : 0).bytes(m.data);
  return out;
}

}  // namespace amtgate::rfb
