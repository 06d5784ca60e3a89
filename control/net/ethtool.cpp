// SPDX-License-Identifier: MIT
#include "net/ethtool.h"

#include <cstring>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/bytes.h"

namespace wg {
namespace {

/// A linux/ethtool.h struct and the array that follows it.
template <typename Header, typename Element>
class Command {
  public:
    Command(std::uint32_t command, std::size_t count)
        : bytes_(sizeof(Header) + count * sizeof(Element))
    {
        header().cmd = command;
    }
    Header &header() { return *reinterpret_cast<Header *>(bytes_.data()); }
    Element *elements() { return reinterpret_cast<Element *>(bytes_.data() + sizeof(Header)); }

  private:
    Buffer bytes_; // allocated, so aligned for both
};

constexpr std::size_t FEATURES_A_BLOCK = 32;
std::size_t blocks_for(std::size_t features)
{
    return (features + FEATURES_A_BLOCK - 1) / FEATURES_A_BLOCK;
}
std::uint32_t bit_of(std::size_t feature)
{
    return 1U << (feature % FEATURES_A_BLOCK);
}

} // namespace

Result<Ethtool> Ethtool::open()
{
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket)
        return system_failure(errno, "ethtool: open a socket");
    return Ethtool(std::move(socket));
}

Result<> Ethtool::call(const std::string &interface, void *command, std::string_view what)
{
    ifreq request{};
    if (interface.size() >= sizeof(request.ifr_name))
        return failure(ENODEV, "interface {}: {}: the name is too long", interface, what);
    std::memcpy(request.ifr_name, interface.c_str(), interface.size() + 1);
    request.ifr_data = static_cast<char *>(command);
    if (ioctl(socket_.get(), SIOCETHTOOL, &request) < 0)
        return system_failure(errno, "interface {}: {}", interface, what);
    return {};
}

Result<std::vector<std::string>> Ethtool::feature_names(const std::string &interface)
{
    Command<ethtool_sset_info, std::uint32_t> info(ETHTOOL_GSSET_INFO, 1);
    info.header().sset_mask = 1ULL << ETH_SS_FEATURES;
    WG_TRY(call(interface, &info.header(), "count its features"));
    std::size_t count = info.elements()[0];

    using Name = std::array<char, ETH_GSTRING_LEN>;
    Command<ethtool_gstrings, Name> strings(ETHTOOL_GSTRINGS, count);
    strings.header().string_set = ETH_SS_FEATURES;
    strings.header().len = static_cast<std::uint32_t>(count);
    WG_TRY(call(interface, &strings.header(), "name its features"));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        const Name &name = strings.elements()[i];
        names.emplace_back(name.data(), strnlen(name.data(), name.size()));
    }
    return names;
}

Result<std::map<std::string, Feature>> Ethtool::features(const std::string &interface)
{
    auto names = WG_TRY(feature_names(interface));
    Command<ethtool_gfeatures, ethtool_get_features_block> answer(ETHTOOL_GFEATURES,
                                                                  blocks_for(names.size()));
    answer.header().size = static_cast<std::uint32_t>(blocks_for(names.size()));
    WG_TRY(call(interface, &answer.header(), "read its features"));

    std::map<std::string, Feature> features;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto &block = answer.elements()[i / FEATURES_A_BLOCK];
        bool fixed = (block.never_changed & bit_of(i)) != 0;
        features[names[i]] = {.active = (block.active & bit_of(i)) != 0,
                              .requested = (block.requested & bit_of(i)) != 0,
                              .changeable = !fixed && (block.available & bit_of(i)) != 0};
    }
    return features;
}

Result<> Ethtool::request(const std::string &interface, const std::map<std::string, bool> &wanted)
{
    auto names = WG_TRY(feature_names(interface));
    Command<ethtool_sfeatures, ethtool_set_features_block> order(ETHTOOL_SFEATURES,
                                                                 blocks_for(names.size()));
    order.header().size = static_cast<std::uint32_t>(blocks_for(names.size()));
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto want = wanted.find(names[i]);
        if (want == wanted.end())
            continue;
        auto &block = order.elements()[i / FEATURES_A_BLOCK];
        block.valid |= bit_of(i);
        if (want->second)
            block.requested |= bit_of(i);
    }
    WG_TRY(call(interface, &order.header(), "change its features"));

    // The driver may have wishes of its own: only what is there now counts.
    auto now = WG_TRY(features(interface));
    for (const auto &[name, on] : wanted) {
        if (now[name].active != on)
            return failure(EOPNOTSUPP, "interface {}: {} cannot be switched {}", interface, name,
                           on ? "on" : "off");
    }
    return {};
}

Result<> Ethtool::switch_off(const std::string &interface,
                             const std::function<bool(std::string_view)> &unwanted)
{
    std::map<std::string, bool> wanted;
    for (const auto &[name, feature] : WG_TRY(features(interface))) {
        if (feature.changeable && unwanted(name))
            wanted[name] = false;
    }
    return request(interface, wanted);
}

Result<bool> Ethtool::gro(const std::string &interface)
{
    return WG_TRY(features(interface))["rx-gro"].active;
}

Result<> Ethtool::set_gro(const std::string &interface, bool on)
{
    return request(interface, {{"rx-gro", on}});
}

Result<Driver> Ethtool::driver(const std::string &interface)
{
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    WG_TRY(call(interface, &info, "name its driver"));
    return Driver{std::string(info.driver, strnlen(info.driver, sizeof(info.driver))),
                  std::string(info.bus_info, strnlen(info.bus_info, sizeof(info.bus_info)))};
}

} // namespace wg
