// SPDX-License-Identifier: MIT
#include "tools/quick_save.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

namespace wg {
namespace {

class ConfigText {
  public:
    template <typename T>
    void line(std::string_view key, const T &value)
    {
        fmt::format_to(std::back_inserter(text_), "{} = {}\n", key, value);
    }
    void lines(std::string_view key, const std::vector<std::string> &values)
    {
        for (const auto &value : values)
            line(key, value);
    }
    void section(std::string_view name)
    {
        fmt::format_to(std::back_inserter(text_), "{}[{}]\n", text_.empty() ? "" : "\n", name);
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void add_peer(ConfigText &text, const Json &peer)
{
    text.section("Peer");
    text.line("PublicKey", peer.at("public_key").get<std::string>());
    if (peer.contains("name"))
        text.line("Name", peer.at("name").get<std::string>());
    if (peer.contains("preshared_key"))
        text.line("PresharedKey", peer.at("preshared_key").get<std::string>());
    const auto allowed_ips = peer.at("allowed_ips").get<std::vector<std::string>>();
    if (!allowed_ips.empty())
        text.line("AllowedIPs", fmt::format("{}", fmt::join(allowed_ips, ", ")));
    if (peer.contains("endpoints"))
        text.line("Endpoint",
                  fmt::format(
                      "{}", fmt::join(peer.at("endpoints").get<std::vector<std::string>>(), ", ")));
    else if (!peer.at("endpoint").is_null())
        text.line("Endpoint", peer.at("endpoint").get<std::string>());
    if (const auto seconds = peer.at("persistent_keepalive").get<unsigned>(); seconds != 0)
        text.line("PersistentKeepalive", seconds);
    if (const auto rate = peer.at("rate_limit").get<std::uint64_t>(); rate != 0)
        text.line("RateLimit", rate);
    if (const auto quota = peer.at("quota").get<std::uint64_t>(); quota != 0)
        text.line("Quota", quota);
}

/* Writes all of the text, and to the disk: a file that is cut short has lost a key. */
Result<> write_file(const Fd &file, const std::string &path, std::string_view text)
{
    while (!text.empty()) {
        const auto size = write(file.get(), text.data(), text.size());
        if (size < 0)
            return system_failure(errno, "{}", path);
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    if (fsync(file.get()) != 0)
        return system_failure(errno, "{}", path);
    return {};
}

} // namespace

std::string saved_text(const Json &tunnel,
                       const std::vector<InterfaceAddress> &addresses,
                       const ConfigFile &config)
{
    ConfigText text;
    text.section("Interface");
    for (const InterfaceAddress &address : addresses)
        text.line("Address", address.text());
    text.lines("DNS", config.dns);
    text.lines("DNS", config.dns_search);
    if (config.mtu)
        text.line("MTU", tunnel.at("mtu").get<unsigned>());
    if (!config.table.empty())
        text.line("Table", config.table);
    if (config.save_config)
        text.line("SaveConfig", true);
    text.lines("PreUp", config.pre_up);
    text.lines("PostUp", config.post_up);
    text.lines("PreDown", config.pre_down);
    text.lines("PostDown", config.post_down);
    if (!config.attach)
        text.line("Attach", "no");
    text.line("ListenPort", tunnel.at("listen_port").get<unsigned>());
    if (const auto fwmark = tunnel.at("fwmark").get<std::uint32_t>(); fwmark != 0)
        text.line("FwMark", fmt::format("{:#x}", fwmark));
    if (tunnel.contains("private_key"))
        text.line("PrivateKey", tunnel.at("private_key").get<std::string>());
    for (const Json &peer : tunnel.at("peers"))
        add_peer(text, peer);
    return text.take();
}

Result<> replace_file(const std::filesystem::path &path, const std::string &text)
{
    std::error_code error;
    const auto target = std::filesystem::canonical(path, error); // a link stays one
    if (error)
        return system_failure(error.value(), "{}", path.native());
    std::string temporary = target.native() + ".XXXXXX";
    const Fd file(mkostemp(temporary.data(), O_CLOEXEC)); // new, and its owner's only
    if (!file)
        return system_failure(errno, "{}", temporary);
    auto written = write_file(file, temporary, text);
    if (written && std::rename(temporary.c_str(), target.c_str()) != 0)
        written = system_failure(errno, "{}", target.native());
    if (!written)
        std::filesystem::remove(temporary, error);
    return written;
}

} // namespace wg
