// SPDX-License-Identifier: MIT
#include "datapath/bpf_objects.h"

#include <memory>
#include <string>

#include <wg_cookie.skel.h>
#include <wg_counter.skel.h>
#include <wg_deliver.skel.h>
#include <wg_rx.skel.h>
#include <wg_rx_jumbo.skel.h>
#include <wg_tx.skel.h>
#include <wg_tx_jumbo.skel.h>

#include <bpf/libbpf.h>

namespace wg {
namespace {

constexpr std::size_t VERIFIER_LOG = 1 << 20;

template <typename ElfBytes>
BpfObject object(const char *name, ElfBytes elf_bytes)
{
    std::size_t size = 0;
    const void *elf = elf_bytes(&size);
    return {name, Bytes(static_cast<const std::uint8_t *>(elf), size)};
}

/// The last line before the verifier's statistics.
std::string last_words(std::string log)
{
    log.resize(std::min(log.find('\0'), log.size()));
    log.resize(std::min(log.find("\nprocessed "), log.size()));
    log.erase(log.find_last_not_of('\n') + 1);
    return log.substr(log.rfind('\n') + 1);
}

} // namespace

std::vector<BpfObject> bpf_objects(wg_payload max_payload)
{
    const bool jumbo = max_payload == WG_JUMBO_PAYLOAD;
    return {object("wg_rx", jumbo ? wg_rx_jumbo__elf_bytes : wg_rx__elf_bytes),
            object("wg_tx", jumbo ? wg_tx_jumbo__elf_bytes : wg_tx__elf_bytes),
            object("wg_deliver", wg_deliver__elf_bytes), object("wg_cookie", wg_cookie__elf_bytes),
            object("wg_counter", wg_counter__elf_bytes)};
}

Result<> try_load(const BpfObject &object)
{
    const auto silence = libbpf_set_print(nullptr);
    std::string log(VERIFIER_LOG, '\0');
    bpf_object_open_opts options{};
    options.sz = sizeof(options);
    options.object_name = object.name;
    options.kernel_log_buf = log.data();
    options.kernel_log_size = log.size();
    std::unique_ptr<bpf_object, decltype(&bpf_object__close)> opened(
        bpf_object__open_mem(object.elf.data(), object.elf.size(), &options), bpf_object__close);
    const int error = opened ? -bpf_object__load(opened.get()) : errno;
    libbpf_set_print(silence);
    if (error == 0)
        return {};
    const auto words = last_words(std::move(log));
    if (words.empty())
        return system_failure(error, "program {}", object.name);
    return failure(error, "program {}: {}", object.name, words);
}

} // namespace wg
