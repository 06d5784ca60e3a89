// SPDX-License-Identifier: MIT
//
// The elements of an mmapable BPF array, shared with the programs.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "base/result.h"

namespace wg {

template <typename T>
class SharedArray {
  public:
    SharedArray() = default;
    static Result<SharedArray> of(int fd, std::size_t elements, const std::string &name)
    {
        void *memory =
            ::mmap(nullptr, sizeof(T) * elements, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            return system_failure(errno, "map {}: mmap", name);
        return SharedArray(static_cast<T *>(memory), elements);
    }

    SharedArray(SharedArray &&other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), elements_(other.elements_)
    {
    }
    SharedArray &operator=(SharedArray &&other) noexcept
    {
        std::swap(memory_, other.memory_);
        std::swap(elements_, other.elements_);
        return *this;
    }
    SharedArray(const SharedArray &) = delete;
    SharedArray &operator=(const SharedArray &) = delete;
    ~SharedArray()
    {
        if (memory_ != nullptr)
            ::munmap(memory_, sizeof(T) * elements_);
    }

    T &operator[](std::size_t element) const { return memory_[element]; }
    std::size_t size() const { return elements_; }

  private:
    SharedArray(T *memory, std::size_t elements) : memory_(memory), elements_(elements) {}

    T *memory_ = nullptr;
    std::size_t elements_ = 0;
};

} // namespace wg
