// SPDX-License-Identifier: MIT
//
// A map of private or preshared keys. A key that is replaced or erased is overwritten where it
// lies.
#pragma once

#include <sodium.h>

#include <wgxdp/abi.h>

#include "base/log.h"
#include "base/secret.h"
#include "datapath/bpf_map.h"

namespace wg {

class SecretKeys {
  public:
    using Map = BpfMap<std::uint32_t, wg_secret_key>;

    static Result<SecretKeys> of(int fd, const std::string &name)
    {
        SecretKeys keys;
        keys.map_ = WG_TRY(Map::of(fd, name));
        return keys;
    }

    Result<> put(std::uint32_t owner, const Key &key)
    {
        wg_secret_key element{};
        std::memcpy(element.key, key.bytes().data(), sizeof(element.key));
        auto stored = map_.overwrite_or_insert(owner, element);
        sodium_memzero(&element, sizeof(element));
        return stored;
    }

    std::optional<Key> find(std::uint32_t owner) const
    {
        auto element = map_.find(owner);
        if (!element)
            return {};
        Key key(element->key);
        sodium_memzero(&*element, sizeof(*element));
        return key;
    }

    void erase(std::uint32_t owner)
    {
        if (const auto wiped = map_.wipe(owner); !wiped)
            log::error("key of {}: not wiped: {}", owner, wiped.error().what);
        map_.erase(owner);
    }

    std::vector<std::uint32_t> owners() const { return map_.keys(); }

  private:
    Map map_;
};

} // namespace wg
