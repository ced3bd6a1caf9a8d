// How `amtgate tls` reaches machines over the network, where it keeps its journals, and where certificates come from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "amtgate/cli/fleet.h"
#include "amtgate/cli/pki_folder.h"
#include "amtgate/cli/tls_change.h"

namespace amtgate::cli {

/// `site` must outlive it. Journals are in its state folder, tls/NAME_ADDRESS.json.
std::unique_ptr<TlsWays> network_ways(const Site& site);

/// The names and addresses that the configuration has for the machine.
void add_names(const Site& site, std::vector<std::string>& hosts, std::vector<IpAddress>& addresses);

/// A certificate with its chain, and its key; read already.
struct PemPair {
  std::vector<Buffer> chain;
  Buffer private_key;  // a secret
};
/// Errors: a sentence that names the file. The key's must not be readable by others.
Result<PemPair> read_pem_pair(const std::string& cert_file, const std::string& key_file);
/// DER of every certificate in the file.
Result<std::vector<Buffer>> read_certificates_of(const std::string& file);

std::unique_ptr<TlsSource> source_of(const PemPair& pair);
/// Issues under the site's name.
std::unique_ptr<TlsSource> source_of(PkiFolder& pki, const Site& site, bool key_on_machine, unsigned days, bool sha1);

/// What a machine with these names is to have.
tls::Issue issue_for(const MachineNames& names, unsigned days, bool sha1);

}  // namespace amtgate::cli
