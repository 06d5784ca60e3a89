// SPDX-License-Identifier: MIT
//
// Where the programs hang: XDP by a pinned link and TC by clsact filters of fixed handle and
// priority, so that they stay when the daemon goes and are replaced, not doubled, when it comes
// back. The clsact qdisc itself is left in place: others may have put filters on it meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "datapath/bpf_programs.h"

namespace wg {

class NicAttachment {
  public:
    /// `instance` gives the filters their handle: two instances never replace each other's.
    NicAttachment(BpfPrograms &programs, std::string_view instance);

    /// Native XDP and wg_deliver. An existing link of ours gets the new program.
    Result<> attach_native(std::uint32_t ifindex);
    /// XDP first: without wg_deliver decrypted packets die, without XDP there are none.
    void detach_native(std::uint32_t ifindex);
    /// wg_rx_tc or wg_deliver, and wg_cookie behind it.
    Result<> attach_tc(std::uint32_t ifindex, const char *program);
    void detach_tc(std::uint32_t ifindex);
    /// wg_tx on wg0x.
    Result<> attach_tunnel(std::uint32_t ifindex);
    /// Is wg_tx there?
    bool has_tunnel_filter(std::uint32_t ifindex) const;
    /// Are both filters there? And our XDP program, if the NIC is in native mode?
    bool has_filters(std::uint32_t ifindex) const;
    bool has_link(std::uint32_t ifindex) const;

  private:
    bool has_filter(std::uint32_t ifindex, std::uint32_t priority) const;
    Result<> attach_filter(std::uint32_t ifindex, std::uint32_t priority, const char *program);
    std::string link_pin(std::uint32_t ifindex) const;

    BpfPrograms &programs_;
    std::uint32_t handle_;
};

} // namespace wg
