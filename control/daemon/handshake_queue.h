// SPDX-License-Identifier: MIT
//
// Handshake messages that wait for their turn. Public-key work is slow and data is not to wait for
// it, so a flood piles up here, where it can be counted: from 512 messages on the device asks
// strangers for cookies (whitepaper, 5.3).
#pragma once

#include <deque>

#include "device/under_load.h"
#include "net/udp_message.h"

namespace wg {

class HandshakeQueue {
  public:
    struct Message {
        Buffer bytes;
        Endpoint from;
    };

    /// False: the queue is full, the message is lost.
    bool push(const Datagram &datagram)
    {
        if (messages_.size() >= UnderLoad::MAX_QUEUED_INCOMING_HANDSHAKES)
            return false;
        messages_.push_back({{datagram.bytes.begin(), datagram.bytes.end()}, datagram.from});
        return true;
    }

    Message pop()
    {
        Message first = std::move(messages_.front());
        messages_.pop_front();
        return first;
    }

    void clear() { messages_.clear(); }
    bool empty() const { return messages_.empty(); }
    std::size_t size() const { return messages_.size(); }

  private:
    std::deque<Message> messages_;
};

} // namespace wg
