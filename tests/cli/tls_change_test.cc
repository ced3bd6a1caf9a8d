#include "amtgate/cli/tls_change.h"

#include <gtest/gtest.h>

#include "amtgate/tls/authority.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/tls/trust.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::cli {
namespace {

Buffer der(const std::string& pem) {
  const tls::Certificate c = tls::parse_pem(pem)->front();
  return Buffer(c.der().begin(), c.der().end());
}

/// Made once: keys take their time.
struct Made {
  tls::KeyPair ca = *tls::make_authority("Lab CA", 30), other_ca = *tls::make_authority("Other CA", 30);
  std::string key = *tls::make_rsa_key(2048), old_key = *tls::make_rsa_key(2048);
  Buffer half = *tls::rsa_public_der(key);
  std::string cert = *tls::issue(ca, half, {.common_name = "pc.example.org", .dns_names = {"pc.example.org"}});
  std::string old_cert = *tls::issue(ca, *tls::rsa_public_der(old_key), {.common_name = "AMT"});
  std::string console = *tls::issue(ca, half, {.use = tls::Issue::Use::Console, .common_name = "gate.example.org"});
};
const Made& made() {
  static const Made once;
  return once;
}

class Source final : public TlsSource {
 public:
  bool on_machine = false;
  std::string cert = made().cert;
  bool key_on_machine() const override { return on_machine; }
  Result<TlsMaterial> material(const MachineNames& names, Bytes machine_key, Bytes request) override {
    if (!on_machine) return TlsMaterial{der(cert), {}, *tls::rsa_private_der(made().key)};
    const Result<Buffer> half = tls::verified_request_key(request);
    if (!half) return half.error();
    EXPECT_TRUE(std::ranges::equal(*half, machine_key));
    if (cert == made().cert) cert = *tls::issue(made().ca, *half, {.common_name = names.common});
    return TlsMaterial{der(cert), {}, {}};
  }
};

/// A machine in memory, and a network that shows what it serves; everything may break at one request.
class Ways final : public TlsWays {
 public:
  explicit Ways(const sim::Profile& profile) : machine(profile, {.host_name = "pc"}) {}

  class Link final : public wsman::Caller {
   public:
    enum class How { Usual, Showing, Plain };
    Link(Ways& ways, How how, std::string sha256) : ways_(ways), how_(how), sha256_(std::move(sha256)) {}
    Result<wsman::Reply> call(const wsman::Request& request) override {
      if (ways_.dead) return Error{Errc::Unreachable, "interrupted"};
      const sim::TlsService& s = ways_.machine.management.tls();
      if (!s.tls && how_ == How::Showing) return Error{Errc::Unreachable, "no TLS there"};
      if (!s.plain && how_ == How::Plain) return Error{Errc::Unreachable, "no plain port there"};
      const std::string shown = s.tls ? tls::Certificate(der(s.cert_pem)).sha256() : "";
      if (how_ == How::Showing && shown != sha256_) return Error{Errc::Untrusted, "another certificate"};
      if (how_ == How::Usual) {
        if (!s.tls && !ways_.known.empty()) return Error{Errc::Unreachable, "no TLS there, and it was known"};
        if (s.tls && ways_.known.empty()) ways_.known = shown;
        if (s.tls && ways_.next == shown) ways_.known = shown;
        if (s.tls && ways_.known != shown) return Error{Errc::Untrusted, "the certificate has changed"};
      }
      if (s.mutual && how_ != How::Plain && !ways_.has_console)
        return Error{Errc::Refused, "a certificate is wanted"};
      const bool counts = !request.only_reads() && !request.method.starts_with("Get");
      if (counts && ways_.requests++ == ways_.die_at) {
        ways_.dead = true;  // the program ends here: nobody hears of the answer
        if (ways_.die_before) return Error{Errc::Unreachable, "interrupted"};
        (void)ways_.machine.call(request);
        return Error{Errc::Unreachable, "interrupted"};
      }
      if (counts && ways_.lose_at == ways_.requests - 1) {
        (void)ways_.machine.call(request);
        return Error{Errc::Closed, "the connection broke"};
      }
      return ways_.machine.call(request);
    }

   private:
    Ways& ways_;
    How how_;
    std::string sha256_;
  };

  std::unique_ptr<wsman::Caller> usual() override { return std::make_unique<Link>(*this, Link::How::Usual, ""); }
  std::unique_ptr<wsman::Caller> showing(const std::string& sha256) override {
    return std::make_unique<Link>(*this, Link::How::Showing, sha256);
  }
  std::unique_ptr<wsman::Caller> plain() override { return std::make_unique<Link>(*this, Link::How::Plain, ""); }
  bool may_be_plain() const override { return plain_allowed; }
  Result<void> accepts(const std::vector<Buffer>& chain) const override {
    if (ca_pem.empty()) return {};
    const std::vector<tls::Certificate> all(chain.begin(), chain.end());
    const auto verdict = tls::judge({.ca_pem = ca_pem}, {}, {"pc1", {}}, all);
    if (!verdict) return verdict.error();
    return {};
  }
  Result<void> announce(const std::string& sha256) override {
    if (dead) return Error{Errc::System, "interrupted"};
    if (!known.empty()) next = sha256;
    return {};
  }
  Result<void> trust(const std::string& sha256) override {
    if (dead) return Error{Errc::System, "interrupted"};
    known = sha256;
    next.clear();
    return {};
  }
  Result<void> forget() override {
    if (dead) return Error{Errc::System, "interrupted"};
    known.clear();
    next.clear();
    return {};
  }
  Result<std::string> journal() override { return kept; }
  Result<void> keep(const std::string& text) override {
    if (dead) return Error{Errc::System, "interrupted"};
    EXPECT_EQ(text.find("PRIVATE"), std::string::npos);
    kept = text;
    return {};
  }
  std::int64_t wall() const override { return now; }
  void rest() override { machine.around = {}; }

  bool reachable() { return wsman::read_tls(*usual()).has_value(); }

  test::WsmanMachine machine;
  std::string known, next, kept, ca_pem;
  bool plain_allowed = true, has_console = false, dead = false, die_before = false;
  unsigned requests = 0;
  std::optional<unsigned> die_at, lose_at;
  std::int64_t now = std::time(nullptr);
};

sim::Profile bare(std::string_view name) {
  sim::Profile p = *sim::find_profile(name);
  p.tls_open = false;
  return p;
}
/// With TLS on already, as newer firmware always has it.
void start(Ways& w) {
  w.machine.management.start_tls(made().old_cert, made().old_key, "");
  w.known = tls::Certificate(der(made().old_cert)).sha256();
}

TlsWish everything() {
  TlsWish wish;
  wish.no_plaintext = wish.mutual = true;
  wish.roots = {der(made().ca.cert_pem)};
  wish.trusted_names = {".example.org"};
  wish.console_certificate = der(made().console);
  return wish;
}

TEST(TlsChange, SwitchesItOnAndLeavesThePlainPortsOpen) {
  Ways w(bare("12"));
  Source source;
  const Result<TlsOutcome> done = enable_tls(w, source, {});
  ASSERT_TRUE(done) << done.error().detail;
  const sim::TlsService& s = w.machine.management.tls();
  EXPECT_TRUE(s.tls && s.plain);
  EXPECT_EQ(s.cert_pem, made().cert);
  EXPECT_EQ(w.known, done->sha256);
  EXPECT_EQ(done->steps,
            (std::vector<std::string>{"key put in", "certificate put in", "certificate chosen", "TLS on"}));
  const Result<TlsOutcome> again = enable_tls(w, source, {});
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->steps.empty());
  ASSERT_TRUE(undo_tls(w));
  EXPECT_FALSE(w.machine.management.tls().tls) << "the way back is that of the one that did something";
}

TEST(TlsChange, DoesAllOfItOnEveryFirmware) {
  for (const char* name : {"8", "9", "11", "12", "15"}) {
    for (const bool on_machine : {false, name[0] == '8'}) {
      Ways w(bare(name));
      w.has_console = true;
      Source source;
      source.on_machine = on_machine;
      const Result<TlsOutcome> done = enable_tls(w, source, everything());
      ASSERT_TRUE(done) << name << ": " << done.error().detail;
      const sim::TlsService& s = w.machine.management.tls();
      EXPECT_TRUE(s.tls && !s.plain && s.mutual) << name;
      EXPECT_EQ(s.trusted_names, everything().trusted_names);
      const Result<TlsOutcome> back = undo_tls(w);
      ASSERT_TRUE(back) << name << ": " << back.error().detail;
      EXPECT_FALSE(w.machine.management.tls().tls);
      EXPECT_TRUE(w.machine.management.tls().plain);
      EXPECT_TRUE(back->notes.empty()) << back->notes.front();
      const wsman::CertificateStore left = *wsman::read_certificate_store(*w.usual());
      EXPECT_TRUE(left.certificates.empty() && left.keys.empty()) << name;
      EXPECT_FALSE(undo_tls(w)) << "once only";
    }
  }
}

TEST(TlsChange, ReplacesACertificateAndBringsItBack) {
  for (const char* name : {"12", "16.1", "19"}) {
    Ways w(*sim::find_profile(name));
    start(w);
    Source source;
    const Result<TlsOutcome> done = enable_tls(w, source, {});
    ASSERT_TRUE(done) << name << ": " << done.error().detail;
    EXPECT_EQ(w.machine.management.tls().cert_pem, made().cert);
    EXPECT_EQ(w.known, done->sha256);
    const Result<TlsOutcome> back = undo_tls(w);
    ASSERT_TRUE(back) << name << ": " << back.error().detail;
    EXPECT_EQ(w.machine.management.tls().cert_pem, made().old_cert);
    EXPECT_TRUE(w.reachable());
  }
}

/// The heart of it: whichever request was the last, done or not, the machine is reached as ever, and both ways lead
/// on.
void interrupt_everywhere(const sim::Profile& profile, bool was_on, bool on_machine, TlsWish wish, bool undo) {
  // A key of the machine's takes its time to make: once.
  for (const bool before : on_machine ? std::vector<bool>{false} : std::vector<bool>{false, true}) {
    unsigned n = 0;
    for (;; ++n) {
      ASSERT_LT(n, 60U);
      Ways w(profile);
      w.has_console = true;
      if (was_on) start(w);
      Source source;
      source.on_machine = on_machine;
      w.die_at = n;
      w.die_before = before;
      const bool done = enable_tls(w, source, wish).has_value();
      if (!w.dead) {
        EXPECT_TRUE(done);
        break;
      }
      w.dead = false;
      w.die_at.reset();
      EXPECT_TRUE(w.reachable()) << profile.name << ", request " << n << (before ? ", not done" : ", done");
      const Result<TlsOutcome> on = undo ? undo_tls(w) : enable_tls(w, source, wish);
      ASSERT_TRUE(on) << profile.name << ", request " << n << ": " << on.error().detail;
      EXPECT_TRUE(w.reachable());
      const sim::TlsService& s = w.machine.management.tls();
      if (!undo) {
        EXPECT_EQ(tls::Certificate(der(s.cert_pem)).sha256(), on->sha256);
        EXPECT_EQ(s.mutual, wish.mutual);
        EXPECT_EQ(s.plain, profile.plain_open && !wish.no_plaintext);
        continue;
      }
      EXPECT_EQ(s.tls, was_on);
      if (was_on) {
        EXPECT_EQ(s.cert_pem, made().old_cert);
      }
      EXPECT_EQ(wsman::read_certificate_store(*w.usual())->certificates.size(), was_on ? 1U : 0U) << "request " << n;
    }
    EXPECT_GE(n, 4U);
  }
}

TEST(TlsChange, InterruptedAnywhereGoesOn) {
  interrupt_everywhere(bare("12"), false, false, everything(), false);
  interrupt_everywhere(*sim::find_profile("12"), true, false, {}, false);
  interrupt_everywhere(*sim::find_profile("16.1"), true, false, {}, false);
}

TEST(TlsChange, InterruptedAnywhereIsUndone) {
  interrupt_everywhere(bare("12"), false, false, everything(), true);
  interrupt_everywhere(*sim::find_profile("12"), true, false, {}, true);
  interrupt_everywhere(*sim::find_profile("16.1"), true, false, {}, true);
}

TEST(TlsChange, InterruptedWithTheMachinesOwnKey) {
  interrupt_everywhere(bare("8"), false, true, {}, false);
  interrupt_everywhere(bare("11"), false, true, {}, true);
}

TEST(TlsChange, ALostAnswerDoesNotMatter) {
  for (unsigned n = 0; n < 12; ++n) {
    Ways w(bare("12"));
    w.has_console = true;
    w.lose_at = n;
    Source source;
    const Result<TlsOutcome> done = enable_tls(w, source, everything());
    ASSERT_TRUE(done) << n << ": " << done.error().detail;
    EXPECT_EQ(wsman::read_certificate_store(*w.usual())->keys.size(), 1U);
  }
}

TEST(TlsChange, PutsNoCertificateInThatWouldNotBeTrusted) {
  const auto refused = [](const std::string& cert, const std::string& why, std::int64_t later = 0,
                          const std::string& ca = "") {
    Ways w(bare("12"));
    w.ca_pem = ca;
    w.now += later;
    Source source;
    source.cert = cert;
    const Result<TlsOutcome> done = enable_tls(w, source, {});
    ASSERT_FALSE(done) << why;
    EXPECT_EQ(done.error().code, Errc::Untrusted) << done.error().detail;
    EXPECT_NE(done.error().detail.find(why), std::string::npos) << done.error().detail;
    EXPECT_TRUE(wsman::read_certificate_store(*w.usual())->certificates.empty());
  };
  refused(made().cert, "expired", 40 * 86400);
  refused(*tls::issue(made().ca, made().half, {.common_name = "other.example.org"}), "another host");
  refused(*tls::issue(made().ca, made().half, {.use = tls::Issue::Use::Console, .common_name = "pc.example.org"}),
          "not for servers");
  refused(made().cert, "not vouched for", 0, made().other_ca.cert_pem);
}

TEST(TlsChange, DoesNotLockItselfOut) {
  const auto refused = [](const sim::Profile& profile, TlsWish wish, const std::string& why) {
    Ways w(profile);
    if (!profile.plain_open) start(w);
    Source source;
    const Result<TlsOutcome> done = enable_tls(w, source, wish);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().detail.find(why), std::string::npos) << done.error().detail;
    EXPECT_TRUE(w.kept.empty());
  };
  TlsWish wish = everything();
  wish.console_certificate.clear();
  refused(bare("12"), wish, "none for us");
  wish.console_certificate = der(made().cert);
  refused(bare("12"), wish, "not for AMT consoles");
  wish = everything();
  wish.roots = {der(made().other_ca.cert_pem)};
  refused(bare("12"), wish, "not from the CA");
  wish = everything();
  wish.trusted_names = {".example.com"};
  refused(bare("12"), wish, "none of the trusted ends");
  refused(*sim::find_profile("16.1"), everything(), "--force");
}

TEST(TlsChange, SwitchesOffOnlyWhereThatLeavesAWay) {
  Ways w(bare("12"));
  Source source;
  ASSERT_TRUE(enable_tls(w, source, {}));
  w.plain_allowed = false;
  EXPECT_FALSE(disable_tls(w));
  EXPECT_FALSE(undo_tls(w));
  EXPECT_TRUE(w.machine.management.tls().tls);
  w.plain_allowed = true;
  ASSERT_TRUE(disable_tls(w));
  EXPECT_FALSE(w.machine.management.tls().tls);
  EXPECT_TRUE(w.reachable());
  Ways newer(*sim::find_profile("16.1"));
  start(newer);
  EXPECT_FALSE(disable_tls(newer));
}

TEST(TlsChange, AJournalThatIsNoneIsNotUsed) {
  for (const char* text : {"{}", "[1]", "{\"finished\": 7}", "not even JSON"}) {
    Ways w(bare("12"));
    w.kept = text;
    EXPECT_FALSE(undo_tls(w)) << text;
  }
}

TEST(TlsChange, ADryRunChangesNothing) {
  Ways w(bare("12"));
  w.has_console = true;
  Source source;
  TlsWish wish = everything();
  wish.dry_run = true;
  const Result<TlsOutcome> done = enable_tls(w, source, wish);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->steps.size(), 7U);
  EXPECT_EQ(w.requests, 0U);
  EXPECT_TRUE(w.kept.empty());
}

}  // namespace
}  // namespace amtgate::cli
