// SPDX-License-Identifier: MIT
#include "daemon/drop_watch.h"

#include <utility>

namespace wg {

void DropWatch::start()
{
    if (watching_ || !hub_.wants(EventKind::drops))
        return;
    watching_ = true;
    told_ = count_();
    wait();
}

void DropWatch::wait()
{
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this](const std::error_code &error) {
        if (!error)
            look();
    });
}

void DropWatch::look()
{
    watching_ = hub_.wants(EventKind::drops);
    if (!watching_)
        return;
    Counts counts = count_();
    Counts fresh;
    for (const auto &[reason, packets] : counts)
        if (packets != told_[reason])
            fresh[reason] = packets - told_[reason];
    told_ = std::move(counts);
    if (!fresh.empty())
        hub_.drops(fresh);
    wait();
}

} // namespace wg
