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

/// One run over these bytes, in a context of the program's type.
template <typename Context>
bpf_test_run_opts options_for(Bytes data, const Context &in)
{
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = data.data();
    options.data_size_in = static_cast<std::uint32_t>(data.size());
    options.ctx_in = &in;
    options.ctx_size_in = sizeof(in);
    options.repeat = 1;
    return options;
}

template <typename Context>
struct Run {
    Buffer data = Buffer(MAX_FRAME);
    Context context{};
    int verdict = 0;
};

template <typename Context>
Run<Context> run_once(int program, Bytes frame, const Context &in)
{
    Run<Context> out;
    auto options = options_for(frame, in);
    options.data_out = out.data.data();
    options.data_size_out = MAX_FRAME;
    options.ctx_out = &out.context;
    options.ctx_size_out = sizeof(out.context);
    run(program, options);
    out.data.resize(options.data_size_out);
    out.verdict = static_cast<int>(options.retval);
    return out;
}

} // namespace

Outcome run_xdp(int program, Bytes frame, std::uint32_t ifindex)
{
    xdp_md in{};
    in.data_end = static_cast<std::uint32_t>(frame.size());
    in.ingress_ifindex = ifindex;
    const auto out = run_once(program, frame, in);
    const auto head =
        out.data.begin() + out.context.data; // data_meta is 0: the output begins with it
    return {out.verdict, Buffer(head, out.data.end()), Buffer(out.data.begin(), head), 0};
}

Outcome run_tc(int program, Bytes frame, const TcContext &context)
{
    __sk_buff in{};
    in.ifindex = context.ifindex;
    in.gso_size = context.gso_size;
    auto out = run_once(program, frame, in);
    return {out.verdict, std::move(out.data), {}, out.context.mark};
}

void receive_live(int program, Bytes metadata, Bytes frame, std::uint32_t ifindex)
{
    Buffer data(metadata.begin(), metadata.end());
    data.insert(data.end(), frame.begin(), frame.end());
    xdp_md in{};
    in.data = static_cast<std::uint32_t>(metadata.size());
    in.data_end = static_cast<std::uint32_t>(data.size());
    in.ingress_ifindex = ifindex;
    auto options = options_for(data, in);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    run(program, options);
}

} // namespace wg::test
