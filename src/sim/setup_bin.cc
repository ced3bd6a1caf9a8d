#include "amtgate/sim/setup_bin.h"

#include <string>

#include "amtgate/wsman/users.h"

namespace amtgate::sim {
namespace {

constexpr std::string_view kFactory = "admin";

/// A value in words; empty where the record does not have it.
std::string word(const setupbin::Record& r, std::string_view name) {
  const Result<setupbin::VariableId> id = setupbin::parse_id(name);
  const setupbin::Value* v = id ? setupbin::get(r, *id) : nullptr;
  return v ? setupbin::to_text(v->id, v->bytes) : std::string();
}

Error refused(std::string why) {
  return Error{Errc::Refused, std::move(why)};
}

bool has(const std::string& words, std::string_view one) {
  return ("+" + words + "+").find("+" + std::string(one) + "+") != std::string::npos;
}

void take_features(const setupbin::Record& r, Options& m) {
  const auto off = [&](Slot slot) -> bool& { return m.off[static_cast<std::size_t>(slot)]; };
  if (const std::string on = word(r, "redirection"); !on.empty()) {
    off(Slot::Sol) = !has(on, "sol");
    off(Slot::Ider) = !has(on, "ider");
    if (has(on, "login")) m.profile.methods = {1, 4};
  }
  if (const std::string kvm = word(r, "kvm"); !kvm.empty()) off(Slot::Kvm) = kvm != "on";
  if (off(Slot::Kvm)) m.profile.port5900 = Port5900::Closed;
  const std::string consent = word(r, "consent");
  m.consent_missing = consent == "all";
  m.kvm_consent = consent == "none" ? KvmConsent::Given : KvmConsent::Refuse;
  if (const std::string name = word(r, "host-name"); !name.empty()) m.name = name;
}

}  // namespace

Result<std::uint32_t> set_up_by(setupbin::File& file, Options& machine) {
  const bool for_all = (file.flags & setupbin::kDoNotConsume) != 0;
  const std::size_t next = for_all ? 0 : file.consumed;
  if (next >= file.records.size()) return refused("every record is used up");
  const setupbin::Record& r = file.records[next];
  if (r.type != 1 || (r.flags & setupbin::kValid) == 0) return refused("its next record is not valid");
  if (word(r, "current-mebx-password") != kFactory) {
    return refused("current-mebx-password is not the one that the machine has: it is as it left the factory");
  }
  const std::string password = word(r, "new-mebx-password");
  if (const Result<void> good = wsman::check_user_password(password); !good) {
    return refused("new-mebx-password: " + good.error().detail);
  }
  if (word(r, "manageability") == "none") return refused("manageability is none: AMT stays off");
  if (word(r, "setup-type") != "manual") {
    return refused("setup-type is not manual: the machine waits for a configuration server");
  }
  machine.password = password;
  take_features(r, machine);
  const std::uint32_t number = r.number;
  if (!for_all) ++file.consumed;
  return number;
}

}  // namespace amtgate::sim
