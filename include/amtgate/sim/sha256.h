// Sha256: a running SHA-256 (libcrypto's).
#pragma once

#include <memory>
#include <string>

#include "amtgate/base/bytes.h"

namespace amtgate::sim {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(Bytes bytes);
  /// 64 lower-case hex digits of everything so far; the object then begins anew.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Of one buffer.
std::string sha256_hex(Bytes bytes);

}  // namespace amtgate::sim
