// SPDX-License-Identifier: MIT
#include "tools/programs.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace wg {
namespace {

/// A file without a name that has the text, read from its beginning.
Result<Fd> file_with(const std::string &text)
{
    Fd file(memfd_create("input", MFD_CLOEXEC));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        lseek(file.get(), 0, SEEK_SET) != 0)
        return system_failure(errno, "cannot hand over {} bytes", text.size());
    return file;
}

/// What an anonymous file has from its beginning on.
Result<std::string> text_of(const Fd &file)
{
    std::string text;
    std::array<char, 4096> chunk;
    if (lseek(file.get(), 0, SEEK_SET) != 0)
        return system_failure(errno, "cannot read what was printed");
    while (auto size = read(file.get(), chunk.data(), chunk.size())) {
        if (size < 0)
            return system_failure(errno, "cannot read what was printed");
        text.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return text;
}

class FileActions {
  public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions &) = delete;
    FileActions &operator=(const FileActions &) = delete;
    void use(int fd, int number) { posix_spawn_file_actions_adddup2(&actions_, fd, number); }
    void silence(int number)
    {
        posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_WRONLY, 0);
    }
    const posix_spawn_file_actions_t *get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

Result<int> status_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return system_failure(errno, "cannot wait for process {}", pid);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

Result<> Programs::act_as(const std::string &said, Command command)
{
    log_ << "[#] " << said << std::endl;
    const auto outcome = WG_TRY(run(command));
    if (outcome.status != 0)
        return failure(ECHILD, "`{}` failed with status {}", said, outcome.status);
    return {};
}

Result<> Programs::act(const Words &words, const std::string &input)
{
    return act_as(fmt::format("{}", fmt::join(words, " ")), {.words = words, .input = input});
}

/* A step of several that fails is a failure, as within wg-quick. */
Result<> Programs::run_hook(const std::string &line)
{
    return act_as(line, {.words = {"bash", "-e", "-o", "pipefail", "-O", "extglob", "-c", line}});
}

std::string Programs::ask(const Words &words)
{
    const auto outcome = run({.words = words, .asks = true});
    return outcome && outcome->status == 0 ? outcome->output : "";
}

Json Programs::ask_json(const Words &words)
{
    auto answer = Json::parse(ask(words), nullptr, false);
    return answer.is_array() ? answer : Json::array();
}

bool SystemPrograms::has(const std::string &program) const
{
    const char *path = getenv("PATH");
    const std::string directories = path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
    for (std::size_t begin = 0; begin <= directories.size();) {
        const auto end = std::min(directories.find(':', begin), directories.size());
        const auto file = std::filesystem::path(directories.substr(begin, end - begin)) / program;
        if (access(file.c_str(), X_OK) == 0)
            return true;
        begin = end + 1;
    }
    return false;
}

Result<Programs::Outcome> SystemPrograms::run(const Command &command)
{
    FileActions actions;
    Fd input, output;
    if (!command.input.empty()) {
        input = WG_TRY(file_with(command.input));
        actions.use(input.get(), STDIN_FILENO);
    }
    if (command.asks) {
        output = WG_TRY(file_with(""));
        actions.use(output.get(), STDOUT_FILENO);
        actions.silence(STDERR_FILENO);
    } else if (spares_output()) {
        actions.use(STDERR_FILENO, STDOUT_FILENO);
    }
    std::vector<char *> arguments;
    for (const std::string &word : command.words)
        arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error =
        posix_spawnp(&pid, arguments.front(), actions.get(), nullptr, arguments.data(), environ);
    if (error != 0)
        return system_failure(error, "{}", command.words.front());
    Outcome outcome{.status = WG_TRY(status_of(pid))};
    if (command.asks)
        outcome.output = WG_TRY(text_of(output));
    return outcome;
}

} // namespace wg
