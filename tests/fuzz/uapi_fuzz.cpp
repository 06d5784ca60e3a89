// SPDX-License-Identifier: MIT
//
// Any request: one response that ends with its errno and an empty line, nothing done when it says
// there was an error, values in range otherwise.
#include <cstdlib>

#include "api/uapi.h"
#include "base/log.h"

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

void check(const wg::DeviceChange &change)
{
    for (const wg::PeerChange &peer : change.peers) {
        require(!peer.endpoint || (peer.endpoint->address && peer.endpoint->port != 0));
        for (const auto &[prefix, remove] : peer.allowed_ips)
            require(prefix.address && prefix == wg::Prefix::of(prefix.address, prefix.length));
    }
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***)
{
    wg::log::open("error"); // what is wrong with each input is not worth its time
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    bool was_told = false, was_set = false;
    const wg::UapiCalls calls{.get = [&]() -> wg::Result<wg::TunnelStatus> {
                                  was_told = true;
                                  return wg::TunnelStatus();
                              },
                              .set = [&](wg::DeviceChange change) -> wg::Result<> {
                                  check(change);
                                  was_set = true;
                                  return {};
                              }};
    const std::string_view request(reinterpret_cast<const char *>(data), size);
    const std::string response = wg::answer_uapi(calls, "wg0", request);
    if (was_told)
        require(response == "listen_port=0\nerrno=0\n\n");
    else if (was_set)
        require(response == "errno=0\n\n");
    else
        require(response == "errno=22\n\n" || response == "errno=-22\n\n" ||
                response == "errno=-71\n\n");
    return 0;
}
