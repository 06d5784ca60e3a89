// SPDX-License-Identifier: MIT
#include "support/frame_diff.h"

#include <algorithm>

#include <net/ethernet.h>
#include <netinet/in.h>

#include <wgxdp/protocol.h>

#include "base/address.h"
#include "base/encoding.h"

namespace wg::test {

namespace {

class Dissector {
  public:
    explicit Dissector(Bytes frame) : left_(frame) {}

    std::vector<Field> frame()
    {
        take("ethernet destination", 6);
        take("ethernet source", 6);
        const unsigned type = take("ethernet type", 2);
        if (type == ETHERTYPE_IP && left_.size() >= 20)
            ipv4();
        else if (type == ETHERTYPE_IPV6 && left_.size() >= 40)
            ipv6();
        take("payload", left_.size());
        return std::move(fields_);
    }

  private:
    /* The field's value as a number, most significant byte first; of a long field the last bytes.
     */
    unsigned take(const std::string &name, std::size_t size)
    {
        const Bytes bytes = left_.first(std::min(size, left_.size()));
        left_ = left_.subspan(bytes.size());
        unsigned number = 0;
        for (const auto byte : bytes)
            number = number << 8 | byte;
        if (!bytes.empty())
            fields_.push_back({name, "0x" + to_hex(bytes), Buffer(bytes.begin(), bytes.end())});
        return number;
    }

    void take_address(const std::string &name, std::size_t size)
    {
        const Bytes bytes = left_.first(size);
        const auto address =
            size == 4 ? IpAddress::v4(bytes.first<4>()) : IpAddress::v6(bytes.first<16>());
        take(name, size);
        fields_.back().value = address.text();
    }

    void ipv4()
    {
        const unsigned version = take("ipv4 version and ihl", 1);
        take("ipv4 tos", 1);
        take("ipv4 tot_len", 2);
        take("ipv4 id", 2);
        const unsigned fragment = take("ipv4 frag_off", 2);
        take("ipv4 ttl", 1);
        const unsigned protocol = take("ipv4 protocol", 1);
        take("ipv4 check", 2);
        take_address("ipv4 source", 4);
        take_address("ipv4 destination", 4);
        if (version == 0x45 && fragment == 0 && protocol == IPPROTO_UDP)
            udp();
    }

    void ipv6()
    {
        take("ipv6 version, traffic class and flow label", 4);
        take("ipv6 payload_len", 2);
        const unsigned protocol = take("ipv6 next header", 1);
        take("ipv6 hop limit", 1);
        take_address("ipv6 source", 16);
        take_address("ipv6 destination", 16);
        if (protocol == IPPROTO_UDP)
            udp();
    }

    void udp()
    {
        take("udp source port", 2);
        take("udp destination port", 2);
        take("udp len", 2);
        take("udp check", 2);
        if (left_.size() < WG_TRANSPORT_OVERHEAD || left_[0] != WG_TRANSPORT_DATA)
            return;
        take("message type", 1);
        take("message reserved bytes", 3);
        take("receiver index (little endian)", 4);
        take("counter (little endian)", 8);
        take("encrypted packet", left_.size() - WG_TAG_SIZE);
        take("tag", WG_TAG_SIZE);
    }

    Bytes left_;
    std::vector<Field> fields_;
};

constexpr std::size_t LONG_FIELD = 16;

std::string describe(const Field &expected, const Field &found)
{
    if (expected.bytes.size() <= LONG_FIELD && found.bytes.size() <= LONG_FIELD)
        return fmt::format("{}: expected {}, found {}", expected.name, expected.value, found.value);
    const auto [want, have] = std::ranges::mismatch(expected.bytes, found.bytes);
    return fmt::format("{}: expected {} bytes, found {}; the first that differs is number {}",
                       expected.name, expected.bytes.size(), found.bytes.size(),
                       want - expected.bytes.begin());
}

} // namespace

std::vector<Field> dissect(Bytes frame)
{
    return Dissector(frame).frame();
}

std::vector<std::string> differences(Bytes actual, Bytes expected)
{
    if (std::ranges::equal(actual, expected))
        return {};
    const auto found = dissect(actual), wanted = dissect(expected);
    std::vector<std::string> all;
    for (const auto &field : wanted) {
        const auto same_name = std::ranges::find(found, field.name, &Field::name);
        if (same_name == found.end())
            all.push_back(fmt::format("{}: expected {}, found nothing", field.name, field.value));
        else if (same_name->bytes != field.bytes)
            all.push_back(describe(field, *same_name));
    }
    for (const auto &field : found)
        if (std::ranges::find(wanted, field.name, &Field::name) == wanted.end())
            all.push_back(fmt::format("{}: expected nothing, found {}", field.name, field.value));
    return all;
}

testing::AssertionResult same_frame(Bytes actual, Bytes expected)
{
    const auto all = differences(actual, expected);
    if (all.empty())
        return testing::AssertionSuccess();
    auto failure = testing::AssertionFailure() << "the frames differ:";
    for (const auto &difference : all)
        failure << "\n  " << difference;
    return failure;
}

} // namespace wg::test
