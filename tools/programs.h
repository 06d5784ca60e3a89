// SPDX-License-Identifier: MIT
//
// Other programs that commands run, as wg-quick does: ip(8), nft(8), resolvconf(8), hooks.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "api/fields.h"
#include "base/result.h"

namespace wg {

using Words = std::vector<std::string>;

class Programs {
  public:
    /// `log` is told each command that changes something.
    explicit Programs(std::ostream &log) : log_(log) {}
    virtual ~Programs() = default;

    /// From now on what commands print goes to standard error: the output is somebody's JSON.
    void spare_output() { spares_output_ = true; }
    /// Runs a command that changes something, with `input` to read.
    Result<> act(const Words &words, const std::string &input = {});
    /// Runs a line of shell.
    Result<> run_hook(const std::string &line);
    /// What a command prints; nothing when it fails.
    std::string ask(const Words &words);
    /// The array that `ip -j` prints; an empty one when it fails.
    Json ask_json(const Words &words);
    /// Is it in PATH?
    virtual bool has(const std::string &program) const = 0;

  protected:
    struct Command {
        Words words;
        std::string input{};
        bool asks = false; ///< its output is wanted, its complaints are not
    };
    struct Outcome {
        int status = 0; ///< as a shell gives it: 128 and the signal's number
        std::string output{};
    };
    virtual Result<Outcome> run(const Command &command) = 0;
    bool spares_output() const { return spares_output_; }

  private:
    Result<> act_as(const std::string &said, Command command);

    std::ostream &log_;
    bool spares_output_ = false;
};

class SystemPrograms final : public Programs {
  public:
    using Programs::Programs;
    bool has(const std::string &program) const override;

  protected:
    Result<Outcome> run(const Command &command) override;
};

} // namespace wg
