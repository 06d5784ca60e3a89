// SPDX-License-Identifier: MIT
//
// A tunnel's name servers: by resolvconf(8), as wg-quick does, or systemd-resolved's resolvectl(1).
#pragma once

#include <string>

#include "api/config_file.h"
#include "tools/programs.h"

namespace wg {

/// Makes the file's servers those of the system. None: nothing to do.
Result<> set_dns(Programs &programs, const std::string &interface, const ConfigFile &config);
/// Takes them back; also without any in the file, which may have had some.
Result<> unset_dns(Programs &programs, const std::string &interface, const ConfigFile &config);

} // namespace wg
