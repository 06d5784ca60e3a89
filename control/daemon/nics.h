// SPDX-License-Identifier: MIT
//
// The attached NICs: which hook each gets and why, and that it stays so (design.md, rule 6: fail
// closed).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/event_hub.h"
#include "api/service.h"
#include "datapath/bpf_datapath.h"
#include "datapath/nic_attachment.h"
#include "net/ethtool.h"
#include "net/netlink.h"

namespace wg {

class Nics {
  public:
    using IsOwnTunnel = std::function<bool(std::uint32_t ifindex)>;

    Nics(BpfDatapath &maps,
         NicAttachment &attachment,
         Netlink &netlink,
         Ethtool &ethtool,
         EventHub &events,
         IsOwnTunnel is_own_tunnel);

    Result<> attach(const std::string &name, AttachMode mode);
    Result<> detach(const std::string &name);
    /// A tunnel's packets come or go by this interface: attached, unless somebody has detached it
    /// or it cannot be.
    void use(std::uint32_t ifindex);
    /// No tunnel is left: what was attached unasked goes.
    void release();
    std::vector<NicStatus> list() const;
    bool empty() const { return nics_.empty(); }

    /// Takes over what an earlier daemon attached.
    void adopt();
    /// Programs that were loaded anew take the place of the old ones, without a gap.
    void reattach();
    /// The link, its master or its filters may have changed: what no longer holds is taken down,
    /// then made anew.
    void check(std::uint32_t ifindex);
    void check_all();

  private:
    struct Nic {
        std::string name;
        AttachMode mode = AttachMode::tc; ///< native or tc
        AttachMode wanted = AttachMode::automatic;
        std::string reason;
        bool unasked = false;
        bool gro_was_on = true; ///< before it was attached
    };

    /// Empty: native XDP is possible as far as one can know before trying.
    Result<std::string> why_not_native(const Link &link);
    Result<> attach_link(const Link &link, AttachMode wanted, bool unasked);
    /// What was asked for has failed, and the old programs are taken down.
    void keep_by_tc(const Link &link, wg_nic element);
    /// Attaches again what has come back.
    void check_missing();
    void lost(std::uint32_t ifindex, const Nic &nic);
    /// By the mode that is wanted and possible, which is written to `nic` with the reason.
    Result<> hook(const Link &link, Nic &nic);
    Result<> take_down(std::uint32_t ifindex, const std::string &name);
    bool is_another(const Link &link, const wg_nic &nic) const;
    Result<> replace_programs(std::uint32_t ifindex, AttachMode mode);
    void unhook(std::uint32_t ifindex, AttachMode mode);
    wg_nic to_element(const Link &link, const Nic &nic);
    Result<> record(const Link &link, const Nic &nic);

    BpfDatapath &maps_;
    NicAttachment &attachment_;
    Netlink &netlink_;
    Ethtool &ethtool_;
    EventHub &events_;
    IsOwnTunnel is_own_tunnel_;
    std::map<std::uint32_t, Nic> nics_;
    std::map<std::string, Nic> missing_; ///< gone with their interface
    std::set<std::string> declined_;     ///< not to be attached at all
    std::set<std::string> detached_;     ///< on request: no tunnel may attach them
};

} // namespace wg
