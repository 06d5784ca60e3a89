// SPDX-License-Identifier: MIT
#include "device/index_table.h"

namespace wg {

std::uint32_t IndexTable::insert_handshake(PeerId peer)
{
    for (;;) {
        const std::uint32_t index = random_.u32();
        if (entries_.try_emplace(index, Entry{.peer = peer, .is_keypair = false}).second)
            return index;
    }
}

void IndexTable::hand_to_keypair(std::uint32_t index)
{
    if (auto entry = entries_.find(index); entry != entries_.end())
        entry->second.is_keypair = true;
}

bool IndexTable::insert_keypair(std::uint32_t index, PeerId peer)
{
    return entries_.try_emplace(index, Entry{.peer = peer, .is_keypair = true}).second;
}

std::optional<PeerId> IndexTable::find_handshake(std::uint32_t index) const
{
    auto entry = entries_.find(index);
    if (entry == entries_.end() || entry->second.is_keypair)
        return std::nullopt;
    return entry->second.peer;
}

std::optional<PeerId> IndexTable::find(std::uint32_t index) const
{
    auto entry = entries_.find(index);
    if (entry == entries_.end())
        return std::nullopt;
    return entry->second.peer;
}

} // namespace wg
