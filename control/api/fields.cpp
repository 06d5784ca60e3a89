// SPDX-License-Identifier: MIT
#include "api/fields.h"

#include <algorithm>

namespace wg {
namespace {

const Json EMPTY_ARRAY = Json::array();

/// Containers are named, not shown: they may be large, and may hold a key.
std::string shown(const Json &value)
{
    if (value.is_object())
        return "an object";
    if (value.is_array())
        return "an array";
    if (value.is_string())
        return in_quotes(value.get_ref<const std::string &>());
    return value.dump();
}

} // namespace

tl::unexpected<Error>
unexpected_value(const std::string &path, std::string_view expected, const Json &value)
{
    return failure(EINVAL, "{}: expected {}, got {}", path, expected, shown(value));
}

Result<Fields>
Fields::open(const Json &object, std::string path, std::initializer_list<std::string_view> known)
{
    if (!object.is_object())
        return unexpected_value(path.empty() ? "params" : path, "an object", object);
    Fields fields(object, std::move(path));
    for (const auto &item : object.items()) {
        if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
            auto what = fields.path_.empty() ? "params" : fields.path_;
            return failure(EINVAL, "{}: {} is not a known field", what, in_quotes(item.key()));
        }
    }
    return fields;
}

std::string Fields::path_of(std::string_view name) const
{
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

bool Fields::is_null(std::string_view name) const
{
    const Json *value = find(name);
    return value != nullptr && value->is_null();
}

const Json *Fields::find(std::string_view name) const
{
    auto field = object_->find(name);
    return field == object_->end() ? nullptr : &*field;
}

Result<const Json *> Fields::array(std::string_view name) const
{
    const Json *value = find(name);
    if (value == nullptr)
        return &EMPTY_ARRAY;
    if (!value->is_array())
        return unexpected_value(path_of(name), "an array", *value);
    return value;
}

Result<std::uint64_t>
Fields::integer(const Json &value, const std::string &path, std::uint64_t min, std::uint64_t max)
{
    // A number of any other kind is negative, fractional or larger than 64 bits.
    if (value.is_number_unsigned()) {
        auto number = value.get<std::uint64_t>();
        if (number >= min && number <= max)
            return number;
    }
    return unexpected_value(path, fmt::format("a number from {} to {}", min, max), value);
}

Result<bool> Fields::boolean(std::string_view name, bool otherwise) const
{
    const Json *value = find(name);
    if (value == nullptr)
        return otherwise;
    if (!value->is_boolean())
        return unexpected_value(path_of(name), "true or false", *value);
    return value->get<bool>();
}

} // namespace wg
