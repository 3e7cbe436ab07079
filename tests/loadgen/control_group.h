// A control group of a test's own, with a bound on its time on the cores: for what a program does when it is
// throttled.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/verdict/readings.h"

namespace httpdyno::loadgen {

class ControlGroup {
 public:
  // Null where no such group may be made: without the right to, or without the controller.
  static std::unique_ptr<ControlGroup> make() {
    std::vector<std::string> parents;
    for (const std::string& path : cpu_stat_paths(read_text("/proc/self/cgroup").value_or(""),
                                                  read_text("/proc/self/mountinfo").value_or(""))) {
      parents.push_back(std::filesystem::path(path).parent_path());
    }
    for (const std::string& parent : parents) {
      for (const std::string& home : parents) {  // where this process is, at or below the parent
        if (!home.starts_with(parent) || !holds_this_process(home)) continue;
        auto group = std::unique_ptr<ControlGroup>(new ControlGroup(home, parent));
        if (group->bound_is_set("max")) return group;
      }
    }
    return nullptr;
  }
  ~ControlGroup() {
    std::error_code unused;
    std::filesystem::remove(path_, unused);
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  // This process, and what it starts from then on.
  void enter() const { EXPECT_TRUE(write(path_ + "/cgroup.procs", std::to_string(::getpid()))); }
  // What was started within stays.
  void leave() const { EXPECT_TRUE(write(home_ + "/cgroup.procs", std::to_string(::getpid()))); }

  // So much of one core.
  void set_bound(double cores) const {
    EXPECT_TRUE(bound_is_set(std::to_string(static_cast<int>(cores * kPeriodUs))));
  }
  void lift_bound() const { EXPECT_TRUE(bound_is_set("max")); }

 private:
  static constexpr int kPeriodUs = 100'000;

  ControlGroup(std::string home, const std::string& parent)
      : home_(std::move(home)), path_(fmt::format("{}/loadgen-test-{}", parent, ::getpid())) {
    std::error_code unused;
    std::filesystem::create_directory(path_, unused);
  }

  static bool holds_this_process(const std::string& group) {
    std::ifstream pids(group + "/cgroup.procs");
    for (pid_t pid = 0; pids >> pid;) {
      if (pid == ::getpid()) return true;
    }
    return false;
  }
  // The files are the kernel's: what is not there is not made.
  static bool write(const std::string& file, const std::string& text) {
    std::ofstream out(file, std::ios::in);
    return static_cast<bool>(out << text << std::flush);
  }
  // Version 2, or else version 1.
  bool bound_is_set(const std::string& us) const {
    return write(path_ + "/cpu.max", fmt::format("{} {}", us, kPeriodUs)) ||
           write(path_ + "/cpu.cfs_quota_us", us == "max" ? "-1" : us);
  }

  std::string home_;
  std::string path_;
};

}  // namespace httpdyno::loadgen
