// SPDX-License-Identifier: MIT
#include "tools/keys.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "api/text_form.h"
#include "base/encoding.h"

namespace wg {
namespace {

constexpr std::size_t MAX_KEY_TEXT = 4096; // white space after a key included

Key random_key()
{
    Key key;
    randombytes_buf(key.mutable_bytes().data(), key.bytes().size());
    return key;
}

void print_key(Environment &environment, const char *name, Bytes key, bool json)
{
    if (json)
        environment.out << nlohmann::json{{name, to_base64(key)}}.dump(2) << '\n';
    else
        environment.out << to_base64(key) << '\n';
}

void print_secret(Environment &environment, const char *name, const Key &key, bool json)
{
    struct stat output{};
    if (fstat(STDOUT_FILENO, &output) == 0 && S_ISREG(output.st_mode) &&
        (output.st_mode & S_IRWXO) != 0)
        environment.err << "Warning: writing to world accessible file.\n"
                           "Consider setting the umask to 077 and trying again.\n";
    print_key(environment, name, key.bytes(), json);
}

std::string read_all(std::istream &in)
{
    std::string text(MAX_KEY_TEXT + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    text.erase(text.find_last_not_of(std::string_view(" \t\r\n\v\f\0", 7)) + 1);
    return text;
}

} // namespace

Result<> generate_private_key(Environment &environment, bool json)
{
    Key key = random_key();
    key.mutable_bytes()[0] &= 248; // the clamping of RFC 7748
    key.mutable_bytes()[31] &= 127;
    key.mutable_bytes()[31] |= 64;
    print_secret(environment, "private_key", key, json);
    return {};
}

Result<> generate_preshared_key(Environment &environment, bool json)
{
    print_secret(environment, "preshared_key", random_key(), json);
    return {};
}

Result<> print_public_key(Environment &environment, bool json)
{
    auto key = WG_TRY(at("standard input", read_text(SECRET_KEY, read_all(environment.in))));
    PublicKey public_key{};
    crypto_scalarmult_base(public_key.data(), key.bytes().data());
    print_key(environment, "public_key", public_key, json);
    return {};
}

Result<Key> read_key_file(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return system_failure(errno, "{}", path);
    auto text = read_all(file);
    if (file.bad()) // a directory, say
        return system_failure(errno, "{}", path);
    if (text.empty())
        return Key();
    return at(path, read_text(SECRET_KEY, text));
}

} // namespace wg
