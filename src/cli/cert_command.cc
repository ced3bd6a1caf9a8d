// cert: certificates and keys in machines.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/tls_ways.h"
#include "amtgate/config/load.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/wsman/certificate_store.h"
#include "amtgate/wsman/tls_settings.h"

namespace amtgate::cli {
namespace {

constexpr unsigned kKeyPatience = 30;  // seconds for a machine to make a key pair

Row row(const wsman::CertificateStore& store, const std::string& shown) {
  Row out;
  nlohmann::json certificates = nlohmann::json::array(), keys = nlohmann::json::array();
  for (const wsman::StoredCertificate& c : store.certificates) {
    const Result<tls::CertificateFacts> f = tls::certificate_facts(c.der);
    const std::string handle(wsman::handle_of(c.id)), sha256 = tls::Certificate(c.der).sha256();
    const std::string ends =
        f ? sys::to_iso8601(std::chrono::system_clock::time_point(seconds(f->not_after))).substr(0, 10) : "";
    const wsman::StoredKey* key = f ? store.find_key(f->rsa_public) : nullptr;
    const std::string kind = c.root ? "root" : c.fixed ? "firmware's" : c.id == shown ? "shown" : "certificate";
    out.more.push_back({"cert:" + handle, kind, f ? f->subject : "(unreadable)", f ? f->issuer : "", ends,
                        key ? "key:" + std::string(wsman::handle_of(key->id)) : "", sha256.substr(0, 16)});
    certificates.push_back({{"handle", handle},
                            {"root", c.root},
                            {"fixed", c.fixed},
                            {"shown", c.id == shown},
                            {"subject", f ? f->subject : ""},
                            {"issuer", f ? f->issuer : ""},
                            {"ends", ends},
                            {"sha256", sha256},
                            {"key", key ? nlohmann::json(wsman::handle_of(key->id)) : nlohmann::json()}});
  }
  for (const wsman::StoredKey& k : store.keys) {
    const unsigned bits = tls::rsa_bits(k.rsa_public);
    const std::string handle(wsman::handle_of(k.id));
    out.more.push_back({"key:" + handle, "key", "RSA " + std::to_string(bits), "", "", "", ""});
    keys.push_back({{"handle", handle}, {"bits", bits}});
  }
  if (!out.more.empty()) {
    out.cells = std::move(out.more.front());
    out.more.erase(out.more.begin());
  }
  out.json = std::make_shared<nlohmann::json>(nlohmann::json{{"certificates", certificates}, {"keys", keys}});
  return out;
}

Run list(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet, {"WHAT", "KIND", "SUBJECT", "ISSUER", "ENDS", "KEY", "SHA256"},
                     [](wsman::Caller& machine) -> Result<Row> {
                       const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
                       if (!store) return store.error();
                       const Result<wsman::TlsState> tls = wsman::read_tls(machine);
                       if (!tls && tls.error().code != Errc::Unsupported) return tls.error();
                       return row(*store, tls ? tls->certificate : "");
                     });
  };
}

Row added(const char* kind, const std::string& id, bool there) {
  const std::string handle = std::string(kind) + ":" + std::string(wsman::handle_of(id));
  return Row{{handle, there ? "was there" : "added"},
             std::make_shared<nlohmann::json>(
                 nlohmann::json{{"handle", wsman::handle_of(id)}, {"kind", kind}, {"was_there", there}})};
}

Run add_certificate(CLI::App& app, const Common& common, bool root) {
  const auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "PEM; the first certificate in it")->required();
  const auto fleet = add_fleet_options(app);
  return [&common, file, fleet, root] {
    const Result<std::vector<Buffer>> all = read_certificates_of(*file);
    if (!all) return fail(kUsage, all.error().detail);
    const Buffer& der = all->front();
    return run_fleet(common, *fleet, {"WHAT", "DONE"}, [&der, root](wsman::Caller& machine) -> Result<Row> {
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
      if (!store) return store.error();
      if (const auto* there = store->find(der, root)) return added("cert", there->id, true);
      const Result<std::string> id = root ? wsman::add_root(machine, der) : wsman::add_certificate(machine, der);
      if (!id) return id.error();
      return added("cert", *id, false);
    });
  };
}

Run add_key(CLI::App& app, const Common& common) {
  const auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "an RSA private key, PEM without a pass phrase")->required();
  const auto fleet = add_fleet_options(app);
  return [&common, file, fleet] {
    if (const Result<void> good = sys::check_private(*file); !good) return fail(kUsage, good.error().detail);
    const Result<std::string> text = sys::read_file(*file, config::kMaxPemFile);
    if (!text) return fail(kUsage, text.error().detail);
    const Result<Buffer> key = tls::rsa_private_der(*text), half = tls::rsa_public_der(*text);
    if (!key || !half) return fail(kUsage, *file + ": " + (key ? half.error() : key.error()).detail);
    return run_fleet(common, *fleet, {"WHAT", "DONE"}, [&](wsman::Caller& machine) -> Result<Row> {
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
      if (!store) return store.error();
      if (const auto* there = store->find_key(*half)) return added("key", there->id, true);
      const Result<std::string> id = wsman::add_key(machine, *key);
      if (!id) return id.error();
      return added("key", *id, false);
    });
  };
}

Result<std::string> make_key_in(wsman::Caller& machine, unsigned bits) {
  for (unsigned i = 0;; ++i) {
    Result<std::string> id = wsman::generate_key(machine, bits);
    if (id || id.error().code != Errc::Busy || i == kKeyPatience) return id;
    std::this_thread::sleep_for(seconds(1));
  }
}

Run make_key(CLI::App& app, const Common& common) {
  struct Options {
    unsigned bits = 2048;
    std::string csr, name, key;
    bool sha1 = false;
  };
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  app.add_option("--bits", o->bits, "2048 or, new firmware, 3072 (2048)")->check(CLI::IsMember({2048U, 3072U}));
  app.add_option("--csr", o->csr, "write the machine's signing request here, PEM; for several machines a folder")
      ->option_text("FILE");
  app.add_option("--name", o->name, "the common name in it; else the machine's own")->option_text("NAME");
  app.add_option("--handle", o->key, "for --csr: a key that is there already")->option_text("N");
  app.add_flag("--sha1", o->sha1, "the machine signs with SHA-1");
  return [&common, o, fleet] {
    return run_sites(common, *fleet, {"WHAT", "REQUEST"}, [o](const Site& site) -> Result<Row> {
      const auto machine = site.client.machine(site.target, site.address, site.port);
      std::string id = "Intel(r) AMT Key: Handle: " + o->key;
      if (o->key.empty()) {
        const Result<std::string> made = make_key_in(*machine, o->bits);
        if (!made) return made.error();
        id = *made;
      }
      const std::string handle = "key:" + std::string(wsman::handle_of(id));
      nlohmann::json json = {{"handle", wsman::handle_of(id)}, {"request", nullptr}};
      if (o->csr.empty()) return Row{{handle, ""}, std::make_shared<nlohmann::json>(std::move(json))};
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(*machine);
      if (!store) return store.error();
      Buffer half;
      for (const wsman::StoredKey& k : store->keys) {
        if (k.id == id) half = k.rsa_public;
      }
      if (half.empty()) return Error{Errc::Refused, "no key has handle " + std::string(wsman::handle_of(id))};
      std::string name = o->name;
      if (name.empty()) {
        const Result<wsman::Instance> general = wsman::get(*machine, "AMT_GeneralSettings");
        if (!general) return general.error();
        name = general->text("HostName").value_or("");
        const std::string_view domain = general->text("DomainName").value_or("");
        if (!name.empty() && !domain.empty()) name += "." + std::string(domain);
        if (name.empty()) name = site.name;
      }
      const Result<Buffer> blank = tls::unsigned_request(half, name);
      if (!blank) return blank.error();
      const Result<Buffer> request =
          wsman::sign_request(*machine, id, *blank, o->sha1 ? wsman::RequestHash::Sha1 : wsman::RequestHash::Sha256);
      if (!request) return request.error();
      const Result<Buffer> proven = tls::verified_request_key(*request);
      if (!proven || *proven != half)
        return Error{Errc::BadValue, "the machine's signing request is not signed by its key"};
      const std::string file = site.only_one ? o->csr : o->csr + "/" + file_name_of(site.name) + ".csr";
      const Result<void> written = sys::write_file(file, tls::to_pem("CERTIFICATE REQUEST", *request), 0644);
      if (!written) return written.error();
      json["request"] = file;
      return Row{{handle, file}, std::make_shared<nlohmann::json>(std::move(json))};
    });
  };
}

Run remove(CLI::App& app, const Common& common) {
  struct Options {
    std::string what;
    bool key = false;
  };
  const auto o = std::make_shared<Options>();
  app.add_option("WHAT", o->what, "cert:N or key:N as `cert list` has them, or a file with the certificate")
      ->required();
  const auto fleet = add_fleet_options(app);
  app.add_flag("--with-key", o->key, "its key too");
  return [&common, o, fleet] {
    std::string handle;
    std::optional<Buffer> der;
    const bool key_alone = o->what.starts_with("key:");
    if (key_alone || o->what.starts_with("cert:")) {
      handle = o->what.substr(o->what.find(':') + 1);
    } else {
      Result<std::vector<Buffer>> all = read_certificates_of(o->what);
      if (!all) return fail(kUsage, all.error().detail);
      der = std::move(all->front());
    }
    return run_fleet(common, *fleet, {"DELETED"}, [&](wsman::Caller& machine) -> Result<Row> {
      const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
      if (!store) return store.error();
      std::vector<std::string> gone;
      const auto drop_key = [&](const std::string& id) -> Result<void> {
        const Result<void> done = wsman::delete_key(machine, id);
        if (done) gone.push_back("key:" + std::string(wsman::handle_of(id)));
        return done;
      };
      if (key_alone) {
        if (const Result<void> done = drop_key("Intel(r) AMT Key: Handle: " + handle); !done) return done.error();
      } else {
        const wsman::StoredCertificate* found = nullptr;
        for (const wsman::StoredCertificate& c : store->certificates) {
          if (der ? c.der == *der : wsman::handle_of(c.id) == handle) found = &c;
        }
        if (found == nullptr)
          return Error{Errc::Refused, "it has no such certificate; `amtgate cert list` shows what it has"};
        const Result<tls::CertificateFacts> facts = tls::certificate_facts(found->der);
        const wsman::StoredKey* key = facts ? store->find_key(facts->rsa_public) : nullptr;
        if (const Result<void> done = wsman::delete_certificate(machine, found->id); !done) {
          // AMT says no more than "not permitted".
          const Result<wsman::TlsState> tls = wsman::read_tls(machine);
          if (!tls || tls->certificate != found->id) return done.error();
          return Error{Errc::Refused,
                       "it is the one that the machine shows; `amtgate tls set --handle` chooses another, "
                       "or none where TLS is off"};
        }
        gone.push_back("cert:" + std::string(wsman::handle_of(found->id)));
        if (o->key && key != nullptr) {
          if (const Result<void> done = drop_key(key->id); !done) return done.error();
        }
      }
      std::string text;
      for (const std::string& g : gone) text += (text.empty() ? "" : ", ") + g;
      return Row{{text}, std::make_shared<nlohmann::json>(nlohmann::json{{"deleted", gone}})};
    });
  };
}

}  // namespace

Run cert_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("list", "certificates and keys in machines", [&](CLI::App& a) { return list(a, common); });
  actions.add("add-ca", "a CA whose consoles may be trusted",
              [&](CLI::App& a) { return add_certificate(a, common, true); });
  actions.add("add", "a certificate of the machine, or of an authority above it",
              [&](CLI::App& a) { return add_certificate(a, common, false); });
  actions.add("add-key", "a private key", [&](CLI::App& a) { return add_key(a, common); });
  actions.add("make-key", "the machine makes a key pair, and a signing request for it",
              [&](CLI::App& a) { return make_key(a, common); });
  actions.add("delete", "take one out", [&](CLI::App& a) { return remove(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
