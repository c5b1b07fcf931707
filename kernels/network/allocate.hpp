// Memory for a block: aligned, and zero at first.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

namespace lethe {

struct FreeBlock {
  void operator()(char* block) const {
#if defined(_WIN32)
    _aligned_free(block);
#else
    std::free(block);
#endif
  }
};

using AllocatedBlock = std::unique_ptr<char, FreeBlock>;

inline AllocatedBlock allocate_block(int64_t bytes) {
  // Large blocks on huge pages: a pass walks through all of it, and a page of 4 KB holds a single
  // row of weights of a large network.
  const size_t alignment = bytes >= (2 << 20) ? (2 << 20) : 64;
  const size_t size = (static_cast<size_t>(bytes) + alignment - 1) / alignment * alignment;
#if defined(_WIN32)
  AllocatedBlock block(static_cast<char*>(_aligned_malloc(size, alignment)));
#else
  AllocatedBlock block(static_cast<char*>(std::aligned_alloc(alignment, size)));
#endif
  if (!block) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment > 64) madvise(block.get(), size, MADV_HUGEPAGE);
#endif
  std::memset(block.get(), 0, size);
  return block;
}

}  // namespace lethe
