// SPDX-License-Identifier: MIT
//
// Building and reading netlink messages: a thin owner around libnl's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/bytes.h"

namespace wg {

/// A request under construction. It never outgrows libnl's default size of one page; running out is
/// a programming error and aborts.
class NetlinkMessage {
  public:
    template <typename Header>
    NetlinkMessage(std::uint16_t type, int flags, const Header &header)
        : NetlinkMessage(type, flags)
    {
        append(bytes_of(header));
    }

    template <typename T>
    NetlinkMessage &put(int attribute, const T &value)
    {
        return put_bytes(attribute, bytes_of(value));
    }
    NetlinkMessage &put_bytes(int attribute, Bytes value);
    NetlinkMessage &put_string(int attribute, std::string_view value);

    /// Attributes put by `fill` stand inside this one.
    template <typename Fill>
    NetlinkMessage &nest(int attribute, Fill &&fill)
    {
        nlattr *nested = begin_nest(attribute);
        fill(*this);
        nla_nest_end(message_.get(), nested);
        return *this;
    }
    /// A fixed header between attributes, as VETH_INFO_PEER wants.
    void append(Bytes header);

    nl_msg *get() const { return message_.get(); }

  private:
    struct Deleter {
        void operator()(nl_msg *message) const { nlmsg_free(message); }
    };

    NetlinkMessage(std::uint16_t type, int flags);
    nlattr *begin_nest(int attribute);

    std::unique_ptr<nl_msg, Deleter> message_;
};

/// The attributes of a message or of a nest, by their number. Those the kernel did not send are
/// absent.
template <int MAX>
class AttributeTable {
  public:
    AttributeTable(const nlmsghdr &message, std::size_t header_size)
    {
        // const_cast: libnl reads only.
        nlmsg_parse(const_cast<nlmsghdr *>(&message), static_cast<int>(header_size), table_.data(),
                    MAX, nullptr);
    }
    explicit AttributeTable(const nlattr *nest)
    {
        if (nest)
            nla_parse_nested(table_.data(), MAX, const_cast<nlattr *>(nest), nullptr);
    }

    const nlattr *operator[](int attribute) const
    {
        return table_[static_cast<std::size_t>(attribute)];
    }
    Bytes bytes(int attribute) const
    {
        const nlattr *found = (*this)[attribute];
        if (!found)
            return {};
        return {static_cast<const std::uint8_t *>(nla_data(found)),
                static_cast<std::size_t>(nla_len(found))};
    }
    /// nullopt: absent, or shorter than it should be.
    template <typename T>
    std::optional<T> value(int attribute) const
    {
        Bytes found = bytes(attribute);
        if (found.size() < sizeof(T))
            return std::nullopt;
        return load<T>(found.first(sizeof(T)));
    }
    std::string_view string(int attribute) const
    {
        Bytes found = bytes(attribute);
        std::string_view text(reinterpret_cast<const char *>(found.data()), found.size());
        return text.substr(0, text.find('\0'));
    }

  private:
    std::array<nlattr *, MAX + 1> table_{};
};

} // namespace wg
