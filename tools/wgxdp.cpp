// SPDX-License-Identifier: MIT
//
// wgxdp: the command line of the daemon wgxdpd.
#include <cstdlib>
#include <exception>
#include <iostream>

#include <sodium.h>
#include <unistd.h>

#include "tools/cli.h"
#include "tools/terminal.h"

namespace {

int run(int argc, char **argv)
{
    if (sodium_init() < 0) {
        std::cerr << "wgxdp: the system has no randomness to offer\n";
        return 1;
    }
    const char *hide_keys = std::getenv("WG_HIDE_KEYS");
    wg::SystemPrograms programs(std::cerr);
    std::error_code no_proc; // then only PATH is searched for the daemon
    wg::Environment environment{
        .in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .run_directory = "/run/wgxdp",
        .config_directories = {"/etc/wgxdp", "/etc/wireguard"},
        .daemon_directory = std::filesystem::read_symlink("/proc/self/exe", no_proc).parent_path(),
        .wall_clock = [] { return wg::now().wall; },
        .programs = programs,
        .is_root = geteuid() == 0,
        .colors = wg::wants_colors(std::getenv("WG_COLOR_MODE"), std::getenv("NO_COLOR"),
                                   isatty(STDOUT_FILENO) == 1),
        .show_keys = hide_keys != nullptr && std::string_view(hide_keys) == "never",
        .progress = isatty(STDERR_FILENO) == 1 ? &std::cerr : nullptr,
    };
    int status = wg::run_cli(environment, std::vector<std::string>(argv + 1, argv + argc));
    if (!std::cout.flush() && status == 0) {
        std::cerr << "wgxdp: standard output: cannot be written to\n";
        return 1;
    }
    return status;
}

} // namespace

int main(int argc, char **argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception &error) {
        std::cerr << "wgxdp: " << error.what() << '\n';
        return 1;
    }
}
