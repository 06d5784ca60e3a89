// SPDX-License-Identifier: MIT
#pragma once

#include <ostream>

#include "base/result.h"

namespace wg {

/// Of steps that are all to be tried, whatever the others did: the first error is the whole's, the
/// others are said.
class FirstError {
  public:
    explicit FirstError(std::ostream &err) : err_(err) {}

    void note(Result<> step)
    {
        if (step)
            return;
        if (result_)
            result_ = std::move(step);
        else
            err_ << "wgxdp: " << step.error().what << '\n';
    }
    Result<> take() { return std::move(result_); }

  private:
    std::ostream &err_;
    Result<> result_;
};

} // namespace wg
