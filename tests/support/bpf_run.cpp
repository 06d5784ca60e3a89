// SPDX-License-Identifier: MIT
#include "support/bpf_run.h"

#include <system_error>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace wg::test {

namespace {

constexpr std::size_t MAX_FRAME = 8192;

void run(int program, bpf_test_run_opts &options)
{
    if (bpf_prog_test_run_opts(program, &options) != 0)
        throw std::system_error(errno, std::generic_category(), "BPF_PROG_TEST_RUN");
}

} // namespace

Outcome run_xdp(int program, Bytes frame, std::uint32_t ifindex)
{
    xdp_md in{}, out{};
    in.data_end = static_cast<std::uint32_t>(frame.size());
    in.ingress_ifindex = ifindex;
    Buffer result(MAX_FRAME);
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_out = result.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_size_out = MAX_FRAME;
    options.ctx_in = &in;
    options.ctx_out = &out;
    options.ctx_size_in = sizeof(in);
    options.ctx_size_out = sizeof(out);
    options.repeat = 1;
    run(program, options);
    result.resize(options.data_size_out);
    const auto head = result.begin() + out.data; // data_meta is 0: the output begins with it
    return {static_cast<int>(options.retval), Buffer(head, result.end()),
            Buffer(result.begin(), head), 0};
}

Outcome run_tc(int program, Bytes frame, const TcContext &context)
{
    __sk_buff in{}, out{};
    in.ifindex = context.ifindex;
    in.gso_size = context.gso_size;
    Buffer result(MAX_FRAME);
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_out = result.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_size_out = MAX_FRAME;
    options.ctx_in = &in;
    options.ctx_out = &out;
    options.ctx_size_in = sizeof(in);
    options.ctx_size_out = sizeof(out);
    options.repeat = 1;
    run(program, options);
    result.resize(options.data_size_out);
    return {static_cast<int>(options.retval), std::move(result), {}, out.mark};
}

void receive_live(int program, Bytes metadata, Bytes frame, std::uint32_t ifindex)
{
    Buffer data(metadata.begin(), metadata.end());
    data.insert(data.end(), frame.begin(), frame.end());
    xdp_md in{};
    in.data = static_cast<std::uint32_t>(metadata.size());
    in.data_end = static_cast<std::uint32_t>(data.size());
    in.ingress_ifindex = ifindex;
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = data.data();
    options.data_size_in = static_cast<std::uint32_t>(data.size());
    options.ctx_in = &in;
    options.ctx_size_in = sizeof(in);
    options.repeat = 1;
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    run(program, options);
}

} // namespace wg::test
