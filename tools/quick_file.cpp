// SPDX-License-Identifier: MIT
#include "tools/quick_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

#include <sys/stat.h>

namespace wg {
namespace {

constexpr std::string_view CONFIG_SUFFIX = ".conf";
constexpr mode_t EVERYBODY = 07;

/// wg-quick's rule: the name stands in hooks and in firewall rules.
constexpr TextForm<std::string> QUICK_NAME{
    "a name of letters, digits, '_', '=', '+', '.' and '-'",
    [](std::string_view text) -> Result<std::string> {
        const auto is_good = [](unsigned char c) {
            return std::isalnum(c) != 0 ||
                   std::string_view("_=+.-").find(static_cast<char>(c)) != std::string_view::npos;
        };
        if (!std::ranges::all_of(text, is_good))
            return failure(EINVAL, "malformed");
        return std::string(text);
    }};

bool is_config_path(const std::string &text)
{
    return text.find('/') != std::string::npos || text.ends_with(CONFIG_SUFFIX);
}

Result<std::string> read_file(const std::filesystem::path &path)
{
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        return system_failure(EISDIR, "{}", path.native());
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return system_failure(errno, "{}", path.native());
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (file.bad())
        return system_failure(EIO, "{}", path.native());
    return text;
}

Result<std::filesystem::path> find_config(const Environment &environment, const std::string &name)
{
    if (is_config_path(name))
        return std::filesystem::path(name);
    std::string tried;
    for (const auto &directory : environment.config_directories) {
        auto path = directory / (name + std::string(CONFIG_SUFFIX));
        std::error_code error;
        if (std::filesystem::exists(path, error) || error == std::errc::permission_denied)
            return path; // reading it says what is wrong
        tried += fmt::format("{}{}", tried.empty() ? "" : " nor ", path.native());
    }
    return failure(ENOENT, "{}: there is neither {}", name, tried);
}

void warn_of_readers(Environment &environment, const std::filesystem::path &path)
{
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    struct stat file{}, directory{};
    if (stat(real.c_str(), &file) == 0 && stat(real.parent_path().c_str(), &directory) == 0 &&
        (file.st_mode & directory.st_mode & EVERYBODY) != 0)
        environment.err << fmt::format("Warning: `{}' is world accessible\n", path.native());
}

} // namespace

std::string tunnel_name(const std::string &text)
{
    auto name = is_config_path(text) ? std::filesystem::path(text).filename().string() : text;
    if (name.ends_with(CONFIG_SUFFIX))
        name.resize(name.size() - CONFIG_SUFFIX.size());
    return name;
}

Result<QuickFile> read_quick_file(Environment &environment, const std::string &text)
{
    QuickFile file{.name = tunnel_name(text), .path = {}, .config = {}};
    WG_TRY(at("name", read_text(INTERFACE_NAME, file.name)));
    WG_TRY(at("name", read_text(QUICK_NAME, file.name)));
    file.path = WG_TRY(find_config(environment, text));
    const auto content = WG_TRY(read_file(file.path));
    file.config = WG_TRY(parse_config(content, file.path.native()));
    warn_of_readers(environment, file.path);
    return file;
}

Result<QuickFile> read_quick_file_if_any(Environment &environment, const std::string &text)
{
    if (is_config_path(text) || find_config(environment, text))
        return read_quick_file(environment, text);
    return QuickFile{.name = text, .path = {}, .config = {}};
}

} // namespace wg
