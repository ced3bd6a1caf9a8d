// pki: a small certificate authority for AMT machines.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/tls_ways.h"
#include "amtgate/device/web_client.h"

namespace amtgate::cli {
namespace {

Run init(CLI::App& app, const Common& common) {
  struct Options {
    std::string folder, name = "AMT machines";
    unsigned days = 7300;
    bool sha1 = false;
  };
  const auto o = std::make_shared<Options>();
  app.add_option("FOLDER", o->folder, "where it is to be; made if it is not there")->required();
  app.add_option("--name", o->name, "what it is called (AMT machines)")->option_text("NAME");
  app.add_option("--days", o->days, "how long it is good (7300)")->check(CLI::Range(1U, 36500U));
  app.add_flag("--sha1", o->sha1, "signed with SHA-1, for firmware that knows nothing newer");
  return [&common, o]() -> int {
    const Result<void> made = PkiFolder::init(o->folder, o->name, o->days, o->sha1);
    if (!made) return fail(kSaidNo, made.error().detail);
    if (common.json) {
      std::puts(nlohmann::json{{"folder", o->folder}, {"certificate", o->folder + "/ca.pem"}}.dump().c_str());
    } else {
      std::printf("%s/ca.pem is its certificate; keep %s/ca.key, who has it can be any machine\n", o->folder.c_str(),
                  o->folder.c_str());
    }
    return kDone;
  };
}

Row row(const Issued& issued) {
  return Row{{issued.cert_file, issued.key_file.empty() ? "in the machine" : issued.key_file,
              issued.again ? "was there" : "new"},
             std::make_shared<nlohmann::json>(nlohmann::json{
                 {"certificate", issued.cert_file}, {"key", issued.key_file}, {"was_there", issued.again}})};
}

Run issue(CLI::App& app, const Common& common) {
  struct Options {
    std::string folder, client, name;
    unsigned days = 3650;
    bool sha1 = false, offline = false, anew = false;
  };
  const auto o = std::make_shared<Options>();
  app.add_option("--pki", o->folder, "the authority's folder")->option_text("FOLDER")->required();
  const auto fleet = add_fleet_options(app);
  app.add_option("--client", o->client, "for a console of that name, for mutual TLS, instead of machines")
      ->option_text("NAME");
  app.add_option("--name", o->name, "the machine's name in it; else what the machine itself says")
      ->option_text("NAME");
  app.add_flag("--offline", o->offline, "do not ask the machine: its names are those of the configuration");
  app.add_option("--days", o->days, "how long it is good (3650)")->check(CLI::Range(1U, 36500U));
  app.add_flag("--sha1", o->sha1, "signed with SHA-1, for firmware that knows nothing newer");
  app.add_flag("--anew", o->anew, "also where there is one that is still good");
  return [&common, o, fleet]() -> int {
    Result<PkiFolder> pki = PkiFolder::open(o->folder);
    if (!pki) return fail(kSaidNo, pki.error().detail);
    if (!o->client.empty()) {
      tls::Issue what;
      what.use = tls::Issue::Use::Console;
      what.common_name = o->client;
      what.days = o->days;
      what.hash = o->sha1 ? tls::SignatureHash::Sha1 : tls::SignatureHash::Sha256;
      const Result<Issued> issued = pki->issue(o->client, what, {}, o->anew);
      if (!issued) return fail(kSaidNo, issued.error().detail);
      if (common.json) {
        std::puts(row(*issued).json->dump().c_str());
      } else {
        std::printf("tls_cert = %s\ntls_key = %s\n", issued->cert_file.c_str(), issued->key_file.c_str());
      }
      return kDone;
    }
    return run_sites(common, *fleet, {"CERTIFICATE", "KEY", "STATE"}, [&](const Site& site) -> Result<Row> {
      MachineNames names;
      if (!o->name.empty()) {
        names.hosts.push_back(o->name);
      } else if (!o->offline) {
        const auto machine = site.client.machine(site.target, site.address, site.port);
        const Result<wsman::Instance> general = wsman::get(*machine, "AMT_GeneralSettings");
        if (!general) return Error{general.error().code, general.error().detail + " (--offline does not ask it)"};
        const std::string host(general->text("HostName").value_or(""));
        const std::string domain(general->text("DomainName").value_or(""));
        if (!host.empty() && !domain.empty()) names.hosts.push_back(host + "." + domain);
        if (!host.empty()) names.hosts.push_back(host);
      }
      add_names(site, names.hosts, names.addresses);
      names.common = names.hosts.empty() ? names.addresses[0].to_string() : names.hosts[0];
      const Result<Issued> issued = pki->issue(site.name, issue_for(names, o->days, o->sha1), {}, o->anew);
      if (!issued) return issued.error();
      return row(*issued);
    });
  };
}

}  // namespace

Run pki_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("init", "make one", [&](CLI::App& a) { return init(a, common); });
  actions.add("issue", "certificates for machines, or for a console", [&](CLI::App& a) { return issue(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
