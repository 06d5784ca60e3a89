// SPDX-License-Identifier: MIT
//
// One field of tunnels or of their peers, for scripts: what `wg show INTERFACE FIELD` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/fields.h"

namespace wg {

std::vector<std::string> field_name_list();
/// "public-key, private-key, ..."
std::string field_names();

/// The secrets that must be asked for to show it; refused when there is no such field.
Result<Json> field_secrets(const std::string &field);

/// `tunnels` as tunnel.list answers. `all`: each line begins with its tunnel's name.
std::string field_text(const std::string &field, const Json &tunnels, bool all);

/// The same as an array of objects, in the words of tunnel.list.
Json field_json(const std::string &field, const Json &tunnels);

} // namespace wg
