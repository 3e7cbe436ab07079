#include "loadgen/drive/stamped_io.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "net/io/epoll/epoll_receive.h"

namespace httpdyno::io {

template class BasicEpollIo<loadgen::StampedReceive>;

}  // namespace httpdyno::io

namespace httpdyno::loadgen {

static_assert(io::Backend<StampedIo>);

namespace {

constexpr int kStamps = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                        SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
// Its count begins with the next octet that is sent, so the connection has to be made.
constexpr int kNumberedStamps = kStamps | SOF_TIMESTAMPING_OPT_ID;

Error ask_for_stamps(int fd, int kinds) {
  if (::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &kinds, sizeof kinds) != 0)
    return last_error("SO_TIMESTAMPING");
  return {};
}

// Room for the control messages of one recvmsg(): the stamps, and what the error queue says about them.
using Control = std::array<char, CMSG_SPACE(sizeof(scm_timestamping)) +
                                     CMSG_SPACE(sizeof(sock_extended_err) + sizeof(sockaddr_in6))>;

template <class T>
T content(const cmsghdr* message) {
  T out;
  std::memcpy(&out, CMSG_DATA(message), sizeof out);
  return out;
}

template <class Visit>
void each_message(msghdr& header, Visit visit) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each))
    visit(each);
}

// The stamp by software; none is zero.
std::optional<RealTime> stamp_in(const cmsghdr* message) {
  if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_TIMESTAMPING) return {};
  const RealTime stamp = to_real_time(content<scm_timestamping>(message).ts[0]);
  if (stamp == RealTime{}) return {};
  return stamp;
}

}  // namespace

ssize_t StampedReceive::take(int fd, std::span<char> into) {
  iovec octets{into.data(), into.size()};
  alignas(cmsghdr) Control control;
  msghdr header{};
  header.msg_iov = &octets;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  stamp_.reset();
  const ssize_t count = ::recvmsg(fd, &header, 0);
  if (count > 0) {
    each_message(header, [this](const cmsghdr* message) {
      if (const auto stamp = stamp_in(message)) stamp_ = stamp;
    });
  }
  return count;
}

Error StampedIo::stamp(io::ConnId id) { return ask_for_stamps(expect(id).fd, kNumberedStamps); }

std::optional<SentStamp> StampedIo::next_sent(io::ConnId id) {
  for (;;) {
    alignas(cmsghdr) Control control;
    msghdr header{};
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (::recvmsg(expect(id).fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      return {};
    }
    std::optional<RealTime> at;
    std::optional<std::uint32_t> last;
    each_message(header, [&](const cmsghdr* message) {
      if (const auto stamp = stamp_in(message)) at = stamp;
      const bool v4 = message->cmsg_level == SOL_IP && message->cmsg_type == IP_RECVERR;
      const bool v6 = message->cmsg_level == SOL_IPV6 && message->cmsg_type == IPV6_RECVERR;
      if (!v4 && !v6) return;
      const auto about = content<sock_extended_err>(message);
      if (about.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && about.ee_info == SCM_TSTAMP_SND)
        last = about.ee_data;
    });
    if (at && last) return SentStamp{*last, *at};
  }
}

Error begin_stamping(const io::Address& server, io::Fd& keeper) {
  keeper = io::Fd(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!keeper) return last_error("socket");
  return ask_for_stamps(keeper.get(), kStamps);
}

}  // namespace httpdyno::loadgen
