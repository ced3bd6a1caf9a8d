// The one table of keys: name, parser, the default as the file would say it, one line of help.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "amtgate/config/config.h"

namespace amtgate::config {

/// Whether a key may stand more than once in a section: the values of a list then follow each other.
enum class Repeat { No, List };
enum class Shown { Yes, Secret };

/// The struct T is one of Gateway, Intercept and Target.
template <class T>
struct Key {
  const char* name;
  Repeat repeat;
  Shown shown;
  /// Puts one value into `to`. The first value of a section begins a list anew, so that a target's replaces that of
  /// [defaults].
  enum class Order { First, Next };
  Result<void> (*set)(T& to, std::string_view value, Order order);
  /// What the file says for the value in `from`; empty for a secret.
  std::string (*show)(const T& from);
  const char* help;
  /// A phrase for a warning when this version does not do what the value in `from` asks for; null otherwise.
  const char* (*no_effect)(const T& from);
};

std::span<const Key<Gateway>> gateway_keys();
std::span<const Key<Intercept>> intercept_keys();
/// The keys of [target NAME] and of [defaults]; parse() refuses `address` in [defaults].
std::span<const Key<Target>> target_keys();

/// The entry of that name, or null.
template <class T>
const Key<T>* find_key(std::span<const Key<T>> keys, std::string_view name) {
  for (const Key<T>& key : keys) {
    if (name == key.name) return &key;
  }
  return nullptr;
}

}  // namespace amtgate::config
