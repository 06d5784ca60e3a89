// SPDX-License-Identifier: MIT
//
// wg-quick(8)'s work, step by step: `up`, `down`, `save`, and `reload`, which it does not have.
// What is WireGuard's is the daemon's; the rest is done by the programs that wg-quick uses, each
// said.
#pragma once

#include <functional>
#include <optional>

#include "tools/client.h"
#include "tools/quick_file.h"
#include "tools/quick_firewall.h"
#include "tools/quick_network.h"
#include "tools/quick_routes.h"

namespace wg {

class Quick {
  public:
    /// `connect`: to the daemon of this network namespace.
    Quick(Environment &environment, QuickFile file, std::function<Result<Client>()> connect);

    /// Whole or not at all.
    Result<> up();
    Result<> down();
    Result<> save();
    /// Makes a running tunnel what its file says now. Sessions and counters of peers that stay are
    /// not touched. Hooks are not run.
    Result<> reload();

  private:
    struct Difference;
    using Undo = std::vector<std::function<Result<>()>>;

    Result<> make();
    void undo();
    Result<Json> present_tunnel(); ///< as the daemon tells it, secrets included
    Result<> require_here(const Json &tunnel) const;
    /// `key`: whose values they are.
    Result<> run_hooks(std::string_view key, const std::vector<std::string> &hooks);
    /// Asks for what the file says.
    Result<> ask(const char *method, const Json &params);
    Result<> add_address(const InterfaceAddress &address);
    Result<> set_file_dns();
    std::uint32_t mtu_for(const Json &peers, std::uint32_t mark) const;
    Result<> add_route(const Route &route);
    Result<> add_policy(bool v6);
    Result<> take_away(bool has_default_route, bool has_dns);
    Result<> remove_tunnel();
    Result<> remove_rules(bool has_default_route);
    Result<> save_as(const Json &tunnel);
    std::uint32_t wanted_mark(std::uint32_t present) const;
    bool has_policy(bool v6, std::uint32_t mark) const;
    Difference compare(const Json &tunnel) const;
    Result<> apply(const Difference &difference, const Json &tunnel, const Json &peers, Undo &undo);
    Result<> apply_to_device(const Json &tunnel, const Json &peers, Undo &undo);
    Result<> apply_for_good(const Json &tunnel, const Json &peers);
    Result<> remove_rest(const Difference &difference, std::uint32_t old_mark);
    Result<> remove_addresses(const Difference &difference);

    Environment &environment_;
    QuickFile file_;
    std::function<Result<Client>()> connect_;
    QuickNetwork network_;
    QuickFirewall firewall_;
    std::optional<Client> client_;
    std::uint32_t mark_ = 0; ///< the tunnel's, and the number of a default route's table
    bool is_made_ = false;
    bool has_set_dns_ = false;
};

} // namespace wg
