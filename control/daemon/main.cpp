// SPDX-License-Identifier: MIT
//
// wgxdpd: the daemon. Returns to its caller once it can be asked; leaves all it made in place when
// it ends.
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>
#include <asio.hpp>
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

namespace wg {
namespace {

/// The unit does not start it again, and the package's scripts know what to do.
constexpr int STATUS_OTHER_ABI = 3;

struct Options {
    std::string instance = "default";
    std::string log_level = "info";
    std::string socket_group;
    bool foreground = false;
    bool only_check = false;
    DaemonOptions daemon;
};

/// Ends a daemon's start: in the background its parent waits for one byte, in the foreground
/// systemd may wait.
class Readiness {
  public:
    /// In the child; the parent never returns from here.
    static Readiness fork_away();
    static Readiness none() { return Readiness(Fd()); }
    /// From here on errors and logs go to this file.
    void announce(const std::string &log_file);

  private:
    explicit Readiness(Fd pipe) : pipe_(std::move(pipe)) {}
    Fd pipe_;
};

Readiness Readiness::fork_away()
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        log::error("pipe: {}", std::strerror(errno));
        std::exit(1);
    }
    Fd read_end(ends[0]), write_end(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        log::error("fork: {}", std::strerror(errno));
        std::exit(1);
    }
    if (child > 0) {
        write_end.close();
        char byte = 0;
        int status = 0;
        if (::read(read_end.get(), &byte, 1) == 1)
            ::_exit(0);
        const bool ended = ::waitpid(child, &status, 0) == child; // not where SIGCHLD is ignored
        const int code = ended && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        ::_exit(code != 0 ? code : 1);
    }
    ::setsid();
    return Readiness(std::move(write_end));
}

void Readiness::announce(const std::string &log_file)
{
    sd_notify(0, "READY=1"); // nothing happens where systemd does not wait for it
    if (!pipe_)
        return;
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const Fd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ::dup2(null.get(), STDIN_FILENO);
    ::dup2(null.get(), STDOUT_FILENO);
    ::dup2(log ? log.get() : null.get(), STDERR_FILENO);
    if (::write(pipe_.get(), "1", 1) != 1)
        log::warn("nobody waited for the start");
    pipe_.close();
}

Result<gid_t> find_group(const std::string &name)
{
    if (const group *found = ::getgrnam(name.c_str()))
        return found->gr_gid;
    return failure(ENOENT, "--socket-group: expected the name of a group, got \"{}\"", name);
}

Result<> run(const Options &options)
{
    DaemonOptions daemon_options = options.daemon;
    if (!options.socket_group.empty())
        daemon_options.socket_group = WG_TRY(find_group(options.socket_group));
    if (sodium_init() < 0)
        return failure(ENOSYS, "libsodium does not start");
    if (options.only_check)
        return check_pins(Instance::usual_pins(options.instance));
    auto instance = WG_TRY(Instance::open(options.instance));
    Readiness readiness = options.foreground ? Readiness::none() : Readiness::fork_away();
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        log::warn("memory is not locked, keys could be swapped out: {}", std::strerror(errno));
    std::signal(SIGPIPE, SIG_IGN);
    asio::io_context io(1);
    auto daemon = WG_TRY(Daemon::start(io, instance, daemon_options));
    asio::signal_set signals(io, SIGINT, SIGTERM);
    bool asked_to_end = false;
    signals.async_wait([&](const std::error_code &error, int) {
        asked_to_end = !error;
        io.stop();
    });
    readiness.announce(instance.log());
    io.run();
    const bool nothing_left = daemon->is_idle();
    daemon.reset();
    if (nothing_left)
        instance.remove();
    log::info("instance {}: ended{}", options.instance,
              asked_to_end && !nothing_left ? ", its tunnels go on" : "");
    return {};
}

int main(int argc, char **argv)
{
    Options options;
    CLI::App app("wgxdpd: WireGuard with its data plane in eBPF; the daemon");
    app.set_version_flag("--version", WGXDP_VERSION);
    app.add_option("--instance", options.instance,
                   "One daemon an instance; each network namespace wants its own")
        ->capture_default_str();
    app.add_flag("--foreground", options.foreground,
                 "Stay in the foreground and log to standard error");
    app.add_flag("--check-pins", options.only_check,
                 "Say whether this daemon could go on with what another has left, and end");
    app.add_flag("--until-idle", options.daemon.until_idle,
                 "End when the last tunnel and the last NIC are removed");
    app.add_flag("--no-prefetch", options.daemon.no_prefetch,
                 "Make no keystream ahead: every packet's cipher runs where the packet is handled")
        ->envname("WGXDP_NO_PREFETCH");
    app.add_option("--socket-group", options.socket_group,
                   "A group whose members may ask the JSON socket, but change nothing");
    app.add_option("--log-level", options.log_level, "debug, info, warn or error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    log::open(options.log_level);
    try {
        if (const auto result = run(options); !result) {
            std::cerr << "wgxdpd: " << result.error().what << '\n';
            return result.error().code.value() == OTHER_ABI ? STATUS_OTHER_ABI : 1;
        }
    } catch (const std::exception &exception) {
        std::cerr << "wgxdpd: " << exception.what() << '\n';
        return 1;
    }
    return 0;
}

} // namespace
} // namespace wg

int main(int argc, char **argv)
{
    return wg::main(argc, argv);
}
