#include "amtgate/cli/tls_ways.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "amtgate/config/load.h"
#include "amtgate/device/trust_policy.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/tls/trust.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMaxJournal = 64 * 1024;

/// A connection with a client of its own: nothing that another policy let in is used again.
class OwnCaller final : public wsman::Caller {
 public:
  OwnCaller(const Site& site, config::Target target, Port port)
      : client_({.state = site.state, .mark = site.mark, .connect_deadline = seconds(3), .deadline = seconds(15)}),
        machine_(client_.machine(std::make_shared<const config::Target>(std::move(target)), site.address, port)) {}
  Result<wsman::Reply> call(const wsman::Request& request) override { return machine_->call(request); }

 private:
  device::WebClient client_;
  std::unique_ptr<wsman::Caller> machine_;
};

class NetworkWays final : public TlsWays {
 public:
  explicit NetworkWays(const Site& site)
      : site_(site),
        who_{site.target->name, site.address},
        folder_(site.state + "/tls"),
        journal_(folder_ + "/" + file_name_of(site.target->name + "_" + site.address.to_string()) + ".json") {}

  std::unique_ptr<wsman::Caller> usual() override {
    return site_.client.machine(site_.target, site_.address, site_.port);
  }

  std::unique_ptr<wsman::Caller> showing(const std::string& sha256) override {
    config::Target t = *site_.target;
    t.tls = config::TlsMode::Yes;
    t.tls_ca_text.clear();
    t.tls_ca.clear();
    t.tls_pin = sha256;
    return std::make_unique<OwnCaller>(site_, std::move(t), with_tls(site_.port));
  }

  std::unique_ptr<wsman::Caller> plain() override {
    config::Target t = *site_.target;
    t.tls = config::TlsMode::No;
    t.tls_ca.clear();
    t.tls_pin.clear();
    return std::make_unique<OwnCaller>(site_, std::move(t), without_tls(site_.port));
  }

  bool may_be_plain() const override {
    const config::Target& t = *site_.target;
    return t.tls == config::TlsMode::No || (t.tls == config::TlsMode::Auto && t.tls_ca.empty() && t.tls_pin.empty());
  }

  Result<void> accepts(const std::vector<Buffer>& chain) const override {
    const tls::TrustPolicy policy = device::trust_policy(*site_.target, site_.address);
    if (policy.ca_pem.empty() && policy.pin.empty()) return {};
    std::vector<tls::Certificate> all;
    for (const Buffer& der : chain) all.emplace_back(der);
    const Result<tls::Verdict> verdict = tls::judge(policy, {}, who_, all);
    if (!verdict) return verdict.error();
    return {};
  }

  Result<void> announce(const std::string& sha256) override { return site_.client.known().announce(who_, sha256); }
  Result<void> trust(const std::string& sha256) override {
    if (const Result<void> made = sys::make_directories(site_.state, 0700); !made) return made;
    return site_.client.known().replace(who_, sha256);
  }
  Result<void> forget() override { return site_.client.known().forget(who_); }

  Result<std::string> journal() override {
    Result<std::string> text = sys::read_file(journal_, kMaxJournal);
    if (!text && text.error().code == Errc::Unreachable) return std::string();
    return text;
  }

  Result<void> keep(const std::string& journal) override {
    if (journal.empty()) {
      if (::unlink(journal_.c_str()) != 0 && sys::exists(journal_)) {
        return Error{Errc::System, "cannot remove " + journal_};
      }
      return {};
    }
    if (const Result<void> made = sys::make_directories(folder_, 0700); !made) return made;
    return sys::write_file(journal_, journal, 0600);
  }

  std::int64_t wall() const override {
    return std::chrono::duration_cast<seconds>(sys::wall_now().time_since_epoch()).count();
  }
  void rest() override { std::this_thread::sleep_for(seconds(1)); }

 private:
  static Port with_tls(Port p) { return p.value == 16992 ? Port{16993} : p.value == 623 ? Port{664} : p; }
  static Port without_tls(Port p) { return p.value == 16993 ? Port{16992} : p.value == 664 ? Port{623} : p; }

  const Site& site_;
  const tls::KnownCertificates::Identity who_;
  const std::string folder_, journal_;
};

bool is_host_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && !IpAddress::parse(name) && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

class FileSource final : public TlsSource {
 public:
  explicit FileSource(const PemPair& pair) : pair_(pair) {}
  bool key_on_machine() const override { return false; }
  Result<TlsMaterial> material(const MachineNames&, Bytes, Bytes) override {
    return TlsMaterial{pair_.chain[0], {pair_.chain.begin() + 1, pair_.chain.end()}, pair_.private_key};
  }

 private:
  const PemPair& pair_;
};

class PkiSource final : public TlsSource {
 public:
  PkiSource(PkiFolder& pki, const Site& site, bool key_on_machine, unsigned days, bool sha1)
      : pki_(pki), site_(site), key_on_machine_(key_on_machine), days_(days), sha1_(sha1) {}
  bool key_on_machine() const override { return key_on_machine_; }

  Result<TlsMaterial> material(const MachineNames& names, Bytes machine_key, Bytes request) override {
    if (!machine_key.empty()) {
      const Result<Buffer> proven = tls::verified_request_key(request);
      if (!proven) return proven.error();
      if (!std::ranges::equal(*proven, machine_key)) {
        return Error{Errc::BadValue, "the machine's signing request is for another key than it says"};
      }
    }
    const Result<Issued> issued = pki_.issue(site_.name, issue_for(names, days_, sha1_), machine_key);
    if (!issued) return issued.error();
    const Result<std::vector<tls::Certificate>> chain = tls::parse_pem(issued->cert_pem);
    if (!chain) return chain.error();
    TlsMaterial out;
    out.certificate.assign(chain->front().der().begin(), chain->front().der().end());
    if (!machine_key.empty()) return out;
    Result<Buffer> key = tls::rsa_private_der(issued->key_pem);
    if (!key) return key.error();
    out.private_key = std::move(*key);
    return out;
  }

 private:
  PkiFolder& pki_;
  const Site& site_;
  const bool key_on_machine_;
  const unsigned days_;
  const bool sha1_;
};

}  // namespace

std::unique_ptr<TlsWays> network_ways(const Site& site) {
  return std::make_unique<NetworkWays>(site);
}

void add_names(const Site& site, std::vector<std::string>& hosts, std::vector<IpAddress>& addresses) {
  if (is_host_name(site.name)) hosts.push_back(site.name);
  addresses.push_back(site.address);
  for (const config::Host& h : site.target->address) {
    const auto* network = std::get_if<Network>(&h);
    if (network != nullptr && network->is_single() && network->address != site.address) {
      addresses.push_back(network->address);
    }
    const auto* name = std::get_if<std::string>(&h);
    if (name != nullptr && is_host_name(*name)) hosts.push_back(*name);
  }
}

Result<std::vector<Buffer>> read_certificates_of(const std::string& file) {
  const Result<std::string> text = sys::read_file(file, config::kMaxPemFile);
  if (!text) return text.error();
  const Result<std::vector<tls::Certificate>> all = tls::parse_pem(*text);
  if (!all) return Error{all.error().code, file + ": " + all.error().detail};
  std::vector<Buffer> out;
  for (const tls::Certificate& c : *all) out.emplace_back(c.der().begin(), c.der().end());
  return out;
}

Result<PemPair> read_pem_pair(const std::string& cert_file, const std::string& key_file) {
  Result<std::vector<Buffer>> chain = read_certificates_of(cert_file);
  if (!chain) return chain.error();
  if (const Result<void> good = sys::check_private(key_file); !good) return good.error();
  const Result<std::string> text = sys::read_file(key_file, config::kMaxPemFile);
  if (!text) return text.error();
  Result<Buffer> key = tls::rsa_private_der(*text);
  if (!key) return Error{key.error().code, key_file + ": " + key.error().detail};
  return PemPair{std::move(*chain), std::move(*key)};
}

std::unique_ptr<TlsSource> source_of(const PemPair& pair) {
  return std::make_unique<FileSource>(pair);
}

std::unique_ptr<TlsSource> source_of(PkiFolder& pki, const Site& site, bool key_on_machine, unsigned days,
                                     bool sha1) {
  return std::make_unique<PkiSource>(pki, site, key_on_machine, days, sha1);
}

tls::Issue issue_for(const MachineNames& names, unsigned days, bool sha1) {
  tls::Issue out;
  out.common_name = names.common.substr(0, 64);
  for (const std::string& h : names.hosts) {
    if (is_host_name(h)) out.dns_names.push_back(h);
  }
  out.addresses = names.addresses;
  out.days = days;
  out.hash = sha1 ? tls::SignatureHash::Sha1 : tls::SignatureHash::Sha256;
  return out;
}

}  // namespace amtgate::cli
