// SPDX-License-Identifier: MIT
#include "daemon/peer_file.h"

#include <cstdio>
#include <fstream>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/log.h"

namespace wg {
namespace {

using Json = nlohmann::json;

PeerNotes notes_from(const Json &file)
{
    PeerNotes notes;
    for (const auto &[tunnel, peers] : file.items())
        for (const auto &[text, peer] : peers.items())
            if (const auto key = parse_public_key_base64(text))
                notes[tunnel][*key] = {peer.at("name"), peer.at("endpoints")};
    return notes;
}

Json json_of(const PeerNotes &notes)
{
    Json file = Json::object();
    for (const auto &[tunnel, peers] : notes)
        for (const auto &[key, note] : peers)
            file[tunnel][to_base64(key)] = {{"name", note.name}, {"endpoints", note.places}};
    return file;
}

} // namespace

PeerNotes load_peer_file(const std::string &path)
{
    std::ifstream file(path);
    if (!file)
        return {};
    try {
        return notes_from(Json::parse(file));
    } catch (const Json::exception &error) {
        log::warn("{}: names and endpoints of peers are lost: {}", path, error.what());
        return {};
    }
}

Result<> save_peer_file(const std::string &path, const PeerNotes &notes)
{
    const Json json = json_of(notes);
    if (json.empty()) {
        ::unlink(path.c_str());
        return {};
    }
    const std::string fresh = path + ".new";
    const Fd made(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    std::ofstream file(fresh);
    file << json.dump() << '\n';
    file.close();
    if (!file || ::rename(fresh.c_str(), path.c_str()) != 0)
        return system_failure(errno, "{}", path);
    return {};
}

} // namespace wg
