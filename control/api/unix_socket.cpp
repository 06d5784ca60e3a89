// SPDX-License-Identifier: MIT
#include "api/unix_socket.h"

#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace wg {
namespace {

std::optional<sockaddr_un> address_of(const std::filesystem::path &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path))
        return std::nullopt;
    path.native().copy(address.sun_path, path.native().size());
    return address;
}

Fd open_socket()
{
    return Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int call_with(int (*call)(int, const sockaddr *, socklen_t),
              const Fd &fd,
              const sockaddr_un &address)
{
    return call(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address));
}

tl::unexpected<Error> in_use(const std::filesystem::path &path)
{
    return failure(EADDRINUSE, "{}: another process listens there", path.native());
}

/// Only a socket that refuses connections is dead: one whose backlog is full does not.
Result<> remove_dead_socket(const std::filesystem::path &path, const sockaddr_un &address)
{
    struct stat present{};
    if (lstat(path.c_str(), &present) != 0)
        return {};
    if (!S_ISSOCK(present.st_mode))
        return failure(EEXIST, "{}: exists and is not a socket", path.native());
    const Fd probe = open_socket();
    if (!probe)
        return system_failure(errno, "{}", path.native());
    if (call_with(connect, probe, address) == 0 || errno != ECONNREFUSED)
        return in_use(path);
    unlink(path.c_str());
    return {};
}

/// `path`: for the error.
Result<Fd>
listen_on(const sockaddr_un &address, const std::filesystem::path &path, std::optional<gid_t> group)
{
    unlink(address.sun_path); // of a process that had our number and died just here
    Fd fd = open_socket();
    // The file gets the socket's own mode when it is bound.
    if (!fd || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 || call_with(bind, fd, address) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0)
        return system_failure(errno, "{}", path.native());
    if (group && (chown(address.sun_path, static_cast<uid_t>(-1), *group) != 0 ||
                  chmod(address.sun_path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0)) {
        const int error = errno;
        unlink(address.sun_path);
        return system_failure(error, "{}: give it to group {}", path.native(), *group);
    }
    return fd;
}

} // namespace

/* Bound and listening under a name of its own first: nobody can meet one that does not listen yet.
 */
Result<UnixSocket> UnixSocket::listen(const std::filesystem::path &path, std::optional<gid_t> group)
{
    auto fresh = path;
    fresh += fmt::format(".{}", getpid());
    const auto address = address_of(path), fresh_address = address_of(fresh);
    if (!address || !fresh_address)
        return failure(ENAMETOOLONG, "{}: too long for a socket's name", path.native());
    WG_TRY(remove_dead_socket(path, *address));
    UnixSocket made;
    made.path_ = path;
    made.fd_ = WG_TRY(listen_on(*fresh_address, path, group));
    struct stat status{};
    if (stat(fresh.c_str(), &status) != 0 ||
        renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
        const int error = errno;
        unlink(fresh.c_str());
        if (error == EEXIST) // somebody was faster
            return in_use(path);
        return system_failure(error, "{}", path.native());
    }
    made.device_ = status.st_dev;
    made.inode_ = status.st_ino;
    return made;
}

bool UnixSocket::has_name() const
{
    struct stat status{};
    return lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
           status.st_ino == inode_;
}

void UnixSocket::remove_name() const
{
    if (has_name())
        unlink(path_.c_str());
}

} // namespace wg
