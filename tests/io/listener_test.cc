#include "net/io/listener.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"

namespace httpdyno::io {
namespace {

Address parsed(const std::string& host, std::uint16_t port = 0) {
  Address address;
  EXPECT_FALSE(parse_address(host, port, address));
  return address;
}

// Zero or why it failed.
int connect_to(const Address& address, Fd& out) {
  out = Fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(out.get(), address.get(), address.size) == 0 ? 0 : errno;
}

// How many connections one listener has to accept; they are closed.
int accept_all(const Listener& listener) {
  int count = 0;
  for (Fd fd; (fd = Fd(::accept(listener.get(), nullptr, nullptr)));) ++count;
  return count;
}

struct Folder : TemporaryFolder {
  Address socket(const std::string& name = "s") const { return parsed("unix:" + file(name)); }
};

TEST(Listener, TheKernelChoosesAPort) {
  Listener listener;
  Address bound;
  ASSERT_FALSE(listen(parsed("127.0.0.1"), 1, {&listener, 1}, bound));
  EXPECT_GT(bound.port(), 0);
  Fd client;
  EXPECT_EQ(connect_to(bound, client), 0);
}

TEST(Listener, APortThatIsTakenSaysSo) {
  Listener first;
  Listener second;
  Address bound;
  Address none;
  ASSERT_FALSE(listen(parsed("127.0.0.1"), 1, {&first, 1}, bound));
  const Error error = listen(bound, 1, {&second, 1}, none);
  EXPECT_EQ(error.code, EADDRINUSE);
  EXPECT_EQ(error.message(), "bind: Address already in use");
}

TEST(Listener, APortThatIsSharedAmongLoopsIsTakenForEverybodyElse) {
  std::array<Listener, 3> shared;
  std::array<Listener, 3> others;
  Address bound;
  Address none;
  ASSERT_FALSE(listen(parsed("127.0.0.1"), 1, shared, bound));
  EXPECT_EQ(listen(bound, 1, {others.data(), 1}, none).code, EADDRINUSE);
  EXPECT_EQ(listen(bound, 1, others, none).code, EADDRINUSE);
  // And the other way round.
  std::array<Listener, 1> alone;
  ASSERT_FALSE(listen(parsed("127.0.0.1"), 1, alone, bound));
  EXPECT_EQ(listen(bound, 1, others, none).code, EADDRINUSE);
}

TEST(Listener, SeveralShareOnePortThatTheKernelChose) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    std::array<Listener, 4> shared;
    Address bound;
    ASSERT_FALSE(listen(parsed(host), 200, shared, bound));
    std::vector<Fd> clients(200);
    for (Fd& client : clients) ASSERT_EQ(connect_to(bound, client), 0);
    int accepted = 0;
    for (const Listener& listener : shared) {
      const int count = accept_all(listener);
      EXPECT_GT(count, 0);  // by chance once in 10^24
      accepted += count;
    }
    EXPECT_EQ(accepted, 200);
  }
}

TEST(Listener, AnyAddressOfIpv6TakesIpv4) {
  Listener listener;
  Address bound;
  ASSERT_FALSE(listen(parsed("::"), 1, {&listener, 1}, bound));
  Fd client;
  EXPECT_EQ(connect_to(parsed("127.0.0.1", bound.port()), client), 0);
  EXPECT_EQ(connect_to(parsed("::1", bound.port()), client), 0);
}

TEST(Listener, ASocketFileIsThereAsLongAsSomebodyListens) {
  const Folder folder;
  const Address address = folder.socket();
  Fd client;
  {
    Listener listener;
    Address bound;
    ASSERT_FALSE(listen(address, 1, {&listener, 1}, bound));
    EXPECT_EQ(bound.text(), address.text());
    EXPECT_EQ(connect_to(bound, client), 0);
    // Moved, it is still one.
    const Listener other = std::move(listener);
    listener.reset();
    EXPECT_EQ(connect_to(bound, client), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(address.path()));
}

TEST(Listener, TheFileOfADeadServerIsReplaced) {
  const Folder folder;
  const Address address = folder.socket();
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), address.get(), address.size), 0);
    ASSERT_EQ(::listen(dead.get(), 1), 0);
  }
  ASSERT_TRUE(std::filesystem::is_socket(address.path()));
  Listener listener;
  Address bound;
  ASSERT_FALSE(listen(address, 1, {&listener, 1}, bound));
  Fd client;
  EXPECT_EQ(connect_to(address, client), 0);
}

TEST(Listener, ALiveServersSocketIsRefusedAndLeftAlone) {
  const Folder folder;
  const Address address = folder.socket();
  Listener live;
  Address bound;
  // Even when nobody accepts and its backlog is full.
  ASSERT_FALSE(listen(address, 0, {&live, 1}, bound));
  for (int i = 0; i < 3; ++i) {
    Listener listener;
    EXPECT_EQ(listen(address, 1, {&listener, 1}, bound).message(), "bind: Address already in use");
  }
  EXPECT_TRUE(std::filesystem::is_socket(address.path()));
  EXPECT_GT(accept_all(live), 0);
}

TEST(Listener, AFileThatIsNoSocketIsNotTouched) {
  const Folder folder;
  const Address address = folder.socket();
  std::ofstream(address.path()) << "precious";
  Listener listener;
  Address bound;
  EXPECT_EQ(listen(address, 1, {&listener, 1}, bound).code, EADDRINUSE);
  EXPECT_EQ(std::filesystem::file_size(address.path()), 8U);
  EXPECT_EQ(listen(folder.socket("no/such/folder"), 1, {&listener, 1}, bound).code, ENOENT);
}

TEST(Listener, AFileThatSomebodyElseHasPutThereSurvives) {
  const Folder folder;
  const Address address = folder.socket();
  {
    Listener listener;
    Address bound;
    ASSERT_FALSE(listen(address, 1, {&listener, 1}, bound));
    std::filesystem::rename(address.path(), folder.file("old"));
    std::ofstream(address.path()) << "new";
  }
  EXPECT_TRUE(std::filesystem::is_regular_file(address.path()));
}

TEST(Listener, SeveralShareOneUnixSocket) {
  const Folder folder;
  const Address address = folder.socket();
  std::array<Listener, 3> shared;
  Address bound;
  ASSERT_FALSE(listen(address, 10, shared, bound));
  Fd first;
  Fd second;
  ASSERT_EQ(connect_to(address, first), 0);
  ASSERT_EQ(connect_to(address, second), 0);
  EXPECT_EQ(accept_all(shared[2]), 2);
  EXPECT_EQ(accept_all(shared[0]), 0);
  for (Listener& listener : shared) listener.reset();
  EXPECT_EQ(connect_to(address, first), ENOENT);
}

}  // namespace
}  // namespace httpdyno::io
