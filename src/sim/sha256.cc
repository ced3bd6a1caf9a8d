#include "amtgate/sim/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <new>

#include "amtgate/base/handle.h"
#include "amtgate/base/hex.h"

namespace amtgate::sim {

struct Sha256::Context {
  Handle<EVP_MD_CTX, &EVP_MD_CTX_free> md{EVP_MD_CTX_new()};

  void begin() {
    // Only memory can be missing here: the algorithm is built in.
    if (!md || EVP_DigestInit_ex(md.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  context_->begin();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(Bytes bytes) {
  EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned n = 0;
  EVP_DigestFinal_ex(context_->md.get(), out.data(), &n);
  context_->begin();
  return to_hex(Bytes(out).first(n));
}

std::string sha256_hex(Bytes bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace amtgate::sim
