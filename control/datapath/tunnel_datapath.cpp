// SPDX-License-Identifier: MIT
#include "datapath/tunnel_datapath.h"

namespace wg {

TunnelDatapath::TunnelDatapath(BpfDatapath &maps, TunnelId tunnel, SlowPathPorts ports)
    : maps_(maps), tunnel_(tunnel), ports_(std::move(ports)), slow_path_(maps, tunnel, ports_)
{
}

int TunnelDatapath::send_message(const Endpoint &to, Bytes message, std::uint8_t ds)
{
    OutgoingDatagram datagram{to, message, ds};
    ports_.send({&datagram, 1});
    if (datagram.error != 0)
        ports_.count_drop(WG_DROP_SEND_FAILED, 1);
    return datagram.error;
}

} // namespace wg
