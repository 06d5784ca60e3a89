// SPDX-License-Identifier: MIT
//
// What each command does: find or start the daemon, ask it, print what it says.
#pragma once

#include <optional>
#include <string>

#include "tools/client.h"
#include "tools/environment.h"
#include "tools/quick.h"
#include "tools/rates.h"

namespace wg {

struct PeerOptions {
    std::string tunnel;
    std::string public_key;
    std::optional<std::string> name;
    std::vector<std::string> endpoints; ///< lists of them, as in a file
    std::optional<std::string> allowed_ips;
    std::optional<std::string> preshared_key_file;
    std::optional<std::string> persistent_keepalive;
    std::optional<std::string> rate_limit;
    std::optional<std::string> quota;
    std::optional<std::string> quota_used;
};

struct ShowOptions {
    std::optional<std::string> tunnel; ///< "all" and "interfaces" are wg(8)'s words
    std::optional<std::string> field;
    bool show_keys = false;
};

class Commands {
  public:
    Commands(Environment &environment, std::string instance)
        : environment_(environment), instance_(std::move(instance))
    {
    }

    Result<> attach(const std::string &nic, const std::string &mode);
    Result<> detach(const std::string &nic);
    Result<> up(const std::string &config);
    Result<> down(const std::string &tunnel);
    Result<> reload(const std::string &config);
    Result<> save(const std::string &config);
    /// What `wireguard-go INTERFACE` does: an interface and its socket for wg(8), nothing else.
    Result<> make_bare(const std::string &interface);
    Result<> show(const ShowOptions &options, bool json);
    Result<> add_peer(const PeerOptions &options);
    /// `peer`: its public key, or its name.
    Result<> remove_peer(const std::string &tunnel, const std::string &peer);
    Result<> drops(bool json);
    /// What may stand for a word that cli.cpp's grammar calls this; nothing where nobody knows.
    std::vector<std::string> values_of(const std::string &kind, const std::string &tunnel);
    Result<> doctor(bool json);
    Result<> top(const std::optional<std::string> &tunnel, bool json);

  private:
    Result<> show_names(bool json);
    Result<Snapshot> look(const Json &filter);
    std::filesystem::path socket() const;
    Result<Client> running_daemon();
    Result<Client> started_daemon();
    Result<> require_own_netns(Client &client) const;
    Result<Client> own_daemon(Result<Client> (Commands::*find_daemon)());
    Quick quick(QuickFile file, Result<Client> (Commands::*find_daemon)());

    Environment &environment_;
    std::string instance_;
};

/// The letters that may stand in a socket's and a directory's name.
Result<std::string> parse_instance(std::string_view text);

} // namespace wg
