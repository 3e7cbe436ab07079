#include "loadgen/verdict/readings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace httpdyno::loadgen {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

cpu_set_t cores(std::initializer_list<unsigned> list) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned core : list) CPU_SET(core, &set);
  return set;
}

constexpr std::string_view kStat =
    "cpu  3778786 307208 863276 2047512 5293 0 194522 12512 0 0\n"
    "cpu0 100 20 30 400 5 6 7 80 9 10\n"
    "cpu1 1000 0 0 2000 0 0 0 1 900 0\n"
    "cpu10 1 1 1 1 1 1 1 1 0 0\n"
    "intr 123 0 0\n"
    "ctxt 99\n";

TEST(Readings, TicksAreThoseOfTheGivenCores) {
  const auto one = parse_stat(kStat, cores({0}));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->total, 648U) << "a guest's time is within the user's";
  EXPECT_EQ(one->steal, 80U);
  const auto both = parse_stat(kStat, cores({0, 1}));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->total, 648U + 3001U);
  EXPECT_EQ(both->steal, 81U);
  EXPECT_EQ(parse_stat(kStat, cores({10}))->total, 8U);
}

TEST(Readings, TicksOfNoCoreOrOfAnOldKernelAreNotKnown) {
  EXPECT_FALSE(parse_stat(kStat, cores({})));
  EXPECT_FALSE(parse_stat(kStat, cores({5}))) << "not listed: it is offline";
  EXPECT_FALSE(parse_stat("", cores({0})));
  EXPECT_FALSE(parse_stat("cpu0 100 20 30 400 5 6 7\n", cores({0}))) << "no steal before Linux 2.6.11";
  EXPECT_FALSE(parse_stat("cpu0 100 20 30 4x0 5 6 7 8\n", cores({0})));
}

TEST(Readings, RunQueueDelayIsTheSecondFigure) {
  EXPECT_EQ(parse_run_queue_delay("5000 1022617 12\n"), Duration(1022617));
  EXPECT_EQ(parse_run_queue_delay("5000 0 12"), Duration(0));
}

TEST(Readings, RunQueueDelayThatTheKernelDoesNotCountIsNotKnown) {
  EXPECT_FALSE(parse_run_queue_delay("0 0 0\n"));
  EXPECT_FALSE(parse_run_queue_delay(""));
  EXPECT_FALSE(parse_run_queue_delay("5000"));
  EXPECT_FALSE(parse_run_queue_delay("-1 -1 -1"));
}

TEST(Readings, InvoluntarySwitchesAreNotTheVoluntaryOnes) {
  EXPECT_EQ(
      parse_involuntary_switches("Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t42\n"),
      42U);
  EXPECT_FALSE(parse_involuntary_switches("Name:\tx\nvoluntary_ctxt_switches:\t7\n"));
  EXPECT_FALSE(parse_involuntary_switches("nonvoluntary_ctxt_switches:\t\n"));
}

TEST(Readings, ThrottledTimeOfBothVersions) {
  EXPECT_EQ(parse_throttled("usage_usec 9\nnr_periods 5\nnr_throttled 2\nthrottled_usec 1500\n"), 1500us);
  EXPECT_EQ(parse_throttled("nr_periods 0\nnr_throttled 0\nthrottled_time 1234567\nnr_bursts 0\n"),
            1234567ns);
  EXPECT_EQ(parse_throttled("nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n"), 0us);
}

TEST(Readings, ThrottledTimeOfAGroupWithoutQuotasIsNotKnown) {
  EXPECT_FALSE(parse_throttled("usage_usec 9\nuser_usec 5\nsystem_usec 4\n"));
  EXPECT_FALSE(parse_throttled(""));
}

TEST(Readings, GroupsOfVersion2AreLookedAtUpToTheirMount) {
  EXPECT_THAT(
      cpu_stat_paths("0::/user.slice/session-1.scope\n",
                     "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"),
      ElementsAre("/sys/fs/cgroup/user.slice/session-1.scope/cpu.stat", "/sys/fs/cgroup/user.slice/cpu.stat",
                  "/sys/fs/cgroup/cpu.stat"));
}

TEST(Readings, AGroupThatIsItsNameSpacesRootHasOnePlace) {
  EXPECT_THAT(cpu_stat_paths("0::/\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
              ElementsAre("/sys/fs/cgroup/cpu.stat"));
}

TEST(Readings, GroupsOfVersion1AreThoseOfTheCpuController) {
  constexpr std::string_view kMounts =
      "31 30 0:28 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
      "32 30 0:29 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"
      "33 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
      "34 30 0:31 / /proc rw - proc proc rw\n";
  EXPECT_THAT(cpu_stat_paths("5:cpuset:/a\n4:cpu,cpuacct:/b/c\n1:name=systemd:/d\n0::/\n", kMounts),
              ElementsAre("/sys/fs/cgroup/unified/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/b/c/cpu.stat",
                          "/sys/fs/cgroup/cpu,cpuacct/b/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/cpu.stat"));
}

TEST(Readings, AContainersGroupIsTheMountsRoot) {
  constexpr std::string_view kMounts =
      "33 30 0:30 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
  EXPECT_THAT(cpu_stat_paths("4:cpu:/docker/abc/own\n", kMounts),
              ElementsAre("/sys/fs/cgroup/cpu/own/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"));
  EXPECT_THAT(cpu_stat_paths("4:cpu:/elsewhere\n", kMounts), IsEmpty());
}

TEST(Readings, GroupsThatAreNotMountedOrOfAnotherNameSpaceAreNotFound) {
  EXPECT_THAT(cpu_stat_paths("0::/x\n", ""), IsEmpty());
  EXPECT_THAT(cpu_stat_paths("", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), IsEmpty());
  EXPECT_THAT(cpu_stat_paths("0::/../x\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
              IsEmpty());
  EXPECT_THAT(cpu_stat_paths("4\n\n:::\n", "garbage\n- - -\n\n"), IsEmpty());
}

constexpr std::string_view kNetstat =
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPHPHits\n"
    "TcpExt: 1 595 632 7\n"
    "IpExt: InNoRoutes ListenDrops\n"
    "IpExt: 3 99\n";

TEST(Readings, NetworkCountersAreFoundByName) {
  EXPECT_EQ(parse_net_counter(kNetstat, "TcpExt", "ListenDrops"), 632U);
  EXPECT_EQ(parse_net_counter(kNetstat, "IpExt", "ListenDrops"), 99U);
  EXPECT_EQ(
      parse_net_counter("Tcp: RtoMax MaxConn RetransSegs\nTcp: 120000 -1 90241\n", "Tcp", "RetransSegs"),
      90241U);
}

TEST(Readings, NetworkCountersOfAnotherKernelAreNotKnown) {
  EXPECT_FALSE(parse_net_counter(kNetstat, "TcpExt", "ListenDreams"));
  EXPECT_FALSE(parse_net_counter(kNetstat, "MPTcpExt", "ListenDrops"));
  EXPECT_FALSE(parse_net_counter("TcpExt: A B\nTcpExt: 1\n", "TcpExt", "B")) << "fewer values than names";
  EXPECT_FALSE(parse_net_counter("TcpExt: A B\n", "TcpExt", "B"));
  EXPECT_FALSE(parse_net_counter("", "TcpExt", "B"));
}

TEST(Readings, AFileThatIsNotThereIsNotKnown) {
  EXPECT_FALSE(read_text("/proc/self/no-such-file"));
  EXPECT_FALSE(read_text("/proc/self"));
  const auto status = read_text("/proc/self/status");
  ASSERT_TRUE(status);
  EXPECT_TRUE(parse_involuntary_switches(*status));
}

}  // namespace
}  // namespace httpdyno::loadgen
