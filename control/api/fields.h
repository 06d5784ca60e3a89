// SPDX-License-Identifier: MIT
//
// One JSON object of a request, read strictly: a field that is unknown, missing, of the wrong type
// or out of range is refused by its full name ("peers[2].allowed_ips[0]: expected an IP prefix
// like 10.0.0.0/8, got 7").
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/text_form.h"
#include "base/result.h"

namespace wg {

using Json = nlohmann::json;

/// "PATH: expected EXPECTED, got VALUE"
tl::unexpected<Error>
unexpected_value(const std::string &path, std::string_view expected, const Json &value);

template <typename T>
Result<T> read_json_text(const TextForm<T> &form, const Json &value, const std::string &path)
{
    if (value.is_string())
        return at(path, read_text(form, value.get_ref<const std::string &>()));
    if (form.secret)
        return failure(EINVAL, "{}: expected {}", path, form.expected);
    return unexpected_value(path, form.expected, value);
}

class Fields {
  public:
    /// `path`: what the object is called, empty for the params themselves. `known`: every name that
    /// may stand in it.
    static Result<Fields>
    open(const Json &object, std::string path, std::initializer_list<std::string_view> known);

    bool has(std::string_view name) const { return find(name) != nullptr; }
    bool is_null(std::string_view name) const;
    std::string path_of(std::string_view name) const;

    template <typename T>
    Result<T> required(std::string_view name, const TextForm<T> &form) const
    {
        if (const Json *value = find(name))
            return read_json_text(form, *value, path_of(name));
        return failure(EINVAL, "{}: missing, expected {}", path_of(name), form.expected);
    }

    template <typename T>
    Result<std::optional<T>> optional(std::string_view name, const TextForm<T> &form) const
    {
        if (const Json *value = find(name))
            return WG_TRY(read_json_text(form, *value, path_of(name)));
        return std::nullopt;
    }

    /// An array of texts; empty when it is not there.
    template <typename T>
    Result<std::vector<T>> texts(std::string_view name, const TextForm<T> &form) const
    {
        return list<T>(name, [&](const Json &value, std::string path) {
            return read_json_text(form, value, path);
        });
    }

    /// An array whose elements `read(element, path)` understands; empty when it is not there.
    template <typename T, typename Read>
    Result<std::vector<T>> list(std::string_view name, Read read) const
    {
        std::vector<T> result;
        const Json *values = WG_TRY(array(name));
        for (const Json &value : *values) {
            auto path = fmt::format("{}[{}]", path_of(name), result.size());
            result.push_back(WG_TRY(read(value, std::move(path))));
        }
        return result;
    }

    template <std::unsigned_integral T>
    Result<std::optional<T>>
    number(std::string_view name, T min = 0, T max = std::numeric_limits<T>::max()) const
    {
        const Json *value = find(name);
        if (value == nullptr)
            return std::nullopt;
        return static_cast<T>(WG_TRY(integer(*value, path_of(name), min, max)));
    }

    Result<bool> boolean(std::string_view name, bool otherwise = false) const;

  private:
    Fields(const Json &object, std::string path) : object_(&object), path_(std::move(path)) {}

    const Json *find(std::string_view name) const; ///< nullptr: not there
    Result<const Json *> array(std::string_view name) const;
    static Result<std::uint64_t>
    integer(const Json &value, const std::string &path, std::uint64_t min, std::uint64_t max);

    const Json *object_;
    std::string path_;
};

} // namespace wg
