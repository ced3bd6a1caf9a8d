// Any bytes as a recorded screen.
#include <cstddef>
#include <cstdint>

#include "amtgate/record/film.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  amtgate::record::Film film;
  film.receive({data, size});
  while (true) {
    const auto frame = film.next();
    if (!frame || !*frame) return 0;
  }
}
