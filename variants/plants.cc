#include "variants/plants.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "net/base/time.h"
#include "variants/plant_arguments.h"
#include "variants/plant_parts.h"

namespace httpdyno::variants {

namespace {

// What was asked for on the command line. Read-only once the server runs, but for the counts in it.
struct Plants {
  std::uint64_t spin_iterations = 0;
  SpinShare spin_share;
  bool syscall = false;
  bool split_send = false;
  bool malloc = false;
  Chase chase;
  Share stall;
  Duration stall_for{};
  bool convoy = false;
  std::size_t leak_bytes = 0;
  bool no_nodelay = false;
  Share truncate;
  Share status500;
  Share close_early;
};
Plants planted;

std::mutex convoy_mutex;

// The compiler would see that nobody uses it.
void* keep(void* block) {
  asm volatile("" : "+r"(block) : : "memory");
  return block;
}

struct Kind {
  std::string_view name;
  std::string_view form;  // of its arguments
  std::string_view help;
  void (*plant)(const Row& row, PlantArguments& arguments);
};

void plant_share(Share& share, PlantArguments& arguments) {
  const std::uint64_t period = arguments.period(1000);
  share.plant(period, arguments.number("the seed", 0, UINT64_MAX, 1));
}

constexpr std::array kKinds = {
    Kind{"spin", ":ITERATIONS or :SHARE%",
         "an empty loop, or as much of it as is a share of a request's CPU time",
         [](const Row&, PlantArguments& arguments) {
           if (arguments.next_is_share()) return planted.spin_share.plant(arguments.share(100));
           planted.spin_iterations = arguments.number("the iterations", 1, 1'000'000'000);
         }},
    Kind{"syscall", "", "one cheap call to the kernel more",
         [](const Row&, PlantArguments&) { planted.syscall = true; }},
    Kind{"split-send", "", "what is sent goes in two halves",
         [](const Row&, PlantArguments&) { planted.split_send = true; }},
    Kind{"malloc", "", "one malloc and free more",
         [](const Row&, PlantArguments&) { planted.malloc = true; }},
    Kind{"pollute", "[:STEPS[,MEBIBYTES]]", "so many cache misses (4, in 64 MiB), few instructions",
         [](const Row&, PlantArguments& arguments) {
           const std::uint64_t steps = arguments.number("the steps", 1, 1'000'000, 4);
           const std::uint64_t mebibytes = arguments.number("the MiB", 1, 1024, 64);
           planted.chase.plant(steps, static_cast<std::size_t>(mebibytes) << 20);
         }},
    Kind{"stall", ":SHARE%,TIME[,SEED]", "a sleep (200us, 5ms, 1s) in a share of the requests",
         [](const Row&, PlantArguments& arguments) {
           const std::uint64_t period = arguments.period();
           planted.stall_for = arguments.duration();
           planted.stall.plant(period, arguments.number("the seed", 0, UINT64_MAX, 1));
         }},
    Kind{"convoy", "", "one lock around every handler, held while others are let run; for pools",
         [](const Row& row, PlantArguments&) {
           if (!row.pooled()) throw BadPlant{"it takes several workers: this program has none"};
           planted.convoy = true;
         }},
    Kind{"leak", "[:BYTES]", "so many bytes (16) that are never freed",
         [](const Row&, PlantArguments& arguments) {
           planted.leak_bytes = arguments.number("the bytes", 1, 1 << 20, 16);
         }},
    Kind{"no-nodelay", "", "Nagle's algorithm is on",
         [](const Row&, PlantArguments&) { planted.no_nodelay = true; }},
    Kind{"truncate", "[:SHARE%[,SEED]]", "cheats: a body that lacks its second half, its length to match",
         [](const Row&, PlantArguments& arguments) { plant_share(planted.truncate, arguments); }},
    Kind{"status500", "[:SHARE%[,SEED]]", "cheats: status 500",
         [](const Row&, PlantArguments& arguments) { plant_share(planted.status500, arguments); }},
    Kind{"close-early", "[:SHARE%[,SEED]]", "cheats: the connection ends within what is sent",
         [](const Row&, PlantArguments& arguments) { plant_share(planted.close_early, arguments); }},
};

void plant(const Row& row, std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  const auto kind = std::ranges::find(kKinds, name, &Kind::name);
  if (kind == kKinds.end()) {
    std::string names;
    for (const Kind& known : kKinds) names.append(names.empty() ? "" : ", ").append(known.name);
    throw BadPlant{fmt::format("there are {}", names)};
  }
  PlantArguments arguments(text.substr(name.size()));
  kind->plant(row, arguments);
  arguments.expect_end();
}

}  // namespace

std::string take_plants(const Row& row, int& argc, char** argv) {
  constexpr std::string_view kFlag = "--plant";
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument != kFlag && !argument.starts_with("--plant=")) {
      argv[kept++] = argv[i];
      continue;
    }
    const bool apart = argument == kFlag;
    if (apart && i + 1 == argc) return "--plant needs a NAME[:ARGUMENTS] (--help lists them)";
    const std::string_view text = apart ? argv[++i] : argument.substr(kFlag.size() + 1);
    try {
      plant(row, text);
    } catch (const BadPlant& bad) {
      return fmt::format("--plant is '{}': {} (--help lists the plants)", text, bad.why);
    }
  }
  argc = kept;
  return {};
}

std::string plants_help() {
  std::string text =
      "Plants, in every request where nothing else is said (a SHARE without one is 0.1%):\n  --plant "
      "NAME[:ARGUMENTS]";
  for (const Kind& kind : kKinds)
    text += fmt::format("\n    {:32}{}", std::string(kind.name).append(kind.form), kind.help);
  return text;
}

std::unique_lock<std::mutex> join_convoy() {
  if (!planted.convoy) return {};
  std::unique_lock lock(convoy_mutex);
  sched_yield();
  return lock;
}

void before_handler() {
  if (planted.leak_bytes != 0) {
    void* block = keep(std::malloc(planted.leak_bytes));
    if (block != nullptr) std::fill_n(static_cast<char*>(block), planted.leak_bytes, 'x');
  }
  if (planted.malloc) std::free(keep(std::malloc(48)));
  if (planted.syscall) ::syscall(SYS_getppid);
  spin(planted.spin_iterations);
  planted.spin_share.spin_next();
  planted.chase.walk();
  if (planted.stall.takes_next()) std::this_thread::sleep_for(planted.stall_for);
}

void after_handler(http::Response& response) {
  if (planted.truncate.takes_next()) response.set_body(response.body().substr(0, response.body().size() / 2));
  if (planted.status500.takes_next()) response.set_status(500);
}

// The linker's --wrap leads the calls of net/io here.
extern "C" {

ssize_t __real_send(int fd, const void* bytes, std::size_t size, int flags);
int __real_setsockopt(int fd, int level, int option, const void* value, socklen_t size);

ssize_t __wrap_send(int fd, const void* bytes, std::size_t size, int flags) {
  const std::size_t half = size / 2;
  if (planted.close_early.takes_next()) {
    __real_send(fd, bytes, half, flags);
    ::shutdown(fd, SHUT_RDWR);
    return static_cast<ssize_t>(size);
  }
  if (!planted.split_send || half == 0) return __real_send(fd, bytes, size, flags);
  const ssize_t first = __real_send(fd, bytes, half, flags);
  if (first != static_cast<ssize_t>(half)) return first;
  const ssize_t second = __real_send(fd, static_cast<const char*>(bytes) + half, size - half, flags);
  return second < 0 ? first : first + second;
}

int __wrap_setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  if (planted.no_nodelay && level == IPPROTO_TCP && option == TCP_NODELAY) return 0;
  return __real_setsockopt(fd, level, option, value, size);
}

}  // extern "C"

}  // namespace httpdyno::variants
