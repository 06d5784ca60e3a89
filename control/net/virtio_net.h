// SPDX-License-Identifier: MIT
//
// What a virtio NIC and its host have agreed upon (virtio 1.2, section 5.1.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wg {

/// The features of the device at a place on the bus (Driver::bus), as sysfs shows them: a '1' or
/// '0' each, feature 0 first.
std::optional<std::string> virtio_features(const std::string &bus);

/// Whether the driver receives into buffers of several pages that do not merge. It takes a native
/// XDP program then, and never runs it. largest_mtu: of the interface.
bool virtio_receives_big_packets(std::string_view features, std::uint32_t largest_mtu);

} // namespace wg
