// SPDX-License-Identifier: MIT
//
// Loads the BPF programs over one set of maps: those an earlier daemon pinned, or new ones, which
// it pins. Traffic goes on with the pinned state when this process dies.
#pragma once

#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <wgxdp/abi.h>

#include "base/fd.h"
#include "base/random.h"
#include "base/result.h"
#include "datapath/bpf_objects.h"

struct bpf_map;
struct bpf_object;

namespace wg {

class BpfPrograms {
  public:
    /// `pins`: a directory in a BPF file system. An error names the program and ends with the
    /// verifier's last words.
    static Result<BpfPrograms> load(const std::string &pins, Random &random);
    /// Loads them anew, with cipher slots and rings for jumbo packets. Maps stay as they are but
    /// `inline_slots`, `ring_slots` and `config`, which nobody may be using; attaching the new
    /// programs is the caller's. After an error all is as before.
    Result<> load_jumbo();

    BpfPrograms(BpfPrograms &&) = default;
    BpfPrograms &operator=(BpfPrograms &&) = default;

    bool adopted() const { return adopted_; } ///< the maps were there already
    int map(const std::string &name) const;   ///< aborts on a name that no program has
    int program(const std::string &name) const;
    const std::map<std::string, int> &programs() const { return programs_; }
    const std::string &pins() const { return pins_; }
    wg_payload max_payload() const { return config_.max_payload; }

  private:
    struct Close {
        void operator()(bpf_object *object) const;
    };
    using Object = std::unique_ptr<bpf_object, Close>;

    BpfPrograms() = default;
    Result<> open_pins();
    Result<> load_objects();
    Result<> load_object(const BpfObject &from);
    Result<> fill_settings(bpf_map *map);
    Result<> keep_maps(bpf_object *object);
    Result<> pin_maps();

    std::string pins_;
    bool adopted_ = false;
    wg_config config_{};
    std::map<std::string, Fd> maps_;
    std::set<std::string> unpinned_; ///< of them, new ones
    std::map<std::string, int> programs_;
    std::vector<Object> objects_;
};

/// The error's code when the pins are of another ABI version.
constexpr int OTHER_ABI = ESTALE;
/// Could what is pinned there, if anything is, be adopted?
Result<> check_pins(const std::string &pins);
/// Removes every pin in the directory and the directory itself: what is nowhere attached is freed.
void remove_pins(const std::string &pins);

} // namespace wg
