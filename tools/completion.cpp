// SPDX-License-Identifier: MIT
#include "tools/completion.h"

#include <algorithm>
#include <sstream>

namespace wg {
namespace {

const CLI::App *find_command(const CLI::App &app, const std::string &name)
{
    for (const CLI::App *command : app.get_subcommands({}))
        if (command->get_name() == name)
            return command;
    return nullptr;
}

/// Options may stand behind a command that is below theirs.
const CLI::Option *find_option(const CLI::App *app, const std::string &name)
{
    for (; app != nullptr; app = app->get_parent())
        if (const CLI::Option *option = app->get_option_no_throw(name))
            return option;
    return nullptr;
}

bool takes_value(const CLI::Option &option)
{
    return option.get_items_expected_min() > 0;
}

/// "auto|native|tc": the words to choose from; capitals say what stands there instead.
std::vector<std::string> choices(const std::string &type_name)
{
    std::vector<std::string> words;
    std::istringstream types(type_name);
    for (std::string word; std::getline(types, word, '|');)
        if (std::ranges::none_of(word, [](unsigned char c) { return std::isupper(c) != 0; }))
            words.push_back(word);
    return words;
}

/// How far a command line has come.
class Position {
  public:
    explicit Position(const CLI::App &app) : app_(&app) {}

    void pass(const std::string &word)
    {
        if (awaited_ != nullptr) {
            awaited_ = nullptr;
        } else if (word.starts_with('-')) {
            const CLI::Option *option = find_option(app_, word);
            awaited_ = option != nullptr && takes_value(*option) ? option : nullptr;
        } else if (const CLI::App *command = find_command(*app_, word)) {
            app_ = command;
            positionals_ = 0;
        } else {
            if (next_positional() == "TUNNEL")
                tunnel_ = word;
            ++positionals_;
        }
    }

    std::vector<std::string> candidates(const std::string &word, const ValuesOf &values_of) const
    {
        if (awaited_ != nullptr)
            return awaited_->get_type_name() == "FILE" ? std::vector<std::string>{COMPLETE_FILES}
                                                       : choices(awaited_->get_type_name());
        if (word.starts_with('-'))
            return options();
        if (!app_->get_subcommands({}).empty())
            return commands();
        const auto kind = next_positional();
        if (kind == "CONFIG" && word.find('/') != std::string::npos)
            return {COMPLETE_FILES};
        return values_of(kind, tunnel_);
    }

  private:
    std::string next_positional() const
    {
        std::size_t number = 0;
        for (const CLI::Option *option : app_->get_options())
            if (option->get_positional() && number++ == positionals_)
                return option->get_name(true);
        return "";
    }

    std::vector<std::string> commands() const
    {
        std::vector<std::string> names;
        for (const CLI::App *command : app_->get_subcommands({}))
            names.push_back(command->get_name());
        return names;
    }

    std::vector<std::string> options() const
    {
        std::vector<std::string> names;
        for (const CLI::App *app = app_; app != nullptr; app = app->get_parent())
            for (const CLI::Option *option : app->get_options())
                for (const std::string &name : option->get_lnames())
                    if (std::ranges::find(names, "--" + name) == names.end())
                        names.push_back("--" + name);
        return names;
    }

    const CLI::App *app_;
    const CLI::Option *awaited_ = nullptr; ///< the word is its value
    std::size_t positionals_ = 0;
    std::string tunnel_;
};

} // namespace

std::vector<std::string>
complete(const CLI::App &app, const std::vector<std::string> &words, const ValuesOf &values_of)
{
    if (words.empty())
        return {};
    Position position(app);
    std::for_each(words.begin(), words.end() - 1, [&](const auto &word) { position.pass(word); });
    auto candidates = position.candidates(words.back(), values_of);
    std::erase_if(candidates, [&](const std::string &candidate) {
        return candidate != COMPLETE_FILES && !candidate.starts_with(words.back());
    });
    return candidates;
}

} // namespace wg
