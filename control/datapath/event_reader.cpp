// SPDX-License-Identifier: MIT
#include "datapath/event_reader.h"

#include <fcntl.h>

#include <bpf/libbpf.h>

#include "base/bytes.h"

namespace wg {

namespace {

constexpr int MOST_AT_ONCE = 64;

} // namespace

void EventReader::Free::operator()(ring_buffer *ring) const
{
    ring_buffer__free(ring);
}

int EventReader::on_sample(void *context, void *data, std::size_t size)
{
    auto *self = static_cast<EventReader *>(context);
    if (size == sizeof(wg_event))
        self->on_event_(load<wg_event>({static_cast<const std::uint8_t *>(data), size}));
    return ++self->taken_ < MOST_AT_ONCE ? 0 : -EAGAIN;
}

/* An event may bring the next one about: others are to have their turn. */
void EventReader::take_some()
{
    taken_ = 0;
    ring_buffer__poll(ring_.get(), 0);
}

Result<std::unique_ptr<EventReader>>
EventReader::start(asio::io_context &io, int map_fd, OnEvent on_event)
{
    std::unique_ptr<EventReader> reader(new EventReader(std::move(on_event)));
    reader->ring_.reset(ring_buffer__new(map_fd, on_sample, reader.get(), nullptr));
    if (!reader->ring_)
        return system_failure(errno, "ring buffer of events");
    Fd epoll(::fcntl(ring_buffer__epoll_fd(reader->ring_.get()), F_DUPFD_CLOEXEC, 0));
    if (!epoll)
        return system_failure(errno, "ring buffer of events");
    reader->watch_ = WG_TRY(
        ReadWatch::start(io, std::move(epoll), [self = reader.get()] { self->take_some(); }));
    return reader;
}

} // namespace wg
