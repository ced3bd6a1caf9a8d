// Handle: std::unique_ptr for objects of C libraries.
#pragma once

#include <memory>

namespace amtgate {

template <auto Free>
struct CDeleter {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};

template <class T, auto Free>
using Handle = std::unique_ptr<T, CDeleter<Free>>;

}  // namespace amtgate
