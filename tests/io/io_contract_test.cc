// The contract of net/io/io.h, held against every backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loadgen/drive/stamped_io.h"
#include "net/io/epoll/epoll_io.h"
#include "net/io/io.h"
#include "tests/io/sim_host.h"
#include "tests/io/socket_host.h"

namespace httpdyno::io {
namespace {

using namespace std::string_literals;

// A host is a backend that listens, with what it takes to drive it: peers, and time.
template <class Host>
class IoContract : public testing::Test {
 protected:
  using Io = typename Host::Io;
  using Peer = typename Host::Peer;

  struct Seen {
    Event event;
    int error;
    ConnId id;
    std::size_t count;
    std::string bytes;
    Socket socket;
  };

  // Turns until `enough` holds for what has been seen since the call, or twenty seconds have passed: a machine may be slow.
  template <class Enough>
  std::vector<Seen> turn_until(Enough enough) {
    std::vector<Seen> seen;
    const Time end = host_.time() + 20s;
    while (!enough(seen) && host_.time() < end) {
      EXPECT_FALSE(host_.wait(20ms));
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
      EXPECT_FALSE(host_.wait(10ms));
      while (const Completion* c = io_->next()) {
        seen.push_back(
            {c->event, c->error, c->id, c->count, std::string(c->bytes.data(), c->bytes.size()), c->socket});
      }
    }
    return seen;
  }

  std::unique_ptr<Peer> accept_peer(ConnId id) {
    auto peer = std::make_unique<Peer>(host_);
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

  Host host_;
  Io* io_ = &host_.io;
};

// Every connection has stamps of what it sends, which nobody takes: they are no event and no error.
class UntakenStamps : public loadgen::StampedIo {
 public:
  Error attach(ConnId id, Socket socket) {
    if (Error error = StampedIo::attach(id, socket)) return error;
    return stamp(id);
  }
};

using Hosts = testing::Types<SocketHost<EpollIo>, SocketHost<UntakenStamps>, SimHost, SlowSimHost>;
TYPED_TEST_SUITE(IoContract, Hosts);

TYPED_TEST(IoContract, NothingIsAcceptedBeforeItIsAsked) {
  typename TestFixture::Peer peer(this->host_);
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
  typename TestFixture::Peer one(this->host_);
  typename TestFixture::Peer two(this->host_);
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
  typename TestFixture::Peer peer(this->host_);
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
  for (const Time end = this->host_.time() + 200ms; this->host_.time() < end; ++turns) {
    ASSERT_FALSE(this->host_.wait(100ms));
    while (this->io_->next() != nullptr) {
    }
  }
  EXPECT_LE(turns, 10);
}

TYPED_TEST(IoContract, ALongStreamArrivesWholeAndInOrder) {
  auto peer = this->accept_peer({0, 0});
  std::string text(3'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  const auto writing = peer->write_meanwhile(text);
  std::string got;
  this->turn_until([&](const auto& seen) {
    got = this->joined(seen);
    return got.size() >= text.size();
  });
  EXPECT_EQ(got.size(), text.size());
  EXPECT_TRUE(got == text);
}

// Two connections that always have bytes: both make progress in every drain.
TYPED_TEST(IoContract, AFloodDoesNotStarveItsNeighbour) {
  auto flood = this->accept_peer({0, 0});
  auto quiet = this->accept_peer({1, 0});
  const std::string noise(200'000, 'f');
  const auto writing = flood->write_meanwhile(noise);
  quiet->write("q");
  bool quiet_seen = false;
  for (int turn = 0; turn < 3 && !quiet_seen; ++turn) {
    ASSERT_FALSE(this->host_.wait(100ms));
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
  auto reading = peer->read_meanwhile(text.size());
  for (const Time end = this->host_.time() + 5s; !left.empty() && this->host_.time() < end;) {
    ASSERT_FALSE(this->host_.wait(20ms));
    while (const Completion* c = this->io_->next()) {
      ASSERT_EQ(c->event, Event::sent);
      left.remove_prefix(c->count);
      if (!left.empty()) this->io_->send({0, 0}, left);
    }
  }
  EXPECT_EQ(reading.get(), text);
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
  typename TestFixture::Peer next(this->host_);
  std::vector<ConnId> received;
  ConnId victim;
  Socket accepted;
  bool closed = false;
  bool attached = false;
  for (const Time end = this->host_.time() + 2s; !attached && this->host_.time() < end;) {
    ASSERT_FALSE(this->host_.wait(100ms));
    while (const Completion* c = this->io_->next()) {
      if (c->event == Event::received) received.push_back(c->id);
      if (c->event == Event::received && received.size() == 1) {
        // Whichever came first, the other is closed and its place given to a new connection at once.
        victim = c->id.index == 0 ? ConnId{1, 0} : ConnId{0, 0};
        this->io_->close(victim);
      }
      if (c->event == Event::accepted) accepted = c->socket;
      if (c->event == Event::closed) closed = true;
      if (closed && accepted.handle >= 0 && !attached) {
        ASSERT_FALSE(this->io_->attach({victim.index, 1}, accepted));
        attached = true;
      }
    }
  }
  ASSERT_TRUE(attached);
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
  const auto waking = this->host_.meanwhile([waker] { waker.wake(); });
  const Time begin = this->host_.time();
  ASSERT_FALSE(this->host_.wait(5s));
  EXPECT_LT(this->host_.time() - begin, 4s);
  ASSERT_NE(this->io_->next(), nullptr);
}

TYPED_TEST(IoContract, NowMovesOnlyWithWait) {
  const Time before = this->io_->now();
  this->host_.pass(2ms);
  EXPECT_EQ(this->io_->now(), before);
  ASSERT_FALSE(this->host_.wait(0ms));
  EXPECT_GT(this->io_->now(), before);
}

TYPED_TEST(IoContract, AfterTheListenerIsClosedConnectsAreRefused) {
  this->io_->accept_start();
  this->io_->close_listener();
  EXPECT_FALSE(typename TestFixture::Peer(this->host_).connected());
  EXPECT_TRUE(this->turn_quietly().empty());
}

TYPED_TEST(IoContract, ConnectsToAServerAndReportsARefusal) {
  const auto owned = this->host_.make_client();
  auto& client = *owned;
  ASSERT_FALSE(client.connect({0, 0}, this->host_.address));
  const Completion* c = nullptr;
  for (const Time end = this->host_.time() + 2s; c == nullptr && this->host_.time() < end;) {
    ASSERT_FALSE(client.wait(2s));
    c = client.next();
  }
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->event, Event::connected);
  EXPECT_EQ(c->error, 0);

  this->io_->close_listener();
  const Error error = client.connect({1, 0}, this->host_.address);
  if (error) {
    EXPECT_EQ(error.code, ECONNREFUSED);
  } else {
    // The first connection, which nobody had accepted, is reset meanwhile.
    int refused = 0;
    for (const Time end = this->host_.time() + 2s; refused == 0 && this->host_.time() < end;) {
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
