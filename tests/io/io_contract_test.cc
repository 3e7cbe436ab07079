// The contract of net/io/io.h, held against every backend. The peers are plain blocking sockets.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/io/epoll/epoll_io.h"
#include "net/io/io.h"

namespace httpdyno::io {
namespace {

using namespace std::string_literals;

class Peer {
 public:
  explicit Peer(const Address& address) : fd_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{5, 0};  // no test hangs
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_.get(), address.get(), address.size) == 0;
  }
  bool connected() const { return connected_; }
  void write(std::string_view text) {
    ASSERT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  std::string read(std::size_t count) {
    std::string text(count, '\0');
    const ssize_t got = ::recv(fd_.get(), text.data(), count, MSG_WAITALL);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  void end() { ::shutdown(fd_.get(), SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    fd_.reset();
  }

 private:
  Fd fd_;
  bool connected_ = false;
};

template <class Io>
class IoContract : public testing::Test {
 protected:
  void SetUp() override {
    Address wanted;
    ASSERT_FALSE(parse_address("127.0.0.1", 0, wanted));
    Listener listener;
    ASSERT_FALSE(listen(wanted, 16, {&listener, 1}, address_));
    ASSERT_FALSE(io_->open(std::move(listener)));
  }

  struct Seen {
    Event event;
    int error;
    ConnId id;
    std::size_t count;
    std::string bytes;
    Socket socket;
  };

  // Turns until `enough` holds for what has been seen since the call, or two seconds have passed.
  template <class Enough>
  std::vector<Seen> turn_until(Enough enough) {
    std::vector<Seen> seen;
    const Time end = read_clock() + 2s;
    while (!enough(seen) && read_clock() < end) {
      EXPECT_FALSE(io_->wait(20ms));
      while (const Completion* c = io_->next()) {
        seen.push_back(
            {c->event, c->error, c->id, c->count, std::string(c->bytes.data(), c->bytes.size()), c->socket});
      }
    }
    return seen;
  }
  std::vector<Seen> turn_until_count(std::size_t count) {
    return turn_until([count](const std::vector<Seen>& seen) { return seen.size() >= count; });
  }
  // What happens within a while in which nothing should.
  std::vector<Seen> turn_quietly() {
    std::vector<Seen> seen;
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(io_->wait(10ms));
      while (const Completion* c = io_->next()) {
        seen.push_back(
            {c->event, c->error, c->id, c->count, std::string(c->bytes.data(), c->bytes.size()), c->socket});
      }
    }
    return seen;
  }

  std::unique_ptr<Peer> accept_peer(ConnId id) {
    auto peer = std::make_unique<Peer>(address_);
    EXPECT_TRUE(peer->connected());
    io_->accept_start();
    const auto seen = turn_until_count(1);
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen.at(0).event, Event::accepted);
    EXPECT_FALSE(io_->attach(id, seen.at(0).socket));
    return peer;
  }

  // The bytes of one connection's `received` completions, joined.
  static std::string joined(const std::vector<Seen>& seen) {
    std::string text;
    for (const Seen& one : seen) text += one.bytes;
    return text;
  }

  std::unique_ptr<Io> io_ = std::make_unique<Io>();
  Address address_;
};

using Backends = testing::Types<EpollIo>;
TYPED_TEST_SUITE(IoContract, Backends);

TYPED_TEST(IoContract, NothingIsAcceptedBeforeItIsAsked) {
  Peer peer(this->address_);
  ASSERT_TRUE(peer.connected());
  EXPECT_TRUE(this->turn_quietly().empty());
  this->io_->accept_start();
  const auto seen = this->turn_until_count(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::accepted);
  this->io_->discard(seen[0].socket);
  EXPECT_EQ(peer.read(1), "");  // closed
}

TYPED_TEST(IoContract, AcceptingStopsAndGoesOn) {
  this->io_->accept_start();
  this->io_->accept_stop();
  Peer one(this->address_);
  Peer two(this->address_);
  EXPECT_TRUE(this->turn_quietly().empty());
  this->io_->accept_start();
  const auto seen = this->turn_until_count(2);
  ASSERT_EQ(seen.size(), 2U);
  for (const auto& one_seen : seen) this->io_->discard(one_seen.socket);
}

TYPED_TEST(IoContract, ReceivesAndSends) {
  const ConnId id{3, 7};
  auto peer = this->accept_peer(id);
  peer->write("hello");
  const auto received = this->turn_until_count(1);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received[0].event, Event::received);
  EXPECT_EQ(received[0].id, id);
  EXPECT_EQ(received[0].bytes, "hello");

  this->io_->send(id, "world");
  const auto sent = this->turn_until_count(1);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].event, Event::sent);
  EXPECT_EQ(sent[0].count, 5U);
  EXPECT_EQ(peer->read(5), "world");
}

TYPED_TEST(IoContract, BytesThatCameBeforeTheAttachAreReported) {
  Peer peer(this->address_);
  peer.write("early");
  this->io_->accept_start();
  const auto accepted = this->turn_until_count(1);
  ASSERT_EQ(accepted.size(), 1U);
  ASSERT_FALSE(this->io_->attach({0, 0}, accepted[0].socket));
  EXPECT_EQ(this->joined(this->turn_until_count(1)), "early");
}

TYPED_TEST(IoContract, TheEndOfTheStreamIsReportedOnceAndAfterTheBytes) {
  auto peer = this->accept_peer({0, 0});
  peer->write("last words");
  peer->end();
  const auto seen = this->turn_until_count(2);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].bytes, "last words");
  EXPECT_EQ(seen[1].bytes, "");
  EXPECT_EQ(seen[1].error, 0);
  EXPECT_TRUE(this->turn_quietly().empty());
  // Half-closed: the other direction still works.
  this->io_->send({0, 0}, "answer");
  EXPECT_EQ(this->turn_until_count(1).at(0).count, 6U);
  EXPECT_EQ(peer->read(6), "answer");
}

TYPED_TEST(IoContract, AResetIsAnError) {
  auto peer = this->accept_peer({0, 0});
  peer->reset();
  const auto seen = this->turn_until_count(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::received);
  EXPECT_EQ(seen[0].error, ECONNRESET);
  EXPECT_TRUE(this->turn_quietly().empty());
}

TYPED_TEST(IoContract, WithReceivingOffNothingIsReadAndNothingIsLost) {
  auto peer = this->accept_peer({0, 0});
  this->io_->recv_stop({0, 0});
  peer->write("patience");
  peer->end();
  EXPECT_TRUE(this->turn_quietly().empty());
  this->io_->recv_start({0, 0});
  const auto seen = this->turn_until_count(2);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].bytes, "patience");
  EXPECT_EQ(seen[1].bytes, "");
}

TYPED_TEST(IoContract, WithReceivingOffAPeersEndDoesNotSpin) {
  auto peer = this->accept_peer({0, 0});
  this->io_->recv_stop({0, 0});
  peer->write("x");
  peer->reset();
  this->turn_quietly();
  // A backend that spins returns from wait() at once, again and again.
  int turns = 0;
  for (const Time end = read_clock() + 200ms; read_clock() < end; ++turns) {
    ASSERT_FALSE(this->io_->wait(100ms));
    while (this->io_->next() != nullptr) {
    }
  }
  EXPECT_LE(turns, 10);
}

TYPED_TEST(IoContract, ALongStreamArrivesWholeAndInOrder) {
  auto peer = this->accept_peer({0, 0});
  std::string text(3'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  std::thread writer([&] { peer->write(text); });
  std::string got;
  this->turn_until([&](const auto& seen) {
    got = this->joined(seen);
    return got.size() >= text.size();
  });
  writer.join();
  EXPECT_EQ(got, text);
}

// Two connections that always have bytes: both make progress in every drain.
TYPED_TEST(IoContract, AFloodDoesNotStarveItsNeighbour) {
  auto flood = this->accept_peer({0, 0});
  auto quiet = this->accept_peer({1, 0});
  flood->write(std::string(200'000, 'f'));
  quiet->write("q");
  bool quiet_seen = false;
  for (int turn = 0; turn < 3 && !quiet_seen; ++turn) {
    ASSERT_FALSE(this->io_->wait(100ms));
    while (const Completion* c = this->io_->next()) quiet_seen |= c->id == ConnId{1, 0};
  }
  EXPECT_TRUE(quiet_seen);
}

TYPED_TEST(IoContract, AStuckSendGoesOnWhenThePeerReads) {
  auto peer = this->accept_peer({0, 0});
  std::string text(8'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  std::string_view left = text;
  this->io_->send({0, 0}, left);
  // Until it is stuck: the kernel's buffers are smaller than this.
  for (bool progress = true; progress;) {
    progress = false;
    for (const auto& seen : this->turn_quietly()) {
      ASSERT_EQ(seen.event, Event::sent);
      ASSERT_EQ(seen.error, 0);
      left.remove_prefix(seen.count);
      ASSERT_FALSE(left.empty());
      this->io_->send({0, 0}, left);
      progress = true;
    }
  }
  std::string got;
  std::thread reader([&] { got = peer->read(text.size()); });
  for (const Time end = read_clock() + 5s; !left.empty() && read_clock() < end;) {
    ASSERT_FALSE(this->io_->wait(20ms));
    while (const Completion* c = this->io_->next()) {
      ASSERT_EQ(c->event, Event::sent);
      left.remove_prefix(c->count);
      if (!left.empty()) this->io_->send({0, 0}, left);
    }
  }
  reader.join();
  EXPECT_EQ(got, text);
}

TYPED_TEST(IoContract, SendingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  auto peer = this->accept_peer({0, 0});
  this->io_->recv_stop({0, 0});
  peer->reset();
  this->turn_quietly();
  this->io_->send({0, 0}, "anybody?");
  const auto seen = this->turn_until_count(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::sent);
  EXPECT_TRUE(seen[0].error == EPIPE || seen[0].error == ECONNRESET) << seen[0].error;
}

TYPED_TEST(IoContract, ShutdownEndsTheStreamBehindWhatWasSent) {
  auto peer = this->accept_peer({0, 0});
  this->io_->send({0, 0}, "bye");
  this->turn_until_count(1);
  this->io_->shutdown_send({0, 0});
  EXPECT_EQ(peer->read(10), "bye");
  // Our receiving side is still open.
  peer->write("late");
  EXPECT_EQ(this->joined(this->turn_until_count(1)), "late");
}

TYPED_TEST(IoContract, ClosedIsTheLastCompletion) {
  auto peer = this->accept_peer({5, 1});
  peer->write("never read");
  this->io_->send({5, 1}, "never reported");
  this->io_->close({5, 1});
  const auto seen = this->turn_until_count(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::closed);
  EXPECT_EQ(seen[0].id, (ConnId{5, 1}));
  EXPECT_TRUE(this->turn_quietly().empty());
}

// P2: an event of a connection that was closed earlier in the same batch must not reach the one that took its
// place, even where the kernel gave the same descriptor again.
TYPED_TEST(IoContract, AStaleEventDoesNotReachTheNextOwnerOfThePlace) {
  auto closing = this->accept_peer({0, 0});
  auto stale = this->accept_peer({1, 0});
  closing->write("close the other");
  stale->write("old bytes");
  Peer next(this->address_);
  ASSERT_FALSE(this->io_->wait(100ms));
  std::vector<ConnId> received;
  bool replaced = false;
  while (const Completion* c = this->io_->next()) {
    if (c->event == Event::received) received.push_back(c->id);
    if (c->event == Event::received && !replaced) {
      // Whichever came first, the other is closed and its place given to a new connection at once.
      const ConnId victim = c->id.index == 0 ? ConnId{1, 0} : ConnId{0, 0};
      this->io_->close(victim);
      replaced = true;
    }
    if (c->event == Event::accepted) {
      ASSERT_TRUE(replaced);
      ASSERT_FALSE(this->io_->attach({received[0].index == 0 ? 1U : 0U, 1}, c->socket));
    }
  }
  ASSERT_EQ(received.size(), 1U);
  next.write("new bytes");
  const auto seen = this->turn_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return one.event == Event::received; });
  });
  for (const auto& one : seen) {
    if (one.event != Event::received) continue;
    EXPECT_EQ(one.id.generation, 1U);
    EXPECT_EQ(one.bytes, "new bytes");
  }
}

TYPED_TEST(IoContract, WakesFromAnotherThreadAreMerged) {
  const auto waker = this->io_->waker();
  std::thread other([waker] {
    for (int i = 0; i < 1000; ++i) waker.wake();
  });
  other.join();
  const auto seen = this->turn_until_count(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].event, Event::woken);
  EXPECT_TRUE(this->turn_quietly().empty());  // P17: an eventfd that is not read must not spin
}

TYPED_TEST(IoContract, AWakeEndsAWaitThatIsUnderWay) {
  const auto waker = this->io_->waker();
  std::thread other([waker] { waker.wake(); });
  const Time begin = read_clock();
  ASSERT_FALSE(this->io_->wait(5s));
  EXPECT_LT(read_clock() - begin, 4s);
  ASSERT_NE(this->io_->next(), nullptr);
  other.join();
}

TYPED_TEST(IoContract, NowMovesOnlyWithWait) {
  const Time before = this->io_->now();
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(this->io_->now(), before);
  ASSERT_FALSE(this->io_->wait(0ms));
  EXPECT_GT(this->io_->now(), before);
}

TYPED_TEST(IoContract, AfterTheListenerIsClosedConnectsAreRefused) {
  this->io_->accept_start();
  this->io_->close_listener();
  EXPECT_FALSE(Peer(this->address_).connected());
  EXPECT_TRUE(this->turn_quietly().empty());
}

TYPED_TEST(IoContract, ConnectsToAServerAndReportsARefusal) {
  TypeParam client;
  ASSERT_FALSE(client.open());
  ASSERT_FALSE(client.connect({0, 0}, this->address_));
  ASSERT_FALSE(client.wait(2s));
  const Completion* c = client.next();
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->event, Event::connected);
  EXPECT_EQ(c->error, 0);

  this->io_->close_listener();
  const Error error = client.connect({1, 0}, this->address_);
  if (error) {
    EXPECT_EQ(error.code, ECONNREFUSED);
  } else {
    // The first connection, which nobody had accepted, is reset meanwhile.
    int refused = 0;
    for (const Time end = read_clock() + 2s; refused == 0 && read_clock() < end;) {
      while ((c = client.next()) != nullptr) {
        if (c->id != ConnId{1, 0}) continue;
        EXPECT_EQ(c->event, Event::connected);
        refused = c->error;
      }
      ASSERT_FALSE(client.wait(20ms));
    }
    EXPECT_EQ(refused, ECONNREFUSED);
  }
}

TEST(EpollIo, ALastingErrorEndsTheLoopInsteadOfSpinning) {
  EpollIo never_opened;
  EXPECT_EQ(never_opened.wait(0ms).code, EBADF);
}

}  // namespace
}  // namespace httpdyno::io
