// SPDX-License-Identifier: MIT
//
// A NIC's offloads and driver, by the names that ethtool(8) shows (ETHTOOL_GFEATURES and its kin),
// in the network namespace in which the object was opened.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wg {

struct Feature {
    bool active = false;
    bool requested = false;  ///< comes back as soon as what it depends on is there
    bool changeable = false; ///< false: ethtool says [fixed]
};

struct Driver {
    std::string name;
    std::string bus; ///< the device's place, as "0000:00:03.0"; empty where there is none
};

class Ethtool {
  public:
    static Result<Ethtool> open();

    /// "rx-gro", "tx-tcp-segmentation", ... of an interface.
    Result<std::map<std::string, Feature>> features(const std::string &interface);
    /// Switches off every changeable feature of which `unwanted(name)` holds, and sees that they
    /// are off.
    Result<> switch_off(const std::string &interface,
                        const std::function<bool(std::string_view name)> &unwanted);

    Result<bool> gro(const std::string &interface);
    Result<> set_gro(const std::string &interface, bool on);

    Result<Driver> driver(const std::string &interface);

  private:
    explicit Ethtool(Fd socket) : socket_(std::move(socket)) {}
    /// SIOCETHTOOL; `command` is one of linux/ethtool.h's structs.
    Result<> call(const std::string &interface, void *command, std::string_view what);
    Result<std::vector<std::string>> feature_names(const std::string &interface);
    Result<> request(const std::string &interface, const std::map<std::string, bool> &wanted);

    Fd socket_;
};

} // namespace wg
