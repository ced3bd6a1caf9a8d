#include <cstdlib>

#include "amtgate/auth/users.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<auth::UsersFile> users = auth::UsersFile::parse(as_text({data, size}), "users");
  if (!users) return 0;
  // What was taken must survive being written.
  const Result<auth::UsersFile> again = auth::UsersFile::parse(users->format(), "users");
  if (!again || again->format() != users->format()) std::abort();
  return 0;
}
