// SPDX-License-Identifier: MIT
#include "api/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace wg {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path))
        return failure(ENAMETOOLONG, "{}: longer than the {} characters of a socket's path",
                       path.native(), sizeof(address.sun_path) - 1);
    path.native().copy(address.sun_path, path.native().size());
    return address;
}

Fd open_socket()
{
    return Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// Only a socket that refuses connections is dead: one whose backlog is full does not.
Result<> remove_dead_socket(const std::filesystem::path &path)
{
    struct stat present{};
    if (lstat(path.c_str(), &present) != 0)
        return {};
    if (!S_ISSOCK(present.st_mode))
        return failure(EEXIST, "{}: exists and is not a socket", path.native());
    const auto address = WG_TRY(address_of(path));
    const Fd probe = open_socket();
    if (!probe)
        return system_failure(errno, "{}", path.native());
    if (connect(probe.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0 ||
        errno != ECONNREFUSED)
        return failure(EADDRINUSE, "{}: another process listens there", path.native());
    unlink(path.c_str());
    return {};
}

/// Bound and listening under a name of its own: nobody can meet one that does not listen yet.
Result<Fd> listen_on(const std::filesystem::path &path)
{
    const auto address = WG_TRY(address_of(path));
    unlink(path.c_str());
    Fd fd = open_socket();
    // The file gets the socket's own mode when it is bound.
    if (!fd || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
        bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0) {
        int error = errno;
        unlink(path.c_str());
        return system_failure(error, "{}", path.native());
    }
    return fd;
}

} // namespace

Result<UnixSocket> UnixSocket::listen(const std::filesystem::path &path)
{
    // Two daemons that want the same name take turns, so that neither removes the other's.
    const Fd directory(open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory)
        flock(directory.get(), LOCK_EX);
    WG_TRY(remove_dead_socket(path));
    auto fresh = path;
    fresh += ".new";
    UnixSocket made;
    made.path_ = path;
    made.fd_ = WG_TRY(listen_on(fresh));
    struct stat status{};
    if (stat(fresh.c_str(), &status) != 0 || rename(fresh.c_str(), path.c_str()) != 0) {
        int error = errno;
        unlink(fresh.c_str());
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
