// SPDX-License-Identifier: MIT
//
// Any line: no answer or one line of JSON-RPC, nothing done when it says there was an error, no
// secret unless it was asked for by name.
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "api/json_rpc.h"
#include "unit/api/fake_service.h"

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    std::string_view line(reinterpret_cast<const char *>(data), size);
    wg::test::FakeService service;
    auto text = wg::answer(service, line);
    if (!text)
        return 0;
    require(text->find('\n') == std::string::npos);
    if (line.find("include") == line.npos && line.find('\\') == line.npos)
        require(text->find(wg::test::PRESHARED_KEY) == text->npos ||
                line.find(wg::test::PRESHARED_KEY) != line.npos);
    auto response = nlohmann::json::parse(*text); // throws, and so crashes, when it is no JSON
    require(response.at("jsonrpc") == "2.0" && response.contains("id"));
    require(response.contains("result") != response.contains("error"));
    if (response.contains("error"))
        require(service.calls.empty() && !response["error"]["message"].get<std::string>().empty());
    return 0;
}
