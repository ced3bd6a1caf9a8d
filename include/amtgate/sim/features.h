// The features that a connection can have, as the connection makes them.
#pragma once

#include <memory>

#include "amtgate/sim/feature.h"

namespace amtgate::sim {

/// The serial console behind SOL messages.
std::unique_ptr<Feature> make_sol(FeatureHost& host, TimePoint now);
/// The machine's use of the drives behind IDE-R messages.
std::unique_ptr<Feature> make_ider(FeatureHost& host, TimePoint now);
/// The screen, behind a login of the redirection protocol.
std::unique_ptr<Feature> make_kvm(FeatureHost& host, TimePoint now);
/// The screen behind port 5900: as the profile says it answers there. `free`: the KVM session is this connection's.
std::unique_ptr<Feature> make_rfb_door(FeatureHost& host, bool free, TimePoint now);

}  // namespace amtgate::sim
