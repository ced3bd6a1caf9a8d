// The classes that AMT's firmware has had, to look at everything that a machine tells.
//
// Source: MeshCommander's list of classes; which of them a machine has differs by generation.
#pragma once

#include <span>
#include <string_view>

namespace amtgate::wsman {

/// In the order of their names. None is abstract: those list instances of the others once more.
std::span<const std::string_view> known_classes();

}  // namespace amtgate::wsman
