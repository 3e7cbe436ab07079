#include "loadgen/verdict/watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "loadgen/base/clocks.h"

namespace httpdyno::loadgen {
namespace {

const Time kBegin = Time(1h);

// These tests watch their own thread; the time is theirs, too, but processor time is real.
void burn(Duration cpu) {
  const Duration until = thread_cpu() + cpu;
  while (thread_cpu() < until) {
  }
}

TEST(Watch, TheBusiestSecondIsThatInWhichMostWasWorked) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  watch.look(kBegin);
  watch.look(kBegin + 1s);
  burn(40ms);
  watch.look(kBegin + 2s);
  watch.look(kBegin + 3s);
  const auto busiest = watch.evidence().busiest_second;
  ASSERT_TRUE(busiest);
  EXPECT_GE(*busiest, 0.04);
  EXPECT_LT(*busiest, 0.2) << "all that the test did besides";
}

TEST(Watch, TimeSpentSpinningIsNoWork) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  Duration spun = 5s;  // before the measured part
  watch.look(kBegin, {&spun, 1});
  burn(100ms);
  spun += 90ms;
  watch.look(kBegin + 1s, {&spun, 1});
  const auto busiest = watch.evidence().busiest_second;
  ASSERT_TRUE(busiest);
  EXPECT_GE(*busiest, 0.01);
  EXPECT_LT(*busiest, 0.1) << "not all that was burnt";
}

TEST(Watch, ALookThatComesEarlyEndsNoSecond) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  watch.look(kBegin);
  watch.look(kBegin + 1s);
  burn(50ms);
  watch.look(kBegin + 1s + 10ms);
  EXPECT_LT(*watch.evidence().busiest_second, 0.2) << "not 50 ms of 10";
}

TEST(Watch, OfARunOfLessThanASecondTheWholeIsTheSecond) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  watch.look(kBegin);
  burn(50ms);
  watch.look(kBegin + 100ms);
  const auto busiest = watch.evidence().busiest_second;
  ASSERT_TRUE(busiest);
  EXPECT_GE(*busiest, 0.5);
}

TEST(Watch, BeforeTwoLooksNothingIsKnown) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  watch.look(kBegin);
  const MachineEvidence evidence = watch.evidence();
  EXPECT_FALSE(evidence.busiest_second);
  EXPECT_FALSE(evidence.run_queue);
  EXPECT_FALSE(evidence.involuntary_per_second);
  EXPECT_FALSE(evidence.steal);
  EXPECT_FALSE(evidence.throttled);
}

TEST(Watch, OfAThreadThatEndsTheLastLookAtItStands) {
  std::promise<void> go;
  std::promise<void> burnt;
  std::promise<pid_t> id;
  std::promise<void> end;
  std::thread thread([&] {
    id.set_value(::gettid());
    go.get_future().wait();
    burn(20ms);
    burnt.set_value();
    end.get_future().wait();
  });
  const pid_t tid = id.get_future().get();
  Watch watch({&tid, 1});
  watch.look(kBegin);
  go.set_value();
  burnt.get_future().wait();
  watch.look(kBegin + 1s);
  end.set_value();
  thread.join();
  watch.look(kBegin + 2s);
  const MachineEvidence evidence = watch.evidence();
  EXPECT_GE(evidence.busiest_second.value_or(0), 0.02);
  EXPECT_TRUE(evidence.involuntary_per_second);
}

// What this kernel has a file for is known, within its bounds.
TEST(Watch, TellsWhatTheKernelTells) {
  const pid_t self = ::gettid();
  Watch watch({&self, 1});
  const Time begin = read_clock();
  watch.look(begin);
  burn(60ms);  // some ticks of every core
  watch.look(read_clock());
  const MachineEvidence evidence = watch.evidence();
  const auto schedstat = read_text("/proc/thread-self/schedstat");
  EXPECT_EQ(evidence.run_queue.has_value(), schedstat && parse_run_queue_delay(*schedstat));
  ASSERT_TRUE(evidence.involuntary_per_second);
  EXPECT_GE(*evidence.involuntary_per_second, 0);
  ASSERT_TRUE(evidence.steal);
  EXPECT_GE(*evidence.steal, 0);
  EXPECT_LE(*evidence.steal, 1);
  ASSERT_TRUE(evidence.retransmitted);
  EXPECT_GE(*evidence.retransmitted, 0);
  ASSERT_TRUE(evidence.listen_dropped);
}

}  // namespace
}  // namespace httpdyno::loadgen
