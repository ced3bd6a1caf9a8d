#include "amtgate/cli/wsamt_commands.h"

#include <charconv>
#include <iterator>

#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/wsman/boot.h"
#include "amtgate/wsman/certificate_store.h"
#include "amtgate/wsman/class_list.h"
#include "amtgate/wsman/clock.h"
#include "amtgate/wsman/power.h"
#include "amtgate/wsman/tls_settings.h"
#include "amtgate/wsman/users.h"

namespace amtgate::cli {
namespace {

using Arguments = WsamtCommand::Arguments;
using Say = WsamtCommand::Say;

constexpr std::size_t kMaxPem = 65536;

std::string on_off(bool on) {
  return on ? "on" : "off";
}

/// What a Result with a value that nobody wants here says.
template <class T>
Result<void> done(const Result<T>& r) {
  if (!r) return r.error();
  return {};
}

// --- power and boot ---------------------------------------------------------------------------------------

struct PowerName {
  std::string_view name;
  unsigned state;
};
/// amttool's words beside ours.
constexpr PowerName kPowerNames[] = {{"powerup", 2}, {"powerdown", 8}, {"powercycle", 5},
                                     {"reset", 10},  {"reboot", 10},   {"standby", 4}};

Result<unsigned> power_number(const std::string& word) {
  for (const wsman::PowerWord& w : wsman::power_words()) {
    if (w.word == word) return static_cast<unsigned>(w.action);
  }
  for (const PowerName& p : kPowerNames) {
    if (p.name == word) return p.state;
  }
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), n);
  if (ec == std::errc{} && end == word.data() + word.size() && n >= 2 && n <= 17) return n;
  return Error{Errc::BadValue,
               "'" + word +
                   "' (2 on, 4 sleep, 5 cycle, 7 hibernate, 8 off, 10 reset, 11 interrupt, 12 soft-off, 14 "
                   "soft-reset)"};
}

Result<void> power(wsman::Caller& machine, Arguments args, const Say& say) {
  Result<unsigned> wanted = 0U;
  if (!args.empty()) wanted = power_number(args[0]);
  if (!wanted) return wanted.error();
  const Result<wsman::PowerStatus> now = wsman::power_status(machine);
  if (!now) return now.error();
  if (!args.empty()) return wsman::request_power(machine, static_cast<wsman::PowerAction>(*wanted), *now);
  say(std::to_string(now->state) + " " + wsman::power_state_name(now->state));
  return {};
}

struct BootName {
  std::string_view old, ours;
};
constexpr BootName kBootNames[] = {{"default", "none"},
                                   {"cddvd", "cd"},
                                   {"hdd", "hdd"},
                                   {"diag", "diag"},
                                   {"pxe", "pxe"},
                                   {"idercd", "ider-cd"},
                                   {"iderfd", "ider-floppy"},
                                   {"sol", "sol"},
                                   {"bios", "bios"},
                                   {"idersolcd", "ider-cd-sol"},
                                   {"idersolfd", "ider-floppy-sol"},
                                   {"biossol", "bios-sol"}};

Result<void> boot(wsman::Caller& machine, Arguments args, const Say& say) {
  if (args.empty()) {
    const Result<std::string> armed = wsman::armed_boot(machine);
    if (!armed) return armed.error();
    std::string_view word = *armed;
    for (const BootName& n : kBootNames) {
      if (n.ours == *armed) word = n.old;
    }
    say(std::string(word));
    return {};
  }
  std::string known;
  for (const BootName& n : kBootNames) {
    known += (known.empty() ? "" : ", ") + std::string(n.old);
    if (args[0] != n.old && args[0] != n.ours) continue;
    for (const wsman::BootWord& w : wsman::boot_words()) {
      if (w.word == n.ours) return wsman::arm_boot(machine, w);
    }
  }
  return Error{Errc::BadValue, "'" + args[0] + "' (" + known + ")"};
}

// --- users ------------------------------------------------------------------------------------------------

std::string line(const wsman::User& u) {
  std::string realms;
  for (const std::uint32_t r : u.realms) realms += (realms.empty() ? "" : " ") + wsman::realm_name(r);
  const std::string state = !u.enabled ? "" : *u.enabled ? " enabled" : " disabled";
  return u.name + " " + std::string(name(u.access)) + state + (realms.empty() ? "" : " ") + realms;
}

Result<void> list_users(wsman::Caller& machine, Arguments args, const Say& say) {
  const Result<std::vector<wsman::User>> users = wsman::list_users(machine);
  if (!users) return users.error();
  bool any = args.empty();
  for (const wsman::User& u : *users) {
    if (!args.empty() && u.name != args[0]) continue;
    any = true;
    say(line(u));
  }
  if (!any) return Error{Errc::Refused, "there is no user '" + args[0] + "'"};
  return {};
}

Result<void> switch_user(wsman::Caller& machine, Arguments args, const Say& say) {
  if (args.size() == 1) return list_users(machine, args, say);
  const Result<bool> on = wsamt_switch(args[1]);
  if (!on) return on.error();
  return wsman::enable_user(machine, args[0], *on);
}

/// USER PASSWORD ACCESS REALM...
Result<wsman::NewUser> definition(Arguments args) {
  wsman::NewUser user{args[0], args[1], wsman::Access::Any, {}};
  if (Result<void> good = wsman::check_user_name(user.name); !good) return good.error();
  if (Result<void> good = wsman::check_user_password(user.password); !good) return good.error();
  constexpr const char* kNumbers[] = {"local", "network", "any"};
  const bool digit = args[2].size() == 1 && args[2][0] >= '0' && args[2][0] <= '2';
  const Result<wsman::Access> access = wsman::parse_access(digit ? kNumbers[args[2][0] - '0'] : args[2]);
  if (!access) return access.error();
  user.access = *access;
  std::string list;
  for (const std::string& realm : args.subspan(3)) list += (list.empty() ? "" : ",") + realm;
  Result<std::vector<std::uint32_t>> realms = wsman::parse_realms(list);
  if (!realms) return realms.error();
  user.realms = std::move(*realms);
  return user;
}

Result<void> add_user(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<wsman::NewUser> user = definition(args);
  if (!user) return user.error();
  return wsman::add_user(machine, *user);
}

Result<void> change_user(wsman::Caller& machine, Arguments args, const Say&) {
  if (args.size() == 2) return wsman::change_user(machine, args[0], {args[1], std::nullopt, std::nullopt});
  if (args.size() == 3) return Error{Errc::BadValue, "USER PASSWORD, or USER PASSWORD ACCESS REALM..."};
  const Result<wsman::NewUser> user = definition(args);
  if (!user) return user.error();
  return wsman::change_user(machine, user->name, {user->password, user->access, user->realms});
}

Result<void> delete_user(wsman::Caller& machine, Arguments args, const Say&) {
  return wsman::delete_user(machine, args[0]);
}

// --- certificates and keys --------------------------------------------------------------------------------

Result<Buffer> certificate_file(const std::string& file) {
  const Result<std::string> pem = sys::read_file(file, kMaxPem);
  if (!pem) return pem.error();
  const Result<std::vector<tls::Certificate>> all = tls::parse_pem(*pem);
  if (!all) return Error{Errc::BadValue, file + ": " + all.error().detail};
  const Bytes der = all->front().der();
  return Buffer(der.begin(), der.end());
}

Result<void> add_authority(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<Buffer> der = certificate_file(args[0]);
  if (!der) return der.error();
  return done(wsman::add_root(machine, *der));
}

Result<void> add_certificate(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<Buffer> der = certificate_file(args[0]);
  if (!der) return der.error();
  return done(wsman::add_certificate(machine, *der));
}

Result<void> add_key(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<std::string> pem = sys::read_file(args[0], kMaxPem);
  if (!pem) return pem.error();
  const Result<Buffer> der = tls::rsa_private_der(*pem);
  if (!der) return Error{Errc::BadValue, args[0] + ": " + der.error().detail};
  return done(wsman::add_key(machine, *der));
}

/// The machine's copy of what a file holds.
Result<wsman::StoredCertificate> stored(const wsman::CertificateStore& store, const std::string& file, Bytes der,
                                        bool root) {
  const wsman::StoredCertificate* there = store.find(der, root);
  if (there == nullptr) return Error{Errc::Refused, "the certificate of " + file + " is not in the machine"};
  return *there;
}

Result<void> delete_authority(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<Buffer> der = certificate_file(args[0]);
  if (!der) return der.error();
  const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
  if (!store) return store.error();
  const Result<wsman::StoredCertificate> there = stored(*store, args[0], *der, true);
  if (!there) return there.error();
  return wsman::delete_certificate(machine, there->id);
}

/// The certificate first: a key that it belongs to cannot go before it.
Result<void> delete_certificate_and_key(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<Buffer> der = certificate_file(args[0]);
  if (!der) return der.error();
  const Result<tls::CertificateFacts> facts = tls::certificate_facts(*der);
  if (!facts) return Error{Errc::BadValue, args[0] + ": " + facts.error().detail};
  const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
  if (!store) return store.error();
  const Result<wsman::StoredCertificate> there = stored(*store, args[0], *der, false);
  if (!there) return there.error();
  if (Result<void> gone = wsman::delete_certificate(machine, there->id); !gone) return gone;
  const wsman::StoredKey* key = store->find_key(facts->rsa_public);
  if (key == nullptr) return Error{Errc::Refused, "the certificate is gone; its key was not in the machine"};
  return wsman::delete_key(machine, key->id);
}

// --- TLS --------------------------------------------------------------------------------------------------

Result<void> use_certificate(wsman::Caller& machine, Arguments args, const Say&) {
  const Result<Buffer> der = certificate_file(args[0]);
  if (!der) return der.error();
  const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
  if (!store) return store.error();
  const Result<wsman::StoredCertificate> there = stored(*store, args[0], *der, false);
  if (!there) return there.error();
  return wsman::use_certificate(machine, there->id);
}

Result<void> use_none(wsman::Caller& machine, Arguments, const Say&) {
  return wsman::use_no_certificate(machine);
}

WsamtCommand tls_setting(const char* name, wsman::TlsSide side, bool wsman::TlsSettings::*member, const char* help) {
  return {name,
          "[on|off]",
          help,
          0,
          1,
          [side, member](wsman::Caller& machine, Arguments args, const Say& say) -> Result<void> {
            Result<bool> wanted = false;
            if (!args.empty()) wanted = wsamt_switch(args[0]);
            if (!wanted) return wanted.error();
            const Result<wsman::TlsState> now = wsman::read_tls(machine);
            if (!now) return now.error();
            wsman::TlsSettings settings = side == wsman::TlsSide::Network ? now->network : now->local;
            if (args.empty()) {
              say(on_off(settings.*member));
              return {};
            }
            settings.*member = *wanted;
            return wsman::put_tls(machine, side, settings);
          }};
}

Result<void> commit(wsman::Caller& machine, Arguments, const Say&) {
  return wsman::commit_changes(machine);
}

// --- time -------------------------------------------------------------------------------------------------

Result<void> set_time(wsman::Caller& machine, Arguments, const Say&) {
  return done(wsman::set_clock(machine, [] {
    return std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
  }));
}

// --- everything -------------------------------------------------------------------------------------------

std::string text(const wsman::Reference& r) {
  std::string out = r.class_name;
  for (const wsman::Selector& s : r.selectors) {
    const auto* value = std::get_if<std::string>(&s.value);
    out += " " + s.name + "=" + (value != nullptr ? *value : text(std::get<wsman::Reference>(s.value)));
  }
  return out;
}

void say_item(const wsman::Item& item, const Say& say) {
  if (item.reference) say("  = " + text(*item.reference));
  for (const wsman::Property& p : item.instance.properties()) {
    std::string value;
    if (const auto* t = std::get_if<std::string>(&p.value)) value = *t;
    if (const auto* t = std::get_if<wsman::Datetime>(&p.value)) value = t->text;
    if (const auto* r = std::get_if<wsman::Reference>(&p.value)) value = text(*r);
    say("  " + p.name + " = " + value);
  }
  say("");
}

Result<void> list(wsman::Caller& machine, Arguments args, const Say& say, wsman::EnumerationMode mode) {
  std::vector<std::string_view> classes(args.begin(), args.end());
  if (classes.empty()) classes.assign(wsman::known_classes().begin(), wsman::known_classes().end());
  for (const std::string_view name : classes) {
    if (!wsman::is_identifier(name))
      return Error{Errc::BadValue, "'" + std::string(name) + "' is no name of a class"};
    const Result<std::vector<wsman::Item>> items = wsman::enumerate(machine, name, mode);
    if (!items) {
      const Errc code = items.error().code;
      // Firmware lacks most classes of some generation, and does not let every account see all of them.
      if (args.empty() && (code == Errc::Unsupported || code == Errc::Refused)) continue;
      return items.error();
    }
    say(std::string(name));
    for (const wsman::Item& item : *items) say_item(item, say);
  }
  return {};
}

Result<void> list_all(wsman::Caller& machine, Arguments args, const Say& say) {
  return list(machine, args, say, wsman::EnumerationMode::Objects);
}
Result<void> list_with_references(wsman::Caller& machine, Arguments args, const Say& say) {
  return list(machine, args, say, wsman::EnumerationMode::Both);
}

}  // namespace

std::vector<WsamtCommand> wsamt_commands() {
  using wsman::TlsSettings;
  using wsman::TlsSide;
  constexpr std::size_t kAny = 64;
  std::vector<WsamtCommand> out = wsamt_settings();
  const auto add = [&](WsamtCommand c) { out.push_back(std::move(c)); };
  add({"power", "[STATE]", "2 on, 5 cycle, 8 off, 10 reset; or a word", 0, 1, power});
  add({"boot", "[FROM]", "once: default cddvd hdd diag pxe idercd iderfd sol bios idersolcd idersolfd biossol", 0, 1,
       boot});
  add({"userlst", "[USER]", "accounts", 0, 1, list_users});
  add({"usermod", "USER [on|off]", "switch an account on or off", 1, 2, switch_user});
  add({"useradd", "USER PASSWORD ACCESS REALM...", "ACCESS: 0 local, 1 network, 2 any; realms by number or name", 4,
       kAny, add_user});
  add({"userchg", "USER PASSWORD [ACCESS REALM...]", "define an account anew", 2, kAny, change_user});
  add({"userdel", "USER", "", 1, 1, delete_user});
  add({"addca", "FILE", "a certificate authority that it trusts (PEM)", 1, 1, add_authority});
  add({"delca", "FILE", "", 1, 1, delete_authority});
  add({"addcert", "FILE", "its own certificate (PEM)", 1, 1, add_certificate});
  add({"addkey", "FILE", "that certificate's private key (PEM, RSA)", 1, 1, add_key});
  add({"delcertkey", "FILE", "a certificate, and its key", 1, 1, delete_certificate_and_key});
  add({"mktlsctx", "FILE", "show this certificate to TLS clients", 1, 1, use_certificate});
  add({"rmtlsctx", "", "show none", 0, 1, use_none});
  add(tls_setting("lclcert", TlsSide::Local, &TlsSettings::mutual, "clients need a certificate, on the PC itself"));
  add(tls_setting("netcert", TlsSide::Network, &TlsSettings::mutual, "the same, over the network"));
  add(tls_setting("lclboth", TlsSide::Local, &TlsSettings::plain_too,
                  "connections without TLS too, on the PC itself"));
  add(tls_setting("netboth", TlsSide::Network, &TlsSettings::plain_too, "the same, over the network"));
  add(tls_setting("lcltls", TlsSide::Local, &TlsSettings::enabled, "TLS on the PC itself"));
  add(tls_setting("nettls", TlsSide::Network, &TlsSettings::enabled, "TLS over the network"));
  add({"commit", "", "make what was set of TLS count", 0, 0, commit});
  add({"timesync", "", "set its clock by this host's", 0, 0, set_time});
  add({"listall", "[CLASS...]", "everything that it tells", 0, kAny, list_all});
  add({"listepr", "[CLASS...]", "the same, with references", 0, kAny, list_with_references});
  return out;
}

}  // namespace amtgate::cli
