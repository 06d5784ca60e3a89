// SPDX-License-Identifier: MIT
#include "net/receive_batch.h"

namespace wg {

ReceiveBatch::ReceiveBatch()
    : buffers_(std::make_unique_for_overwrite<std::uint8_t[]>(SIZE * LONGEST))
{
    for (std::size_t i = 0; i < SIZE; ++i) {
        vectors_[i] = {.iov_base = &buffers_[i * LONGEST], .iov_len = LONGEST};
        messages_[i].msg_hdr.msg_iov = &vectors_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
        messages_[i].msg_hdr.msg_name = &from_[i];
        messages_[i].msg_hdr.msg_control = control_[i].data();
    }
}

std::size_t ReceiveBatch::receive(int fd)
{
    for (auto &message : messages_) { // the kernel overwrites both
        message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        message.msg_hdr.msg_controllen = CONTROL;
    }
    int received = recvmmsg(fd, messages_.data(), SIZE, MSG_DONTWAIT, nullptr);
    return received > 0 ? static_cast<std::size_t>(received) : 0;
}

Bytes ReceiveBatch::bytes(std::size_t index) const
{
    return {&buffers_[index * LONGEST], messages_[index].msg_len};
}

} // namespace wg
