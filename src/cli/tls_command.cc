// tls: how machines do TLS, and the way to switch it on without losing them.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/tls_ways.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/tls/certificate_facts.h"

namespace amtgate::cli {
namespace {

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : between) + p;
  return out;
}

std::string day_of(std::int64_t unix_seconds) {
  return sys::to_iso8601(std::chrono::system_clock::time_point(seconds(unix_seconds))).substr(0, 10);
}

const char* yes_no(bool on) {
  return on ? "yes" : "no";
}

nlohmann::json to_json(const wsman::TlsSettings& s) {
  return {
      {"enabled", s.enabled}, {"plain_too", s.plain_too}, {"mutual", s.mutual}, {"trusted_names", s.trusted_names}};
}

Run show(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet,
                     {"TLS", "PLAIN TOO", "MUTUAL", "TRUSTED", "LOCAL", "CERTIFICATE", "ISSUER", "ENDS", "SHA256"},
                     [](wsman::Caller& machine) -> Result<Row> {
                       const Result<wsman::TlsState> t = wsman::read_tls(machine);
                       if (!t) return t.error();
                       const Result<wsman::CertificateStore> store = wsman::read_certificate_store(machine);
                       if (!store) return store.error();
                       nlohmann::json json = {{"network", to_json(t->network)},
                                              {"local", to_json(t->local)},
                                              {"never_plain", t->never_plain},
                                              {"certificate", nullptr}};
                       std::string subject, issuer, ends, sha256;
                       const wsman::StoredCertificate* own = store->certificate(t->certificate);
                       const auto facts = own ? tls::certificate_facts(own->der) : Error{Errc::BadValue, ""};
                       if (facts) {
                         subject = facts->subject;
                         issuer = facts->self_issued ? "itself" : facts->issuer;
                         ends = day_of(facts->not_after);
                         sha256 = tls::Certificate(own->der).sha256();
                         json["certificate"] = {{"handle", wsman::handle_of(own->id)},
                                                {"subject", subject},
                                                {"issuer", facts->issuer},
                                                {"ends", ends},
                                                {"sha256", sha256},
                                                {"key", facts->key}};
                       }
                       return Row{{yes_no(t->network.enabled), yes_no(t->network.plain_too && !t->never_plain),
                                   yes_no(t->network.mutual), joined(t->network.trusted_names, " "),
                                   yes_no(t->local.enabled), subject, issuer, ends, sha256.substr(0, 16)},
                                  std::make_shared<nlohmann::json>(std::move(json))};
                     });
  };
}

Row row_of(const Site& site, const TlsOutcome& o, bool dry_run) {
  std::vector<std::string> notes = o.notes;
  nlohmann::json json = {{"steps", o.steps}, {"sha256", o.sha256}, {"notes", notes}, {"dry_run", dry_run}};
  json["device"] = site.address.to_string();
  return Row{{o.steps.empty() ? "nothing to do" : joined(o.steps, ", "), o.sha256.substr(0, 16), joined(notes, "; ")},
             std::make_shared<nlohmann::json>(std::move(json))};
}

const std::vector<std::string> kHeading = {"DONE", "SHOWS", "NOTE"};

Run enable(CLI::App& app, const Common& common) {
  struct Options {
    std::string cert, key, pki, mutual;
    std::vector<std::string> trusted;
    bool device_key = false, no_plaintext = false, any_name = false, force = false, sha1 = false, dry_run = false;
    unsigned days = 3650;
  };
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  app.add_option("--cert", o->cert, "the certificate to show, PEM, with the authorities below the root behind it")
      ->option_text("FILE");
  app.add_option("--key", o->key, "its key, PEM")->option_text("FILE");
  app.add_option("--pki", o->pki, "an authority of `amtgate pki init` issues it")->option_text("FOLDER");
  app.add_flag("--device-key", o->device_key, "with --pki: the machine makes the key, which never leaves it");
  app.add_option("--days", o->days, "with --pki: how long it is good (3650)")->check(CLI::Range(1U, 36500U));
  app.add_flag("--sha1", o->sha1, "with --pki: signed with SHA-1, for firmware that knows nothing newer");
  app.add_option("--mutual", o->mutual, "in the end consoles need a certificate from this CA, PEM")
      ->option_text("FILE");
  app.add_option("--trusted-cn", o->trusted, "with --mutual: how their names must end; any, if not given")
      ->option_text("NAME");
  app.add_flag("--no-plaintext", o->no_plaintext, "in the end the ports without TLS are closed");
  app.add_flag("--any-name", o->any_name, "the certificate may be for another host");
  app.add_flag("--force", o->force, "--mutual also where there is no way back");
  app.add_flag("--dry-run", o->dry_run, "only say what would be done");
  return [&common, o, fleet]() -> int {
    if (o->pki.empty() == o->cert.empty()) return fail(kUsage, "either --cert with --key, or --pki");
    if (o->cert.empty() != o->key.empty()) return fail(kUsage, "--cert and --key belong together");
    if (o->pki.empty() && (o->device_key || o->sha1)) return fail(kUsage, "--device-key and --sha1 go with --pki");
    if (o->mutual.empty() && !o->trusted.empty()) return fail(kUsage, "--trusted-cn goes with --mutual");
    TlsWish wish;
    wish.any_name = o->any_name;
    wish.no_plaintext = o->no_plaintext;
    wish.trusted_names = o->trusted;
    wish.force = o->force;
    wish.sha1 = o->sha1;
    wish.dry_run = o->dry_run;
    if (!o->mutual.empty()) {
      Result<std::vector<Buffer>> roots = read_certificates_of(o->mutual);
      if (!roots) return fail(kUsage, roots.error().detail);
      wish.mutual = true;
      wish.roots = std::move(*roots);
    }
    std::optional<PemPair> pair;
    std::optional<PkiFolder> pki;
    if (o->pki.empty()) {
      Result<PemPair> given = read_pem_pair(o->cert, o->key);
      if (!given) return fail(kUsage, given.error().detail);
      pair = std::move(*given);
    } else {
      Result<PkiFolder> opened = PkiFolder::open(o->pki);
      if (!opened) return fail(kUsage, opened.error().detail);
      pki.emplace(std::move(*opened));
    }
    const int code = run_sites(common, *fleet, kHeading, [&](const Site& site) -> Result<Row> {
      TlsWish own = wish;
      add_names(site, own.extra_hosts, own.addresses);
      const config::Target& t = *site.target;
      if (own.no_plaintext && t.tls == config::TlsMode::No) {
        return Error{Errc::Refused,
                     "its target has tls = no: with the ports without TLS closed it could not be reached"};
      }
      if (!t.tls_cert_text.empty()) {
        const Result<std::vector<tls::Certificate>> client = tls::parse_pem(t.tls_cert_text.reveal());
        if (!client) return client.error();
        own.console_certificate.assign(client->front().der().begin(), client->front().der().end());
      }
      const auto ways = network_ways(site);
      const auto source = pki ? source_of(*pki, site, o->device_key, o->days, o->sha1) : source_of(*pair);
      const Result<TlsOutcome> done = enable_tls(*ways, *source, own);
      if (!done) return done.error();
      return row_of(site, *done, o->dry_run);
    });
    if (code == kDone && pki && !o->dry_run) {
      std::fprintf(stderr, "amtgate: to trust all of them in the configuration: tls_ca = %s\n",
                   pki->ca_file().c_str());
    }
    return code;
  };
}

template <class Do>
Run change(CLI::App& app, const Common& common, const Do& work) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet, work] {
    return run_sites(common, *fleet, kHeading, [work](const Site& site) -> Result<Row> {
      const auto ways = network_ways(site);
      const Result<TlsOutcome> done = work(*ways);
      if (!done) return done.error();
      return row_of(site, *done, false);
    });
  };
}

Run set(CLI::App& app, const Common& common) {
  struct Options {
    std::string enabled, plain, mutual, certificate;
    std::vector<std::string> trusted;
    bool local = false, force = false, dry_run = false;
  };
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  const auto yes = CLI::IsMember({"yes", "no"});
  app.add_option("--enabled", o->enabled, "TLS on")->option_text("yes|no")->check(yes);
  app.add_option("--plaintext", o->plain, "ports without TLS beside it")->option_text("yes|no")->check(yes);
  app.add_option("--mutual-tls", o->mutual, "consoles need a certificate")->option_text("yes|no")->check(yes);
  app.add_option("--trusted-cn", o->trusted, "how their names must end; counts at once")->option_text("NAME");
  app.add_option("--handle", o->certificate, "the certificate to show, by its handle; none: no more")
      ->option_text("N|none");
  app.add_flag("--local", o->local, "towards the machine's own operating system instead of the network");
  app.add_flag("--force", o->force, "also what could lock us out");
  app.add_flag("--dry-run", o->dry_run, "only say what would be changed");
  return [&common, o, fleet] {
    const std::vector<std::string> heading = {o->dry_run ? "WOULD STAGE" : "STAGED"};
    return run_sites(common, *fleet, heading, [o](const Site& site) -> Result<Row> {
      const auto machine = site.client.machine(site.target, site.address, site.port);
      const Result<wsman::TlsState> now = wsman::read_tls(*machine);
      if (!now) return now.error();
      wsman::TlsSettings wanted = o->local ? now->local : now->network;
      std::vector<std::string> changes;
      const auto turn = [&](const std::string& word, bool& value, const char* what) {
        if (word.empty() || (word == "yes") == value) return;
        value = word == "yes";
        changes.push_back(std::string(what) + ": " + yes_no(!value) + " -> " + yes_no(value));
      };
      turn(o->enabled, wanted.enabled, "TLS");
      turn(o->plain, wanted.plain_too, "plain too");
      turn(o->mutual, wanted.mutual, "mutual");
      if (!o->trusted.empty() && o->trusted != wanted.trusted_names) {
        wanted.trusted_names = o->trusted;
        changes.push_back("trusted: " + joined(o->trusted, " "));
      }
      const bool settings = !changes.empty();
      std::string id;
      const bool none = o->certificate == "none" && !now->certificate.empty();
      if (none) {
        changes.push_back("certificate: none");
      } else if (!o->certificate.empty() && o->certificate != "none") {
        const Result<wsman::CertificateStore> store = wsman::read_certificate_store(*machine);
        if (!store) return store.error();
        for (const wsman::StoredCertificate& c : store->certificates) {
          if (!c.root && wsman::handle_of(c.id) == o->certificate) id = c.id;
        }
        if (id.empty()) return Error{Errc::Refused, "no certificate has handle " + o->certificate};
        if (id != now->certificate) changes.push_back("certificate: " + o->certificate);
      }
      if (!o->local && !o->force) {
        if (!wanted.enabled && (!wanted.plain_too || now->never_plain)) {
          return Error{Errc::Refused, "without TLS and without the ports without TLS nobody could reach it"};
        }
        if (wanted.enabled && (o->certificate == "none" || (now->certificate.empty() && id.empty()))) {
          return Error{
              Errc::Refused,
              "TLS without a certificate to show: choose one with --handle, or let `amtgate tls enable` do all"};
        }
        if (wanted.mutual && !now->network.mutual && site.target->tls_cert_text.empty()) {
          return Error{
              Errc::Refused,
              "we have no client certificate for it (tls_cert, --client-cert) and could not reach it any more; "
              "--force does it"};
        }
      }
      if (!o->dry_run && settings) {
        const auto side = o->local ? wsman::TlsSide::Local : wsman::TlsSide::Network;
        if (const Result<void> done = wsman::put_tls(*machine, side, wanted); !done) return done.error();
      }
      if (!o->dry_run && none) {
        if (const Result<void> done = wsman::use_no_certificate(*machine); !done) return done.error();
      }
      if (!o->dry_run && !id.empty() && id != now->certificate) {
        if (const Result<void> done = wsman::use_certificate(*machine, id); !done) return done.error();
      }
      return Row{{changes.empty() ? "nothing" : joined(changes, "; ")},
                 std::make_shared<nlohmann::json>(nlohmann::json{{"changes", changes}, {"dry_run", o->dry_run}})};
    });
  };
}

Run commit(CLI::App& app, const Common& common) {
  constexpr unsigned kPatience = 60;
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_sites(common, *fleet, {"COMMITTED"}, [](const Site& site) -> Result<Row> {
      {
        const auto machine = site.client.machine(site.target, site.address, site.port);
        // A machine that is not there at all must not pass for one that restarts its network.
        if (const auto there = wsman::read_tls(*machine); !there) return there.error();
        if (const Result<void> done = wsman::commit_changes(*machine); !done) return done.error();
      }
      Error last{Errc::Timeout, ""};
      for (unsigned i = 0; i < kPatience; ++i) {
        std::this_thread::sleep_for(seconds(1));
        const auto machine = site.client.machine(site.target, site.address, site.port);
        const Result<wsman::TlsState> now = wsman::read_tls(*machine);
        if (now) {
          return Row{{"yes"},
                     std::make_shared<nlohmann::json>(
                         nlohmann::json{{"committed", true}, {"network", to_json(now->network)}})};
        }
        last = now.error();
        if (last.code == Errc::Untrusted || last.code == Errc::AuthFailed) break;
      }
      return Error{last.code, "committed, and then: " + last.detail};
    });
  };
}

}  // namespace

Run tls_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("show", "how machines do TLS, and with which certificate",
              [&](CLI::App& a) { return show(a, common); });
  actions.add("enable", "certificate and key in, TLS on, step by step",
              [&](CLI::App& a) { return enable(a, common); });
  actions.add("undo", "as it was before the last enable, also an interrupted one",
              [&](CLI::App& a) { return change(a, common, [](TlsWays& ways) { return undo_tls(ways); }); });
  actions.add("disable", "TLS off",
              [&](CLI::App& a) { return change(a, common, [](TlsWays& ways) { return disable_tls(ways); }); });
  actions.add("set", "stage single settings; `tls commit` makes them count",
              [&](CLI::App& a) { return set(a, common); });
  actions.add("commit", "make what is staged count", [&](CLI::App& a) { return commit(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
