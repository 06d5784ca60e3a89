// SPDX-License-Identifier: MIT
//
// wg(8) wants the error of a set negative, to print its name, and that of a get without a sign, or
// takes it for a broken protocol.
#include "api/uapi.h"

#include <cstdlib>

#include "api/text_form.h"
#include "api/uapi_reply.h"
#include "api/uapi_request.h"
#include "base/log.h"

namespace wg {
namespace {

constexpr std::string_view GET = "get=1", SET = "set=1";

/// "errno=0" is success, so no error may be 0.
int number_of(const Error &error)
{
    const int number = std::abs(error.code.value());
    return number != 0 ? number : EIO;
}

std::string end_of_response(int error)
{
    return fmt::format("errno={}\n\n", error);
}

Result<std::string> get(const UapiCalls &calls, std::string_view more)
{
    if (!more.empty())
        return failure(EINVAL, "expected nothing behind {}", GET);
    return uapi_text(WG_TRY(calls.get()));
}

Result<> set(const UapiCalls &calls, std::string_view lines)
{
    return calls.set(WG_TRY(parse_uapi_set(lines)));
}

} // namespace

std::string answer_uapi(const UapiCalls &calls, std::string_view name, std::string_view request)
{
    const auto end = std::min(request.find('\n'), request.size());
    const auto operation = request.substr(0, end);
    const auto lines = request.substr(std::min(end + 1, request.size()));
    if (operation == GET) {
        const auto text = get(calls, lines);
        if (text)
            return *text + end_of_response(0);
        log::warn("{}: get refused: {}", name, text.error().what);
        return end_of_response(number_of(text.error()));
    }
    if (operation == SET) {
        const auto done = set(calls, lines);
        if (done)
            return end_of_response(0);
        log::warn("{}: set refused: {}", name, done.error().what);
        return uapi_refusal(number_of(done.error()));
    }
    log::warn("{}: expected {} or {}, got {}", name, GET, SET, in_quotes(operation));
    return uapi_refusal(EINVAL);
}

std::string uapi_refusal(int error)
{
    return end_of_response(-error);
}

} // namespace wg
