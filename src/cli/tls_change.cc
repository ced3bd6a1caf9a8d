#include "amtgate/cli/tls_change.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amtgate/base/base64.h"
#include "amtgate/sys/clock.h"
#include "amtgate/tls/authority.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/wsman/clock.h"

namespace amtgate::cli {
namespace {

using nlohmann::json;
using wsman::TlsSettings;
using wsman::TlsSide;

constexpr unsigned kTries = 3;         // of a step whose connection broke
constexpr unsigned kPatience = 60;     // rests until a machine that restarts its network must be back
constexpr unsigned kKeyPatience = 30;  // rests for a key pair
constexpr std::size_t kMaxJournal = 64 * 1024;

std::string sha256_of(const Buffer& der) {
  return tls::Certificate(der).sha256();
}

std::string date_of(std::int64_t seconds_since_1970) {
  return sys::to_iso8601(std::chrono::system_clock::time_point(seconds(seconds_since_1970))).substr(0, 10);
}

bool broken(const Error& e) {
  return e.code == Errc::Closed || e.code == Errc::Timeout;
}

/// What was before, and what has been put into the machine since.
struct Journal {
  bool finished = false;
  TlsSettings before;
  std::string before_certificate, before_sha256;
  std::vector<std::string> keys_before;
  // Written before it is done, so that what an interrupted run has put in is found by what it is.
  bool machine_key = false;               // the machine makes the key: one that was not there before
  std::string key;                        // else its public half, in base64; empty: it was there already
  std::vector<std::string> certificates;  // base64

  std::string format() const {
    return json{{"finished", finished},
                {"before",
                 {{"enabled", before.enabled},
                  {"plain_too", before.plain_too},
                  {"mutual", before.mutual},
                  {"trusted_names", before.trusted_names},
                  {"certificate", before_certificate},
                  {"sha256", before_sha256},
                  {"keys", keys_before}}},
                {"added", {{"machine_key", machine_key}, {"key", key}, {"certificates", certificates}}}}
               .dump(1) +
           "\n";
  }

  static Result<Journal> parse(const std::string& text) {
    const Error wrong{Errc::BadValue, "the journal of the last change cannot be read"};
    const json j = text.size() > kMaxJournal ? json() : json::parse(text, nullptr, false);
    if (!j.is_object()) return wrong;
    // nlohmann throws where a member is missing or of another type; nothing but this function may see that.
    try {
      Journal out;
      out.finished = j.at("finished");
      const json& b = j.at("before");
      out.before = {b.at("enabled"), b.at("plain_too"), b.at("mutual"), b.at("trusted_names")};
      out.before_certificate = b.at("certificate");
      out.before_sha256 = b.at("sha256");
      out.keys_before = b.at("keys").get<std::vector<std::string>>();
      const json& a = j.at("added");
      out.machine_key = a.at("machine_key");
      out.key = a.at("key");
      out.certificates = a.at("certificates").get<std::vector<std::string>>();
      return out;
    } catch (const json::exception&) {
      return wrong;
    }
  }
};

class Change {
 public:
  explicit Change(TlsWays& ways) : ways_(ways) {}

  Result<TlsOutcome> enable(TlsSource& source, const TlsWish& wish) {
    if (const Result<void> looked = look(); !looked) return looked.error();
    if (const Result<void> fits = check_mutual(wish); !fits) return fits.error();
    if (wish.dry_run) return plan(source, wish);
    if (const Result<void> begun = begin(); !begun) return begun.error();
    const Result<TlsMaterial> material = obtain(source, wish);
    if (!material) return stopped(material.error());
    const std::string sha256 = sha256_of(material->certificate);
    Result<void> done = put_in(*material, wish);
    if (done) done = switch_on(sha256);
    if (!done) return stopped(done.error());
    if (wish.mutual) {
      done = settle("consoles need a certificate", sha256, [&](TlsSettings& s) {
        s.mutual = true;
        s.trusted_names = wish.trusted_names;
      });
    }
    if (done && wish.no_plaintext && !state_.never_plain) {
      done = settle("ports without TLS closed", sha256, [](TlsSettings& s) { s.plain_too = false; });
    }
    if (!done) return stopped(done.error());
    journal_.finished = true;
    // One that did nothing must not take the way back from the one that did.
    const bool nothing = out_.steps.empty() && !former_.empty();
    if (const Result<void> kept = ways_.keep(nothing ? former_ : journal_.format()); !kept) return kept.error();
    out_.sha256 = sha256;
    return out_;
  }

  Result<TlsOutcome> undo() {
    if (const Result<void> known = load(); !known) return known.error();
    if (!loaded_) return Error{Errc::Refused, "there is nothing to undo: no journal of a `tls enable` is here"};
    if (const Result<void> looked = look(); !looked) return looked.error();
    const Result<void> done = journal_.before.enabled ? back_to_tls() : back_to_plain();
    if (!done) return stopped(done.error());
    take_out();
    if (const Result<void> kept = ways_.keep(""); !kept) return kept.error();
    out_.sha256 = journal_.before.enabled ? journal_.before_sha256 : "";
    return out_;
  }

  Result<TlsOutcome> disable() {
    if (const Result<void> looked = look(); !looked) return looked.error();
    if (state_.never_plain) {
      return Error{Errc::Refused, "this firmware has no ports without TLS; it cannot be switched off"};
    }
    if (!state_.network.enabled) return out_;
    const Result<void> done = switch_off(state_.network);
    if (!done) return stopped(done.error());
    return out_;
  }

 private:
  // --- what is there

  wsman::Caller& machine() {
    if (!machine_) machine_ = ways_.usual();
    return *machine_;
  }

  Result<void> look() {
    const Result<wsman::TlsState> state = wsman::read_tls(machine());
    if (!state) return state.error();
    state_ = *state;
    const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine());
    if (!store) return store.error();
    store_ = *store;
    return {};
  }

  Result<void> load() {
    const Result<std::string> text = ways_.journal();
    if (!text) return text.error();
    if (text->empty()) return {};
    Result<Journal> journal = Journal::parse(*text);
    if (!journal) return journal.error();
    journal_ = std::move(*journal);
    loaded_ = true;
    return {};
  }

  Result<void> begin() {
    if (const Result<void> known = load(); !known) return known.error();
    if (loaded_ && !journal_.finished) {
      out_.notes.push_back("goes on where the last one was interrupted");
      resumed_ = true;
      return {};
    }
    if (loaded_) former_ = journal_.format();
    journal_ = {};
    journal_.before = state_.network;
    journal_.before_certificate = state_.certificate;
    if (const auto* c = store_.certificate(state_.certificate)) journal_.before_sha256 = sha256_of(c->der);
    for (const wsman::StoredKey& k : store_.keys) journal_.keys_before.push_back(k.id);
    return ways_.keep(journal_.format());
  }

  Result<MachineNames> names(const TlsWish& wish) {
    const Result<wsman::Instance> general = wsman::get(machine(), "AMT_GeneralSettings");
    if (!general) return general.error();
    MachineNames out;
    const std::string host(general->text("HostName").value_or("")), domain(general->text("DomainName").value_or(""));
    if (!host.empty() && !domain.empty()) out.hosts.push_back(host + "." + domain);
    if (!host.empty()) out.hosts.push_back(host);
    for (const std::string& h : wish.extra_hosts) {
      if (std::ranges::find(out.hosts, h) == out.hosts.end()) out.hosts.push_back(h);
    }
    out.addresses = wish.addresses;
    out.common = !out.hosts.empty() ? out.hosts.front() : out.addresses.empty() ? "" : out.addresses[0].to_string();
    return out;
  }

  // --- before anything is changed

  Result<void> check_mutual(const TlsWish& wish) {
    if (!wish.mutual) return {};
    const auto no = [](const std::string& why) { return Error{Errc::Refused, why + "; nothing was changed"}; };
    if (wish.console_certificate.empty()) {
      return no(
          "with mutual TLS only who has a client certificate gets in, and there is none for us: write tls_cert and "
          "tls_key (or --client-cert and --client-key)");
    }
    const Result<tls::CertificateFacts> own = tls::certificate_facts(wish.console_certificate);
    if (!own) return own.error();
    const bool known = std::ranges::any_of(
        wish.roots, [&](const Buffer& root) { return tls::is_signed_by(wish.console_certificate, root); });
    if (!known) return no("our client certificate (" + own->subject + ") is not from the CA that is to be trusted");
    if (own->uses.empty() || !own->allows(tls::kClientUse) || !own->allows(tls::kAmtConsoleUse)) {
      return no("our client certificate (" + own->subject + ") is not for AMT consoles: it needs the extended uses " +
                std::string(tls::kClientUse) + " and " + std::string(tls::kAmtConsoleUse) +
                " (`amtgate pki issue --client` makes such)");
    }
    if (ways_.wall() >= own->not_after) return no("our client certificate expired on " + date_of(own->not_after));
    const bool named = wish.trusted_names.empty() || std::ranges::any_of(wish.trusted_names, [&](const auto& end) {
                         return own->common_name.ends_with(end);
                       });
    if (!named) return no("our client certificate's name, " + own->common_name + ", has none of the trusted ends");
    if (state_.never_plain && !state_.network.mutual && !wish.force) {
      return no(
          "this firmware has no ports without TLS: if it refuses our client certificate, only somebody at the "
          "machine can switch mutual TLS off again; --force does it");
    }
    return {};
  }

  Result<void> check(const TlsMaterial& m, const MachineNames& names, const TlsWish& wish) {
    const Result<tls::CertificateFacts> facts = tls::certificate_facts(m.certificate);
    if (!facts) return facts.error();
    const auto untrusted = [&](const std::string& why) {
      return Error{Errc::Untrusted,
                   "the certificate " + facts->subject + " " + why + "; it was not put into the machine"};
    };
    if (facts->rsa_bits == 0) return untrusted("has a key of kind " + facts->key + "; AMT takes RSA alone");
    if (ways_.wall() >= facts->not_after) return untrusted("expired on " + date_of(facts->not_after));
    if (ways_.wall() < facts->not_before) return untrusted("is not valid before " + date_of(facts->not_before));
    if (!facts->allows(tls::kServerUse)) return untrusted("is not for servers");
    std::vector<std::string> hosts = names.hosts;
    for (const IpAddress& a : names.addresses) hosts.push_back(a.to_string());
    const bool ours = wish.any_name || std::ranges::any_of(hosts, [&](const std::string& h) {
                        return tls::is_for_host(m.certificate, h);
                      });
    if (!ours) {
      std::string all;
      for (const std::string& h : hosts) all += (all.empty() ? "" : ", ") + h;
      return untrusted("is for another host: this machine is " + all + " (--any-name takes it all the same)");
    }
    std::vector<Buffer> chain = {m.certificate};
    chain.insert(chain.end(), m.chain.begin(), m.chain.end());
    if (const Result<void> accepted = ways_.accepts(chain); !accepted) {
      return Error{accepted.error().code, accepted.error().detail + "; it was not put into the machine"};
    }
    if (m.private_key.empty()) return {};
    const Result<std::string> pem = tls::rsa_private_pem(m.private_key);
    const Result<Buffer> half = pem ? tls::rsa_public_der(*pem) : pem.error();
    if (!half || *half != facts->rsa_public)
      return Error{Errc::BadValue, "the key does not belong to the certificate"};
    return {};
  }

  TlsOutcome plan(const TlsSource& source, const TlsWish& wish) {
    std::vector<std::string>& s = out_.steps;
    if (source.key_on_machine()) s.push_back("key made in the machine");
    if (!source.key_on_machine()) s.push_back("key put in");
    s.push_back("certificate put in");
    if (wish.mutual) s.push_back("trusted CA put in");
    s.push_back("certificate chosen");
    s.push_back(state_.network.enabled ? "certificate shown" : "TLS on");
    if (wish.mutual) s.push_back("consoles need a certificate");
    if (wish.no_plaintext && !state_.never_plain) s.push_back("ports without TLS closed");
    return out_;
  }

  // --- steps

  /// `work` looks first at what is there already: where the connection breaks nobody knows whether it was done.
  Result<void> step(const std::string& what, const std::function<Result<bool>(wsman::Caller&)>& work) {
    Error last{Errc::System, ""};
    for (unsigned i = 0; i < kTries; ++i) {
      const Result<bool> did = work(machine());
      // The machine has to answer still, or the next step is not taken.
      const Result<wsman::TlsState> answers = did ? wsman::read_tls(machine()) : Result<wsman::TlsState>(did.error());
      if (answers) {
        state_ = *answers;
        if (*did) out_.steps.push_back(what);
        return {};
      }
      last = answers.error();
      if (!broken(last)) break;
      machine_.reset();
      ways_.rest();
    }
    return Error{last.code, last.detail + " (at: " + what + ")"};
  }

  Result<TlsMaterial> obtain(TlsSource& source, const TlsWish& wish) {
    const Result<MachineNames> called = names(wish);
    if (!called) return called.error();
    Result<TlsMaterial> m =
        source.key_on_machine() ? with_machine_key(source, *called, wish) : source.material(*called, {}, {});
    if (!m) return m;
    if (const Result<void> good = check(*m, *called, wish); !good) return good.error();
    return m;
  }

  Result<TlsMaterial> with_machine_key(TlsSource& source, const MachineNames& called, const TlsWish& wish) {
    Buffer half, request;
    std::string key_id;
    journal_.machine_key = true;
    if (const Result<void> kept = ways_.keep(journal_.format()); !kept) return kept.error();
    const Result<void> made = step("key made in the machine", [&](wsman::Caller& m) -> Result<bool> {
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(m);
      if (!store) return store.error();
      if (const wsman::StoredKey* key = new_key(*store)) {
        key_id = key->id;
        half = key->rsa_public;
        return true;
      }
      for (unsigned i = 0; i < kKeyPatience; ++i) {
        const Result<std::string> id = wsman::generate_key(m, 2048);
        if (!id && id.error().code == Errc::Busy) {
          ways_.rest();
          continue;
        }
        if (!id) return id.error();
        break;
      }
      return Error{Errc::Closed, "the key pair is not there yet"};  // looks again
    });
    if (!made) return made.error();
    const Result<Buffer> blank = tls::unsigned_request(half, called.common.substr(0, 64));
    if (!blank) return blank.error();
    const auto hash = wish.sha1 ? wsman::RequestHash::Sha1 : wsman::RequestHash::Sha256;
    const Result<void> asked = step("signing request", [&](wsman::Caller& m) -> Result<bool> {
      Result<Buffer> r = wsman::sign_request(m, key_id, *blank, hash);
      if (!r) return r.error();
      request = std::move(*r);
      return true;
    });
    if (!asked) return asked.error();
    return source.material(called, half, request);
  }

  /// The key of an interrupted run is the one that was not there before.
  const wsman::StoredKey* new_key(const wsman::CertificateStore& store) const {
    const auto at = std::ranges::find_if(store.keys, [&](const wsman::StoredKey& k) {
      return std::ranges::find(journal_.keys_before, k.id) == journal_.keys_before.end();
    });
    return at == store.keys.end() ? nullptr : &*at;
  }

  /// `there` tells the id of what is in the machine already.
  Result<void> put(const std::string& what, std::string& id,
                   const std::function<const std::string*(const wsman::CertificateStore&)>& there,
                   const std::function<Result<std::string>(wsman::Caller&)>& add) {
    return step(what, [&](wsman::Caller& m) -> Result<bool> {
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(m);
      if (!store) return store.error();
      if (const std::string* old = there(*store)) {
        id = *old;
        return false;
      }
      const Result<std::string> added = add(m);
      if (!added) return added.error();
      id = *added;
      return true;
    });
  }

  Result<void> put_certificate(const std::string& what, const Buffer& der, bool root, std::string& id) {
    return put(
        what, id,
        [&](const wsman::CertificateStore& s) {
          const auto* c = s.find(der, root);
          return c == nullptr ? nullptr : &c->id;
        },
        [&](wsman::Caller& m) { return root ? wsman::add_root(m, der) : wsman::add_certificate(m, der); });
  }

  Result<void> announce_in_journal(const TlsMaterial& material, const TlsWish& wish) {
    const auto add = [&](const Buffer& der, bool root) {
      const std::string text = to_base64(der);
      const bool known = std::ranges::find(journal_.certificates, text) != journal_.certificates.end();
      if (store_.find(der, root) == nullptr && !known) journal_.certificates.push_back(text);
    };
    add(material.certificate, false);
    for (const Buffer& der : material.chain) add(der, false);
    for (const Buffer& der : wish.mutual ? wish.roots : std::vector<Buffer>{}) add(der, true);
    const Result<tls::CertificateFacts> facts = tls::certificate_facts(material.certificate);
    if (!facts) return facts.error();
    const bool new_one = !material.private_key.empty() && store_.find_key(facts->rsa_public) == nullptr;
    if (new_one) journal_.key = to_base64(facts->rsa_public);
    return ways_.keep(journal_.format());
  }

  Result<void> put_in(const TlsMaterial& material, const TlsWish& wish) {
    if (const Result<void> kept = announce_in_journal(material, wish); !kept) return kept;
    std::string id;
    if (!material.private_key.empty()) {
      const Result<tls::CertificateFacts> facts = tls::certificate_facts(material.certificate);
      if (!facts) return facts.error();
      const Result<void> done = put(
          "key put in", id,
          [&](const wsman::CertificateStore& s) {
            const auto* k = s.find_key(facts->rsa_public);
            return k == nullptr ? nullptr : &k->id;
          },
          [&](wsman::Caller& m) { return wsman::add_key(m, material.private_key); });
      if (!done) return done;
    }
    for (const Buffer& der : material.chain) {
      if (const Result<void> done = put_certificate("authority put in", der, false, id); !done) return done;
    }
    if (const Result<void> done = put_certificate("certificate put in", material.certificate, false, certificate_id_);
        !done) {
      return done;
    }
    // Firmware takes no roots while it asks for client certificates.
    for (const Buffer& der : wish.mutual ? wish.roots : std::vector<Buffer>{}) {
      if (const Result<void> done = put_certificate("trusted CA put in", der, true, id); !done) return done;
    }
    if (!wish.mutual) return {};
    return step("clock set", [&](wsman::Caller& m) { return set_clock(m); });
  }

  /// It judges the consoles' certificates by it.
  Result<bool> set_clock(wsman::Caller& m) {
    constexpr std::int64_t kGoodEnough = 60;
    const wsman::WallClock wall = [this] { return ways_.wall(); };
    const Result<std::int64_t> off = wsman::clock_ahead(m, wall);
    if (!off) return off.error();
    if (*off > -kGoodEnough && *off < kGoodEnough) return false;
    const Result<wsman::ClockChange> done = wsman::set_clock(m, wall);
    if (!done) return done.error();
    return true;
  }

  Result<void> choose(const std::string& what, const std::string& id) {
    return step(what, [&](wsman::Caller& m) -> Result<bool> {
      const Result<wsman::TlsState> now = wsman::read_tls(m);
      if (!now) return now.error();
      if (now->certificate == id) return false;
      if (const Result<void> done = wsman::use_certificate(m, id); !done) return done.error();
      return true;
    });
  }

  Result<void> stage(const TlsSettings& wanted) {
    return step("settings", [&](wsman::Caller& m) -> Result<bool> {
      const Result<wsman::TlsState> now = wsman::read_tls(m);
      if (!now) return now.error();
      if (now->network != wanted) {
        if (const Result<void> done = wsman::put_tls(m, TlsSide::Network, wanted); !done) return done.error();
      }
      return false;  // it does not count yet
    });
  }

  /// Commits, and waits until the machine answers as it must then.
  Result<void> commit(const std::string& what, const std::function<std::unique_ptr<wsman::Caller>()>& reach) {
    const Result<void> done = wsman::commit_changes(machine());
    machine_.reset();
    if (!done) return Error{done.error().code, done.error().detail + " (at: " + what + ")"};
    Error last{Errc::Timeout, ""};
    for (unsigned i = 0; i < kPatience; ++i) {
      ways_.rest();
      const std::unique_ptr<wsman::Caller> m = reach();
      const Result<wsman::TlsState> now = wsman::read_tls(*m);
      if (now) {
        state_ = *now;
        out_.steps.push_back(what);
        return {};
      }
      last = now.error();
      // A client certificate that is refused stays so.
      if (last.code == Errc::AuthFailed) break;
    }
    return Error{last.code, last.detail + " (at: " + what + ")"};
  }

  bool shows(const std::string& sha256) { return wsman::read_tls(*ways_.showing(sha256)).has_value(); }

  Result<void> switch_on(const std::string& sha256) {
    const bool was_on = state_.network.enabled;
    if (const Result<void> done = choose("certificate chosen", certificate_id_); !done) return done;
    TlsSettings wanted = state_.network;
    wanted.enabled = true;
    if (!was_on) wanted.plain_too = true;
    const bool there = was_on && state_.network == wanted && shows(sha256);
    if (!there) {
      // Whoever knows the old certificate has to let the new one pass from the commit on.
      if (was_on) {
        if (const Result<void> said = ways_.announce(sha256); !said) return said;
      }
      if (const Result<void> done = stage(wanted); !done) return done;
      const Result<void> on = commit(was_on ? "certificate shown" : "TLS on", [&] { return ways_.showing(sha256); });
      if (!on) return on;
    }
    return ways_.trust(sha256);
  }

  Result<void> settle(const std::string& what, const std::string& sha256,
                      const std::function<void(TlsSettings&)>& change) {
    TlsSettings wanted = state_.network;
    change(wanted);
    if (state_.never_plain) wanted.plain_too = false;
    // What an interrupted run has staged looks as if it counted already.
    if (!resumed_ && wanted == state_.network) return {};
    if (const Result<void> done = stage(wanted); !done) return done;
    return commit(what, [&] { return ways_.showing(sha256); });
  }

  // --- back

  Result<void> switch_off(TlsSettings wanted) {
    if (!ways_.may_be_plain()) {
      return Error{
          Errc::Refused,
          "the configuration (tls, tls_ca, tls_pin) demands TLS for this machine, which could not be reached "
          "then; take that out first"};
    }
    wanted.enabled = wanted.mutual = false;
    wanted.plain_too = true;
    if (const Result<void> done = stage(wanted); !done) return done;
    // A machine whose certificate is known is not talked to in clear.
    if (const Result<void> done = ways_.forget(); !done) return done;
    const Result<void> off = commit("TLS off", [&] { return ways_.plain(); });
    if (!off) return off;
    return ways_.forget();
  }

  Result<void> back_to_plain() {
    if (const Result<void> done = switch_off(journal_.before); !done) return done;
    if (!journal_.before_certificate.empty()) return choose("former certificate chosen", journal_.before_certificate);
    return step("no certificate chosen", [](wsman::Caller& m) -> Result<bool> {
      if (const Result<void> done = wsman::use_no_certificate(m); !done) return done.error();
      return true;
    });
  }

  Result<void> back_to_tls() {
    const std::string& sha256 = journal_.before_sha256;
    if (!journal_.before_certificate.empty()) {
      if (const Result<void> done = choose("former certificate chosen", journal_.before_certificate); !done)
        return done;
    }
    if (sha256.empty()) return Error{Errc::Refused, "which certificate it showed before is not known"};
    if (const Result<void> said = ways_.announce(sha256); !said) return said;
    if (const Result<void> done = stage(journal_.before); !done) return done;
    const Result<void> on = commit("former certificate shown", [&] { return ways_.showing(sha256); });
    if (!on) return on;
    return ways_.trust(sha256);
  }

  /// What was put in. What is in use elsewhere stays, and is named.
  void take_out() {
    const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine());
    if (!store) {
      out_.notes.push_back("certificates and keys are left in the machine: " + store.error().detail);
      return;
    }
    const auto gone = [&](const std::string& id, bool key) {
      const std::string what = (key ? "key " : "certificate ") + std::string(wsman::handle_of(id)) + " deleted";
      const Result<void> done = step(what, [&](wsman::Caller& m) -> Result<bool> {
        const Result<wsman::CertificateStore> now = wsman::read_certificate_store(m);
        if (!now) return now.error();
        const bool there = key ? std::ranges::find(now->keys, id, &wsman::StoredKey::id) != now->keys.end()
                               : now->certificate(id) != nullptr;
        if (!there) return false;
        const Result<void> r = key ? wsman::delete_key(m, id) : wsman::delete_certificate(m, id);
        if (!r) return r.error();
        return true;
      });
      if (!done) out_.notes.push_back("left in the machine: " + id + " (" + done.error().detail + ")");
    };
    const auto* key = journal_.machine_key ? new_key(*store) : nullptr;
    for (const wsman::StoredKey& k : store->keys) {
      if (!journal_.key.empty() && to_base64(k.rsa_public) == journal_.key) key = &k;
    }
    for (const wsman::StoredCertificate& c : store->certificates) {
      const std::string text = to_base64(c.der);
      const bool ours = std::ranges::find(journal_.certificates, text) != journal_.certificates.end();
      if (ours && !c.fixed && c.id != journal_.before_certificate) gone(c.id, false);
    }
    if (key != nullptr) gone(key->id, true);
  }

  Error stopped(const Error& e) const {
    std::string before;
    for (const std::string& s : out_.steps) before += (before.empty() ? "" : ", ") + s;
    return {e.code, e.detail + (before.empty() ? ""
                                               : "; done before: " + before +
                                                     "; `amtgate tls enable` goes on, "
                                                     "`amtgate tls undo` takes it back")};
  }

  TlsWays& ways_;
  std::unique_ptr<wsman::Caller> machine_;
  wsman::TlsState state_;
  wsman::CertificateStore store_;
  Journal journal_;
  bool loaded_ = false;
  bool resumed_ = false;
  std::string former_;  // the journal of a run that has ended
  std::string certificate_id_;
  TlsOutcome out_;
};

}  // namespace

Result<TlsOutcome> enable_tls(TlsWays& ways, TlsSource& source, const TlsWish& wish) {
  return Change(ways).enable(source, wish);
}

Result<TlsOutcome> undo_tls(TlsWays& ways) {
  return Change(ways).undo();
}

Result<TlsOutcome> disable_tls(TlsWays& ways) {
  return Change(ways).disable();
}

}  // namespace amtgate::cli
