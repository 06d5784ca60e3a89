// SPDX-License-Identifier: MIT
//
// wg-quick's firewall beside a default route, by nft(8): nobody outside the tunnel reaches the
// interface's addresses, and what answers the tunnel's own packets gets their mark.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "tools/programs.h"

namespace wg {

class QuickFirewall {
  public:
    QuickFirewall(Programs &programs, const std::string &interface)
        : programs_(programs), interface_(interface), table_("wg-quick-" + interface)
    {
    }

    /// Makes one family's rules, in place of earlier ones.
    Result<> set(bool v6, std::uint32_t mark, const std::vector<InterfaceAddress> &addresses);
    Result<> remove(bool v6);
    Result<> remove_all();

  private:
    Result<> remove_tables(const std::vector<std::string> &families);

    Programs &programs_;
    std::string interface_;
    std::string table_;
};

} // namespace wg
