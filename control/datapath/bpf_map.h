// SPDX-License-Identifier: MIT
//
// A BPF map with its types: sizes are compared with the kernel's once, when it is opened.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/result.h"

namespace wg {

template <typename Key, typename Value>
class BpfMap {
  public:
    BpfMap() = default;

    /// Borrows the descriptor, which the loader keeps open.
    static Result<BpfMap> of(int fd, const std::string &name)
    {
        bpf_map_info info{};
        __u32 size = sizeof(info);
        if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
            return system_failure(errno, "map {}", name);
        if (info.key_size != sizeof(Key) || info.value_size != sizeof(Value))
            return failure(EPROTO,
                           "map {}: expected keys of {} and values of {} bytes, found {} and {}",
                           name, sizeof(Key), sizeof(Value), info.key_size, info.value_size);
        return BpfMap(fd, name);
    }

    int fd() const { return fd_; }

    Result<> insert(const Key &key, const Value &value) { return update(key, value, BPF_NOEXIST); }
    Result<> put(const Key &key, const Value &value) { return update(key, value, BPF_ANY); }
    /// Overwrites in place, under the element's spin lock.
    Result<> overwrite(const Key &key, const Value &value)
    {
        return update(key, value, BPF_EXIST | BPF_F_LOCK);
    }
    /// The same, or inserts it.
    Result<> overwrite_or_insert(const Key &key, const Value &value)
    {
        auto stored = overwrite(key, value);
        if (!stored && stored.error().code.value() == ENOENT)
            return insert(key, value);
        return stored;
    }
    /// Overwrites with zeros what is there, if it is: the kernel frees an element without looking
    /// at it.
    Result<> wipe(const Key &key)
    {
        auto wiped = overwrite(key, {});
        if (!wiped && wiped.error().code.value() == ENOENT)
            return {};
        return wiped;
    }

    /// flags: BPF_F_LOCK for a consistent copy of an element with a spin lock.
    std::optional<Value> find(const Key &key, std::uint64_t flags = 0) const
    {
        Value value{};
        if (bpf_map_lookup_elem_flags(fd_, &key, &value, flags) != 0)
            return {};
        return value;
    }

    void erase(const Key &key) { bpf_map_delete_elem(fd_, &key); }

    std::vector<Key> keys() const
    {
        std::vector<Key> found;
        Key key{}, next{};
        for (const void *from = nullptr; bpf_map_get_next_key(fd_, from, &next) == 0; from = &key) {
            found.push_back(next);
            key = next;
        }
        return found;
    }

  private:
    BpfMap(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

    Result<> update(const Key &key, const Value &value, std::uint64_t flags)
    {
        if (bpf_map_update_elem(fd_, &key, &value, flags) != 0)
            return system_failure(errno, "map {}", name_);
        return {};
    }

    int fd_ = -1;
    std::string name_;
};

} // namespace wg
