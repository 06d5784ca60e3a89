// SPDX-License-Identifier: MIT
#include "net/netlink_socket.h"

#include <string>

#include <netlink/netlink.h>
#include <netlink/socket.h>

namespace wg {
namespace {

/// What libnl's callbacks gather about one request.
struct Conversation {
    const NetlinkSocket::OnMessage *on_message;
    bool finished = false;
    bool interrupted = false;
    int error = 0;
    std::string explanation{}; // the kernel's extended acknowledgement
};

Conversation &conversation_of(void *argument)
{
    return *static_cast<Conversation *>(argument);
}

int on_answer(nl_msg *message, void *argument)
{
    const auto &on_message = *conversation_of(argument).on_message;
    if (on_message)
        on_message(*nlmsg_hdr(message));
    return NL_OK;
}

int on_acknowledged(nl_msg *, void *argument)
{
    conversation_of(argument).finished = true;
    return NL_STOP;
}

/// The end of a dump carries its verdict.
int on_dump_done(nl_msg *message, void *argument)
{
    auto &conversation = conversation_of(argument);
    const nlmsghdr *header = nlmsg_hdr(message);
    if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(int)))
        conversation.error = -*static_cast<const int *>(NLMSG_DATA(header));
    conversation.finished = true;
    return NL_STOP;
}

int on_dump_interrupted(nl_msg *, void *argument)
{
    conversation_of(argument).interrupted = true;
    return NL_OK;
}

int on_refused(sockaddr_nl *, nlmsgerr *verdict, void *argument)
{
    auto &conversation = conversation_of(argument);
    conversation.error = -verdict->error;
    conversation.finished = true;
    // libnl hands over the middle of the message; NETLINK_CAP_ACK leaves out the echo of our
    // request.
    const auto *header =
        reinterpret_cast<const nlmsghdr *>(reinterpret_cast<const char *>(verdict) - NLMSG_HDRLEN);
    if (header->nlmsg_flags & NLM_F_ACK_TLVS)
        conversation.explanation =
            AttributeTable<NLMSGERR_ATTR_MAX>(*header, sizeof(nlmsgerr)).string(NLMSGERR_ATTR_MSG);
    return NL_STOP;
}

using Callbacks = std::unique_ptr<nl_cb, decltype([](nl_cb *callbacks) { nl_cb_put(callbacks); })>;

Callbacks callbacks_for(Conversation &conversation)
{
    Callbacks callbacks(nl_cb_alloc(NL_CB_DEFAULT));
    if (!callbacks)
        return callbacks;
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_answer, &conversation);
    nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_acknowledged, &conversation);
    nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_dump_done, &conversation);
    nl_cb_set(callbacks.get(), NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_dump_interrupted, &conversation);
    nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_refused, &conversation);
    return callbacks;
}

} // namespace

void NetlinkSocket::Deleter::operator()(nl_sock *socket) const
{
    nl_socket_free(socket);
}

Result<NetlinkSocket> NetlinkSocket::open()
{
    std::unique_ptr<nl_sock, Deleter> socket(nl_socket_alloc());
    if (!socket)
        return failure(ENOMEM, "rtnetlink: no memory for a socket");
    if (int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
        return failure(EIO, "rtnetlink: cannot connect: {}", nl_geterror(error));
    nl_socket_enable_msg_peek(socket.get()); // answers of any length
    int on = 1;
    for (int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK}) {
        if (setsockopt(nl_socket_get_fd(socket.get()), SOL_NETLINK, option, &on, sizeof(on)) != 0)
            return system_failure(errno, "rtnetlink: ask for explained errors");
    }
    return NetlinkSocket(std::move(socket));
}

Result<> NetlinkSocket::request(const NetlinkMessage &message,
                                std::string_view what,
                                const OnMessage &on_message)
{
    Conversation conversation{.on_message = &on_message};
    auto callbacks = callbacks_for(conversation);
    if (!callbacks)
        return failure(ENOMEM, "{}: no memory", what);

    nlmsg_hdr(message.get())->nlmsg_seq = NL_AUTO_SEQ; // the message may be sent again
    if (int error = nl_send_auto(socket_.get(), message.get()); error < 0)
        return failure(EIO, "{}: cannot send the request: {}", what, nl_geterror(error));
    while (!conversation.finished) {
        int error = nl_recvmsgs(socket_.get(), callbacks.get());
        if (error < 0 && !conversation.finished)
            return failure(EIO, "{}: cannot read the answer: {}", what, nl_geterror(error));
    }
    if (conversation.interrupted)
        return system_failure(EINTR, "{}", what);
    if (conversation.error == 0)
        return {};
    if (conversation.explanation.empty())
        return system_failure(conversation.error, "{}", what);
    return system_failure(conversation.error, "{}: {}", what, conversation.explanation);
}

} // namespace wg
