// SPDX-License-Identifier: MIT
#include "tools/start_daemon.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wg {
namespace {

constexpr const char *DAEMON = "wgxdpd";

/// A path beside us, or the bare name, which posix_spawnp looks up in PATH.
std::string daemon_program(const std::filesystem::path &directory)
{
    auto beside = directory / DAEMON;
    if (!directory.empty() && access(beside.c_str(), X_OK) == 0)
        return beside;
    return DAEMON;
}

Result<> wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return system_failure(errno, "cannot wait for {}", DAEMON);
    }
    if (WIFSIGNALED(status))
        return failure(ECHILD, "{} did not start: killed by signal {}", DAEMON, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return failure(ECHILD, "{} did not start: exit status {}", DAEMON, WEXITSTATUS(status));
    return {};
}

} // namespace

std::filesystem::path pins_of(const std::string &instance)
{
    return "/sys/fs/bpf/wgxdp/" + instance;
}

Result<> start_daemon(const std::filesystem::path &directory, const std::string &instance)
{
    auto program = daemon_program(directory);
    const char *arguments[] = {DAEMON, "--instance", instance.c_str(), "--until-idle", nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    // The daemon outlives us: it must not keep our caller's pipes open.
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int error = posix_spawnp(&pid, program.c_str(), &actions, nullptr,
                             const_cast<char **>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        return failure(ENOENT, "{}: found neither in {} nor in PATH", DAEMON, directory.native());
    if (error != 0)
        return system_failure(error, "{}", program);
    return wait_for(pid);
}

} // namespace wg
