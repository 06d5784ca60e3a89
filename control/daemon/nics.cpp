// SPDX-License-Identifier: MIT
#include "daemon/nics.h"

#include <net/if.h>
#include <net/if_arp.h>

#include "base/log.h"
#include "net/native_xdp.h"

namespace wg {

namespace {

constexpr const char *ASKED_FOR = "asked for";

wg_nic_mode to_abi(AttachMode mode)
{
    switch (mode) {
    case AttachMode::native:
        return WG_NIC_NATIVE;
    case AttachMode::tc:
        return WG_NIC_TC;
    case AttachMode::automatic:
        break;
    }
    return WG_NIC_AUTO;
}

AttachMode from_abi(wg_nic_mode mode)
{
    if (mode == WG_NIC_NATIVE)
        return AttachMode::native;
    return mode == WG_NIC_TC ? AttachMode::tc : AttachMode::automatic;
}

tl::unexpected<Error> refuse_native(const Link &link, const std::string &reason)
{
    return failure(EOPNOTSUPP, "mode: {} cannot be attached natively: {}; expected auto or tc",
                   link.name, reason);
}

} // namespace

Nics::Nics(BpfDatapath &maps,
           NicAttachment &attachment,
           Netlink &netlink,
           Ethtool &ethtool,
           EventHub &events,
           IsOwnTunnel is_own_tunnel)
    : maps_(maps), attachment_(attachment), netlink_(netlink), ethtool_(ethtool), events_(events),
      is_own_tunnel_(std::move(is_own_tunnel))
{
}

Result<> Nics::attach(const std::string &name, AttachMode mode)
{
    auto link = netlink_.link_by_name(name);
    if (!link)
        return failure(ENODEV, "name: there is no interface {}", name);
    if (is_own_tunnel_(link->ifindex))
        return failure(EINVAL, "name: {} is a tunnel, expected the NIC that its packets arrive on",
                       name);
    if (link->arp_type != ARPHRD_ETHER && link->arp_type != ARPHRD_LOOPBACK)
        return failure(EINVAL,
                       "name: {} is no Ethernet interface; tunnels work over it without being "
                       "attached, more slowly",
                       name);
    WG_TRY(attach_link(*link, mode, false));
    detached_.erase(link->name);
    return {};
}

void Nics::use(std::uint32_t ifindex)
{
    if (nics_.contains(ifindex) || is_own_tunnel_(ifindex))
        return;
    const auto link = netlink_.link_by_index(ifindex);
    if (!link || link->arp_type != ARPHRD_ETHER || declined_.contains(link->name) ||
        detached_.contains(link->name))
        return;
    if (const auto attached = attach_link(*link, AttachMode::automatic, true); !attached) {
        log::warn("{}: not attached: {}", link->name, attached.error().what);
        declined_.insert(link->name);
    }
}

void Nics::release()
{
    std::map<std::uint32_t, std::string> unasked;
    for (const auto &[ifindex, nic] : nics_)
        if (nic.unasked)
            unasked.emplace(ifindex, nic.name);
    for (const auto &[ifindex, name] : unasked)
        if (const auto taken = take_down(ifindex, name); !taken)
            log::error("{}: {}", name, taken.error().what);
    std::erase_if(missing_, [](const auto &entry) { return entry.second.unasked; });
    declined_.clear();
}

/* What can be known beforehand is refused before anything is taken down. */
Result<> Nics::attach_link(const Link &link, AttachMode wanted, bool unasked)
{
    const auto reason = WG_TRY(why_not_native(link));
    if (wanted == AttachMode::native && !reason.empty())
        return refuse_native(link, reason);
    const auto known = maps_.nic(link.ifindex);
    Nic nic{link.name, AttachMode::tc,
            wanted,    reason,
            unasked,   known ? known->gro_was_on != 0 : ethtool_.gro(link.name).value_or(true)};
    if (known)
        unhook(link.ifindex, from_abi(known->mode));
    if (auto hooked = hook(link, nic); !hooked) {
        if (known)
            keep_by_tc(link, *known);
        else
            maps_.erase_nic(link.ifindex);
        return hooked;
    }
    if (const auto gro = ethtool_.set_gro(link.name, true); !gro)
        log::warn("{}: GRO stays off: {}", link.name, gro.error().what);
    log::info("{}: attached, {}{}{}", link.name, nic.mode == AttachMode::native ? "native" : "tc",
              nic.reason.empty() ? "" : ": ", nic.reason);
    events_.nic_attached({nic.name, nic.mode, nic.reason});
    nics_.insert_or_assign(link.ifindex, std::move(nic));
    missing_.erase(link.name);
    return {};
}

void Nics::keep_by_tc(const Link &link, wg_nic element)
{
    element.mode = WG_NIC_TC;
    if (const auto found = nics_.find(link.ifindex); found != nics_.end())
        found->second.mode = AttachMode::tc;
    const auto attached = attachment_.attach_tc(link.ifindex, "wg_rx_tc");
    if (!attached || !maps_.put_nic(link.ifindex, element))
        log::error("{}: not attached any more", link.name);
}

Result<std::string> Nics::why_not_native(const Link &link)
{
    auto reason = WG_TRY(wg::why_not_native(netlink_, ethtool_, link));
    if (reason.empty() && link.has_xdp && !attachment_.has_link(link.ifindex))
        return std::string("another XDP program is attached to it");
    return reason;
}

Result<> Nics::hook(const Link &link, Nic &nic)
{
    if (nic.wanted == AttachMode::tc)
        nic.reason = ASKED_FOR;
    else if (nic.reason.empty()) {
        // before the first packet can come in: is_for_nic looks the MAC up
        nic.mode = AttachMode::native;
        WG_TRY(record(link, nic));
        const auto attached = attachment_.attach_native(link.ifindex);
        if (attached)
            return {};
        nic.mode = AttachMode::tc;
        if (nic.wanted == AttachMode::native)
            return refuse_native(link, attached.error().what);
        nic.reason = attached.error().what;
    }
    WG_TRY(attachment_.attach_tc(link.ifindex, "wg_rx_tc"));
    return record(link, nic);
}

void Nics::unhook(std::uint32_t ifindex, AttachMode mode)
{
    if (mode == AttachMode::native)
        attachment_.detach_native(ifindex);
    else
        attachment_.detach_tc(ifindex);
}

wg_nic Nics::to_element(const Link &link, const Nic &nic)
{
    wg_nic element{.receiver = link.ifindex,
                   .mode = to_abi(nic.mode),
                   .wanted = to_abi(nic.wanted),
                   .mac = {},
                   .gro_was_on = nic.gro_was_on,
                   .unasked = nic.unasked,
                   .padding = {}};
    std::ranges::copy(link.mac, element.mac);
    if (link.master != 0)
        if (const auto master = netlink_.link_by_index(link.master);
            master && master->kind != "vrf") // whose ports keep their routes
            element.receiver = link.master;
    return element;
}

Result<> Nics::record(const Link &link, const Nic &nic)
{
    return maps_.put_nic(link.ifindex, to_element(link, nic));
}

Result<> Nics::detach(const std::string &name)
{
    if (missing_.erase(name) > 0) {
        detached_.insert(name);
        return {};
    }
    const auto link = netlink_.link_by_name(name);
    if (!link)
        return failure(ENOENT, "name: {} is not attached", name);
    WG_TRY(take_down(link->ifindex, link->name));
    detached_.insert(link->name);
    return {};
}

Result<> Nics::take_down(std::uint32_t ifindex, const std::string &name)
{
    const auto nic = maps_.nic(ifindex);
    if (!nic)
        return failure(ENOENT, "name: {} is not attached", name);
    unhook(ifindex, from_abi(nic->mode));
    if (nic->gro_was_on == 0)
        if (const auto gro = ethtool_.set_gro(name, false); !gro)
            log::warn("{}: GRO stays on: {}", name, gro.error().what);
    maps_.erase_nic(ifindex);
    nics_.erase(ifindex);
    log::info("{}: detached", name);
    events_.nic_lost(name, "detached");
    return {};
}

std::vector<NicStatus> Nics::list() const
{
    std::vector<NicStatus> all;
    for (const auto &[ifindex, nic] : nics_)
        all.push_back({nic.name, nic.mode, nic.reason, nic.unasked});
    for (const auto &[name, nic] : missing_)
        all.push_back({name, nic.mode, {}, nic.unasked, false});
    return all;
}

/* Pins may outlive the namespace they were made in; then the number is another NIC's now. */
bool Nics::is_another(const Link &link, const wg_nic &nic) const
{
    return std::memcmp(nic.mac, link.mac.data(), link.mac.size()) != 0 &&
           !attachment_.has_filters(link.ifindex);
}

void Nics::adopt()
{
    for (const std::uint32_t ifindex : maps_.nics()) {
        const auto nic = maps_.nic(ifindex);
        const auto link = netlink_.link_by_index(ifindex);
        if (!nic || !link || is_another(*link, *nic)) {
            unhook(ifindex, AttachMode::native); // its pin, if nothing else
            maps_.erase_nic(ifindex);
            continue;
        }
        if (const auto attached = replace_programs(ifindex, from_abi(nic->mode)); !attached) {
            log::error("{}: {}", link->name, attached.error().what);
            continue;
        }
        const auto reason =
            nic->mode == WG_NIC_NATIVE ? Result<std::string>() : why_not_native(*link);
        nics_[ifindex] = {link->name,
                          from_abi(nic->mode),
                          from_abi(nic->wanted),
                          nic->wanted == WG_NIC_TC ? ASKED_FOR : reason.value_or(std::string()),
                          nic->unasked != 0,
                          nic->gro_was_on != 0};
        check(ifindex);
    }
}

Result<> Nics::replace_programs(std::uint32_t ifindex, AttachMode mode)
{
    return mode == AttachMode::native ? attachment_.attach_native(ifindex)
                                      : attachment_.attach_tc(ifindex, "wg_rx_tc");
}

void Nics::reattach()
{
    for (const auto &[ifindex, nic] : nics_)
        if (const auto attached = replace_programs(ifindex, nic.mode); !attached)
            log::error("{}: {}", nic.name, attached.error().what);
}

void Nics::check(std::uint32_t ifindex)
{
    const auto found = nics_.find(ifindex);
    if (found == nics_.end())
        return;
    Nic &nic = found->second;
    const auto link = netlink_.link_by_index(ifindex);
    if (!link && link.error().code.value() != ENODEV) {
        log::warn("{}: {}", nic.name, link.error().what);
        return;
    }
    if (!link) {
        lost(ifindex, nic);
        nics_.erase(found);
        return;
    }
    nic.name = link->name;
    const auto recorded = maps_.nic(ifindex);
    const wg_nic element = to_element(*link, nic);
    if (recorded && std::memcmp(&*recorded, &element, sizeof(element)) != 0)
        if (const auto stored = maps_.put_nic(ifindex, element); !stored)
            log::error("{}: {}", nic.name, stored.error().what);
    const auto reason = why_not_native(*link);
    if (!reason) {
        log::warn("{}: {}", nic.name, reason.error().what);
        return;
    }
    const bool allowed = nic.mode == AttachMode::tc || reason->empty();
    const bool hooked = attachment_.has_filters(ifindex) &&
                        (nic.mode == AttachMode::tc || attachment_.has_link(ifindex));
    if (allowed && hooked)
        return;
    log::warn("{}: {}", nic.name, allowed ? "its programs were removed" : *reason);
    const AttachMode wanted = allowed ? nic.wanted : AttachMode::automatic;
    if (const auto attached = attach_link(*link, wanted, nic.unasked); !attached)
        log::error("{}: {}", link->name, attached.error().what);
}

void Nics::lost(std::uint32_t ifindex, const Nic &nic)
{
    log::warn("{}: gone", nic.name);
    events_.nic_lost(nic.name, "gone");
    unhook(ifindex, nic.mode);
    maps_.erase_nic(ifindex);
    missing_.insert_or_assign(nic.name, nic);
}

void Nics::check_missing()
{
    std::vector<Link> back;
    for (const auto &[name, nic] : missing_)
        if (auto link = netlink_.link_by_name(name))
            back.push_back(*std::move(link));
    for (const Link &link : back) {
        const auto node = missing_.extract(link.name);
        const Nic &nic = node.mapped();
        if (const auto attached = attach_link(link, nic.wanted, nic.unasked); !attached)
            log::warn("{}: came back, not attached: {}", link.name, attached.error().what);
    }
}

void Nics::check_all()
{
    check_missing();
    std::vector<std::uint32_t> all;
    for (const auto &[ifindex, nic] : nics_)
        all.push_back(ifindex);
    for (const std::uint32_t ifindex : all)
        check(ifindex);
}

} // namespace wg
