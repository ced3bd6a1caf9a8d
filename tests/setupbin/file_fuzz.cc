// A Setup.bin: what was read is written as it was, its values are the same bytes again from their words, and a value
// that is set is there.
#include <algorithm>
#include <cstdlib>

#include "amtgate/setupbin/file.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes in(data, size);
  Result<setupbin::File> file = setupbin::parse(in);
  if (!file) return 0;
  const Result<Buffer> out = setupbin::format(*file);
  if (!out || !std::ranges::equal(*out, in)) std::abort();
  for (const setupbin::Record& r : file->records) {
    for (const setupbin::Value& v : r.values) {
      const Result<Buffer> again = setupbin::encode(v.id, setupbin::to_text(v.id, v.bytes));
      if (!again || *again != v.bytes) std::abort();
    }
  }
  (void)setupbin::doubts(*file);
  if (file->records.empty()) return 0;
  setupbin::set(*file, 0, setupbin::kNewPassword, Buffer(8, 'x'));
  const setupbin::Value* v = setupbin::get(file->records[0], setupbin::kNewPassword);
  if (v == nullptr || v->bytes != Buffer(8, 'x')) std::abort();
  if (const Result<Buffer> changed = setupbin::format(*file)) {
    const Result<setupbin::File> back = setupbin::parse(*changed);
    // Whatever stood behind the end of a record's variables stays behind it.
    if (back && back->records.size() != file->records.size()) std::abort();
  }
  return 0;
}
