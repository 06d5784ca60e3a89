// SPDX-License-Identifier: MIT
//
// The grammar of the command line and its help.
#include "tools/cli.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "tools/commands.h"
#include "tools/completion.h"
#include "tools/keys.h"
#include "tools/show_field.h"

namespace wg {
namespace {

constexpr const char *JSON_FLAG = "--json";
constexpr std::string_view NOTHING = "{}"; // what a command says as JSON that has nothing to say

/// The commands hang their actions here; one of them runs after the whole line was understood.
class CommandLine {
  public:
    explicit CommandLine(Environment &environment) : environment_(environment)
    {
        app_.name("wgxdp");
        app_.set_version_flag("--version", "wgxdp " WGXDP_VERSION);
        app_.add_option("--instance", instance_, "Which daemon to talk to (default: \"default\")")
            ->type_name("NAME")
            ->envname("WGXDP_INSTANCE");
        app_.add_option("INTERFACE", interface_,
                        "Instead of a command: make this interface and leave the rest to wg(8) and "
                        "wg-quick(8), as wireguard-go does");
        app_.get_formatter()->label("TEXT", "");
        app_.fallthrough();
        app_.footer("Example: wgxdp up wg0 && wgxdp attach eth0 && wgxdp show");
        add_tunnel_commands();
        add_nic_commands();
        add_peer_commands();
        add_key_commands();
    }

    Result<> run(std::vector<std::string> arguments);

  private:
    Result<> parse(std::vector<std::string> arguments);
    Result<> print_completions(const std::vector<std::string> &words);

    using Action = std::function<Result<>(Commands &)>;

    /// `json`: what the action prints when it is to be JSON.
    CLI::App *add(CLI::App &parent,
                  const std::string &name,
                  const std::string &help,
                  const std::string &example,
                  Action action,
                  std::string_view json = NOTHING)
    {
        auto *command = parent.add_subcommand(name, help);
        command->footer("Example: " + example);
        command->add_flag(JSON_FLAG, json_, fmt::format("As JSON: {}", json));
        if (json == NOTHING)
            action = saying_nothing(std::move(action));
        command->callback([this, action = std::move(action)] { action_ = action; });
        return command;
    }
    Action saying_nothing(Action action)
    {
        return [this, action = std::move(action)](Commands &commands) -> Result<> {
            WG_TRY(action(commands));
            if (json_)
                environment_.out << NOTHING << '\n';
            return {};
        };
    }

    void add_tunnel_commands();
    void add_file_commands();
    void add_nic_commands();
    void add_peer_commands();
    void add_key_commands();

    Environment &environment_;
    CLI::App app_{"WireGuard with its data plane in eBPF: the command line of the daemon wgxdpd."};
    std::string instance_ = "default";
    Action action_;

    std::optional<std::string> interface_; ///< where a command would stand
    std::string name_;
    std::string mode_ = "auto";
    bool json_ = false;
    ShowOptions show_;
    PeerOptions peer_;
};

void CommandLine::add_tunnel_commands()
{
    auto *up = add(app_, "up",
                   "Make a tunnel from a wg-quick file, as wg-quick does; starts the daemon when "
                   "none runs",
                   "wgxdp up /etc/wgxdp/wg0.conf", [this](Commands &c) { return c.up(name_); });
    up->add_option("CONFIG", name_,
                   "A file NAME.conf, or NAME of /etc/wgxdp/NAME.conf or /etc/wireguard/NAME.conf; "
                   "NAME is the interface's")
        ->required();

    add_file_commands();

    auto *show = add(
        app_, "show", "Show tunnels, their peers and the attached NICs, as wg(8) does",
        "wgxdp show wg0 latest-handshakes", [this](Commands &c) { return c.show(show_, json_); },
        "{\"tunnels\": [...], \"nics\": [...]}; with TUNNEL no nics; with FIELD an array");
    show->add_option("TUNNEL", show_.tunnel,
                     "Only this one; `all` leaves out the NICs, `interfaces` lists names only");
    show->add_option("FIELD", show_.field, "For scripts, only one of: " + field_names());
    show->add_flag("--show-keys", show_.show_keys,
                   "Private and preshared keys instead of (hidden)");

    auto *top = add(
        app_, "top", "Watch rates, drops and handshakes of all peers, live", "wgxdp top wg0",
        [this](Commands &c) { return c.top(show_.tunnel, json_); },
        "not live: the rates of one second");
    top->add_option("TUNNEL", show_.tunnel, "Only this one");
    top->footer("Keys: r received, t sent, h handshake, p peer: the order; j, k, cursor and "
                "page keys scroll; q quits.\n"
                "Example: wgxdp top wg0");

    add(
        app_, "doctor",
        "Examine kernel, NICs and daemon, and say what to do about what is found; status 1 when "
        "there are problems",
        "wgxdp doctor", [this](Commands &c) { return c.doctor(json_); },
        "{\"problems\": N, \"findings\": [...]}");
    add(
        app_, "drops", "Count dropped packets by reason: total, then by CPU", "wgxdp drops",
        [this](Commands &c) { return c.drops(json_); },
        "{\"drops\": {...}, \"daemon_drops\": {...}}");
}

void CommandLine::add_file_commands()
{
    auto *down = add(app_, "down", "Remove a tunnel and what `up` made with it", "wgxdp down wg0",
                     [this](Commands &c) { return c.down(name_); });
    auto *reload = add(app_, "reload",
                       "Make a running tunnel what its file says now; peers that stay keep their "
                       "sessions",
                       "wgxdp reload wg0", [this](Commands &c) { return c.reload(name_); });
    auto *save = add(app_, "save", "Write a running tunnel back into its file", "wgxdp save wg0",
                     [this](Commands &c) { return c.save(name_); });
    for (CLI::App *command : {down, reload, save})
        command
            ->add_option("TUNNEL", name_,
                         "The interface's name, or the file it was made from when that is in none "
                         "of the usual places")
            ->required();
}

void CommandLine::add_nic_commands()
{
    auto *attach = add(
        app_, "attach", "Receive tunnel packets on a NIC in eBPF; starts the daemon when none runs",
        "wgxdp attach eth0 --mode native", [this](Commands &c) { return c.attach(name_, mode_); });
    attach->add_option("NIC", name_, "The network interface")->required();
    attach
        ->add_option("--mode", mode_,
                     "native (XDP in the driver), tc, or auto: native where it works")
        ->type_name("auto|native|tc");

    auto *detach = add(app_, "detach", "Leave a NIC: its tunnel packets go through the daemon",
                       "wgxdp detach eth0", [this](Commands &c) { return c.detach(name_); });
    detach->add_option("NIC", name_, "The network interface")->required();
}

void CommandLine::add_peer_commands()
{
    auto *peer = app_.add_subcommand("peer", "Add, change or remove a peer of a tunnel");
    peer->require_subcommand(1);
    peer->footer("Example: wgxdp peer remove wg0 laptop");
    auto add_names = [this](CLI::App *command, const char *who, const char *help) {
        command->add_option("TUNNEL", peer_.tunnel, "The interface's name")->required();
        command->add_option(who, peer_.public_key, help)->required();
    };

    auto *set =
        add(*peer, "add", "Add a peer, or change what is named of one that is there",
            "wgxdp peer add wg0 xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg= \\\n"
            "             --endpoint vpn.example.org:51820 --allowed-ips 10.0.0.0/8,fd00::/8",
            [this](Commands &c) { return c.add_peer(peer_); });
    add_names(set, "PUBLIC_KEY", "The peer's, in base64");
    set->add_option("--name", peer_.name, "What people call it; \"\" for nothing")
        ->type_name("NAME");
    set->add_option("--endpoint", peer_.endpoints,
                    "Where it is, or may be: up to 8, by commas or by --endpoint again, in order "
                    "of preference")
        ->allow_extra_args(false)
        ->check([](const std::string &places) {
            return std::string(places.empty() ? "expected HOST:PORT, got nothing" : "");
        })
        ->type_name("HOST:PORT");
    set->add_option("--allowed-ips", peer_.allowed_ips,
                    "All its prefixes, separated by commas; \"\" for none")
        ->type_name("A,B");
    set->add_option("--preshared-key", peer_.preshared_key_file,
                    "A file with the key in base64; an empty file clears it")
        ->type_name("FILE");
    set->add_option("--persistent-keepalive", peer_.persistent_keepalive, "0 to 65535, or off")
        ->type_name("SECONDS|off");
    set->add_option("--rate-limit", peer_.rate_limit, "Bytes a second each way, like 10M; or off")
        ->type_name("BYTES|off");
    set->add_option("--quota", peer_.quota, "Bytes both ways together, like 5G; or off")
        ->type_name("BYTES|off");
    set->add_option("--quota-used", peer_.quota_used, "How much of it is used; 0 begins anew")
        ->type_name("BYTES");

    auto *remove =
        add(*peer, "remove", "Remove a peer and its sessions", "wgxdp peer remove wg0 laptop",
            [this](Commands &c) { return c.remove_peer(peer_.tunnel, peer_.public_key); });
    add_names(remove, "PEER", "Its public key, or its name");
}

void CommandLine::add_key_commands()
{
    add(
        app_, "genkey", "Print a new private key", "(umask 077; wgxdp genkey > private.key)",
        [this](Commands &) { return generate_private_key(environment_, json_); },
        "{\"private_key\": \"...\"}");
    add(
        app_, "genpsk", "Print a new preshared key", "(umask 077; wgxdp genpsk > preshared.key)",
        [this](Commands &) { return generate_preshared_key(environment_, json_); },
        "{\"preshared_key\": \"...\"}");
    add(
        app_, "pubkey", "Read a private key from standard input and print its public key",
        "wgxdp pubkey < private.key",
        [this](Commands &) { return print_public_key(environment_, json_); },
        "{\"public_key\": \"...\"}");
}

tl::unexpected<Error> no_command(const std::string &text)
{
    return failure(EINVAL, "{} is not a command (see wgxdp --help)", in_quotes(text));
}

Result<> CommandLine::parse(std::vector<std::string> arguments)
{
    try {
        std::reverse(arguments.begin(), arguments.end()); // CLI11 takes them from the back
        app_.parse(std::move(arguments));
    } catch (const CLI::Success &request) { // --help, --version
        app_.exit(request, environment_.out, environment_.err);
        action_ = [](Commands &) { return Result<>(); };
        return {};
    } catch (const CLI::RequiredError &error) {
        if (interface_) // it follows a command that wants another
            return no_command(*interface_);
        return failure(EINVAL, "{} (see wgxdp --help)", error.what());
    } catch (const CLI::ExtrasError &error) {
        if (interface_ && app_.get_subcommands().empty()) // an interface stands alone
            return no_command(*interface_);
        return failure(EINVAL, "{} (see wgxdp --help)", error.what());
    } catch (const CLI::Error &error) {
        return failure(EINVAL, "{} (see wgxdp --help)", error.what());
    }
    if (action_ && interface_)
        return failure(EINVAL, "{} was not expected (see wgxdp --help)", in_quotes(*interface_));
    if (!action_ && !interface_)
        return failure(EINVAL, "a command or an interface is required (see wgxdp --help)");
    if (interface_)
        action_ = [this](Commands &commands) { return commands.make_bare(*interface_); };
    return {};
}

/// For completions/: no command of people, and its words are not understood yet.
Result<> CommandLine::print_completions(const std::vector<std::string> &words)
{
    const auto option = std::ranges::find(words, "--instance");
    if (const char *instance = std::getenv("WGXDP_INSTANCE"))
        instance_ = instance;
    if (words.end() - option > 2) // and the name is typed to its end
        instance_ = option[1];
    Commands commands(environment_, WG_TRY(at("--instance", parse_instance(instance_))));
    for (const std::string &word :
         complete(app_, words, [&](const std::string &kind, const std::string &tunnel) {
             return commands.values_of(kind, tunnel);
         }))
        environment_.out << word << '\n';
    return {};
}

Result<> CommandLine::run(std::vector<std::string> arguments)
{
    if (!arguments.empty() && arguments.front() == "complete") {
        arguments.erase(arguments.begin());
        return print_completions(arguments);
    }
    WG_TRY(parse(std::move(arguments)));
    if (json_)
        environment_.programs.spare_output();
    Commands commands(environment_, WG_TRY(at("--instance", parse_instance(instance_))));
    try {
        return action_(commands);
    } catch (const Json::exception &) {
        return failure(EPROTO, "the daemon's answer is not understood: is it of another version?");
    }
}

} // namespace

int run_cli(Environment &environment, std::vector<std::string> arguments)
{
    const bool json = std::ranges::find(arguments, JSON_FLAG) != arguments.end();
    CommandLine command_line(environment);
    auto result = command_line.run(std::move(arguments));
    if (result)
        return 0;
    const std::string &what = result.error().what;
    if (json)
        environment.err << Json{{"error", what}}.dump(-1, ' ', false,
                                                      Json::error_handler_t::replace);
    else
        environment.err << "wgxdp: " << what;
    environment.err << '\n';
    return 1;
}

} // namespace wg
