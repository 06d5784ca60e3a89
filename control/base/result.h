// SPDX-License-Identifier: MIT
//
// The one way to report failure: a function that can fail returns Result<T>; WG_TRY passes an error
// on.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace wg {

struct Error {
    std::error_code code;
    std::string what; // a sentence for people: names the field and what was expected
};

template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
};

template <typename T>
T take(Result<T> &&result)
{
    if constexpr (!std::is_void_v<T>)
        return *std::move(result);
}

/// An error with a formatted sentence: `return failure(EINVAL, "port {}: expected 0 to 65535",
/// text);`
template <typename... Args>
tl::unexpected<Error> failure(int error, fmt::format_string<Args...> format, Args &&...args)
{
    return tl::unexpected(Error{std::error_code(error, std::generic_category()),
                                fmt::format(format, std::forward<Args>(args)...)});
}

/// An error from a system call: the sentence gets errno's text.
template <typename... Args>
tl::unexpected<Error> system_failure(int error, fmt::format_string<Args...> format, Args &&...args)
{
    auto code = std::error_code(error, std::generic_category());
    return tl::unexpected(
        Error{code, fmt::format(format, std::forward<Args>(args)...) + ": " + code.message()});
}

} // namespace wg

#define WG_TRY(expression)                                                                         \
    __extension__({                                                                                \
        auto wg_result = (expression);                                                             \
        if (!wg_result)                                                                            \
            return tl::unexpected(std::move(wg_result).error());                                   \
        ::wg::take(std::move(wg_result));                                                          \
    })
