// Deliberate bugs, each a type that stands in for a part of the server's surroundings.
#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/sim/seeds.h"

namespace httpdyno::sim {

namespace {

using io::Completion;
using io::ConnId;
using io::Event;
using io::SimIo;

// Each bug strikes at every so-manieth occasion, so that the rest of a run looks healthy.
class Occasion {
 public:
  explicit Occasion(unsigned every) : every_(every) {}
  bool strikes() { return ++count_ % every_ == 0; }

 private:
  unsigned every_;
  unsigned count_ = 0;
};

// --- backends ---

// A backend whose completions a bug may change, or swallow by returning false.
template <class Bug>
class Changed : public SimIo {
 public:
  using SimIo::SimIo;

  const Completion* next() {
    while (const Completion* completion = SimIo::next()) {
      changed_ = *completion;
      if (static_cast<Bug*>(this)->change(changed_)) return &changed_;
    }
    return nullptr;
  }

 private:
  Completion changed_;
};

class LosesAnOctet : public Changed<LosesAnOctet> {
 public:
  using Changed::Changed;
  void send(ConnId id, std::string_view bytes) {
    submitted_[id.index] = bytes.size();
    SimIo::send(id, bytes);
  }
  bool change(Completion& completion) {
    // A short write is taken for one octet longer than it was.
    if (completion.event == Event::sent && completion.error == 0 &&
        completion.count < submitted_[completion.id.index] && occasion_.strikes()) {
      ++completion.count;
    }
    return true;
  }

 private:
  std::unordered_map<std::uint32_t, std::size_t> submitted_;
  Occasion occasion_{3};
};

class RepeatsAnOctet : public Changed<RepeatsAnOctet> {
 public:
  using Changed::Changed;
  bool change(Completion& completion) {
    if (completion.event == Event::sent && completion.count > 1 && occasion_.strikes()) --completion.count;
    return true;
  }

 private:
  Occasion occasion_{5};
};

class CutsInput : public Changed<CutsInput> {
 public:
  using Changed::Changed;
  bool change(Completion& completion) {
    if (completion.bytes.size() > 1 && occasion_.strikes()) {
      completion.bytes = completion.bytes.first(completion.bytes.size() - 1);
    }
    return true;
  }

 private:
  Occasion occasion_{7};
};

class ForgetsASent : public Changed<ForgetsASent> {
 public:
  using Changed::Changed;
  bool change(Completion& completion) { return completion.event != Event::sent || !occasion_.strikes(); }

 private:
  Occasion occasion_{10};
};

class NeverReportsClosed : public Changed<NeverReportsClosed> {
 public:
  using Changed::Changed;
  bool change(Completion& completion) { return completion.event != Event::closed || !occasion_.strikes(); }

 private:
  Occasion occasion_{3};
};

class ForgetsTheEnd : public Changed<ForgetsTheEnd> {
 public:
  using Changed::Changed;
  bool change(Completion& completion) {
    const bool end = completion.event == Event::received && completion.bytes.empty() && completion.error == 0;
    return !end || !occasion_.strikes();
  }

 private:
  Occasion occasion_{4};
};

// An edge that comes while receiving is off is lost.
class DropsAnEdge : public SimIo {
 public:
  using SimIo::SimIo;
  void recv_start(ConnId id) {
    if (!occasion_.strikes()) SimIo::recv_start(id);
  }

 private:
  Occasion occasion_{4};
};

// What is left behind by a full descriptor table is never accepted.
class NeverAcceptsAgain : public SimIo {
 public:
  using SimIo::SimIo;
  void accept_start() {
    if (!std::exchange(started_, true)) SimIo::accept_start();
  }

 private:
  bool started_ = false;
};

class AlwaysProgress : public SimIo {
 public:
  using SimIo::SimIo;
  bool progress(ConnId) { return true; }
};

class AlwaysUnread : public SimIo {
 public:
  using SimIo::SimIo;
  std::size_t unread(ConnId) { return 1; }
};

// Closes where it should shut its side: what the client still sends destroys the answer. The loop is told what
// it expects to hear.
class DoesNotLinger : public Changed<DoesNotLinger> {
 public:
  using Changed::Changed;
  void shutdown_send(ConnId id) {
    SimIo::shutdown_send(id);
    SimIo::close(id);
    closed_early_.push_back(id);
    silent_.push_back(id);
  }
  void close(ConnId id) {
    if (!is_closed(id)) return SimIo::close(id);
    std::erase(closed_early_, id);
    confirmed_.push_back({.event = Event::closed, .id = id});
  }
  const Completion* next() {
    if (confirmed_.empty()) return Changed::next();
    last_ = confirmed_.back();
    confirmed_.pop_back();
    return &last_;
  }
  bool change(Completion& completion) {
    return completion.event != Event::closed || std::erase(silent_, completion.id) == 0;
  }
  void recv_start(ConnId id) {
    if (!is_closed(id)) SimIo::recv_start(id);
  }
  void recv_stop(ConnId id) {
    if (!is_closed(id)) SimIo::recv_stop(id);
  }
  std::size_t unread(ConnId id) { return is_closed(id) ? 0 : SimIo::unread(id); }

 private:
  bool is_closed(ConnId id) const {
    return std::find(closed_early_.begin(), closed_early_.end(), id) != closed_early_.end();
  }

  std::vector<ConnId> closed_early_;  // and the loop does not know
  std::vector<ConnId> silent_;        // whose real completion is kept back
  std::vector<Completion> confirmed_;
  Completion last_;
};

class LosesAWake : public SimIo {
 public:
  struct Waker {
    io::SimWaker waker;
    Occasion* occasion;
    void wake() const {
      if (!occasion->strikes()) waker.wake();
    }
  };
  using SimIo::SimIo;
  Waker waker() { return {SimIo::waker(), &occasion_}; }

 private:
  Occasion occasion_{6};
};

// --- dispatches ---

class SwapsAnswers : public SimDispatch<App> {
 public:
  using SimDispatch::SimDispatch;
  IntrusiveQueue<Job> collect() {
    IntrusiveQueue<Job> jobs = SimDispatch::collect();
    if (jobs.size() < 2) return jobs;
    Job* first = jobs.pop();
    Job* second = jobs.pop();
    std::swap(first->connection, second->connection);
    jobs.push(first);
    jobs.push(second);
    return jobs;
  }
};

class OneMoreThanFits : public SimDispatch<App> {
 public:
  using SimDispatch::SimDispatch;
  bool has_room() const { return !occasion_.strikes() && SimDispatch::has_room(); }

 private:
  mutable Occasion occasion_{9};
};

// What comes after a 504 is taken for the answer that is still awaited.
class AwaitsForEver : public SimDispatch<App> {
 public:
  using SimDispatch::SimDispatch;
  void abandon(Job* job) {
    if (!occasion_.strikes()) SimDispatch::abandon(job);
  }

 private:
  Occasion occasion_{3};
};

// What comes after a 504 is for the next connection in the same place.
class AnswersTheNext : public SimDispatch<App> {
 public:
  using SimDispatch::SimDispatch;
  void abandon(Job* job) { ++job->connection.generation; }
};

class ForgetsAThrow : public InlineDispatch<App> {
 public:
  using InlineDispatch::InlineDispatch;
  bool run(const http::Request& request) { return InlineDispatch::run(request) || true; }
};

// An answer from the request before, where the handler said nothing new.
class KeepsAnAnswer : public InlineDispatch<App> {
 public:
  using InlineDispatch::InlineDispatch;
  http::Response& response() {
    http::Response& now = InlineDispatch::response();
    if (!occasion_.strikes()) return now;
    stale_.reset();
    stale_.set_status(now.status());
    stale_.set_body("somebody else's");
    return stale_;
  }

 private:
  Occasion occasion_{5};
  http::Response stale_;
};

// --- handlers ---

class HandlesTwice : public App {
 public:
  using App::App;
  void operator()(const http::Request& request, http::Response& response) {
    if (occasion_.strikes()) {
      http::Response unseen;
      App::operator()(request, unseen);
    }
    App::operator()(request, response);
  }

 private:
  Occasion occasion_{4};
};

// Seeds with the other kind of dispatch run as they are: one kind a plant keeps the compiler's work small.
template <class Io, class Dispatch>
Outcome with(std::uint64_t seed, bool trace) {
  Plan plan = make_plan(seed);
  if (plan.pooled != Dispatch::kPooled) return run_seed(seed, trace);
  return World<Io, Dispatch>(std::move(plan), trace).run();
}
template <class Io>
constexpr auto with_io = with<Io, InlineDispatch<App>>;
template <class Dispatch>
constexpr auto with_dispatch = with<SimIo, Dispatch>;

Outcome with_handled_twice(std::uint64_t seed, bool trace) {
  Plan plan = make_plan(seed);
  if (plan.pooled) return run_seed(seed, trace);
  return World<SimIo, InlineDispatch<HandlesTwice>, HandlesTwice>(std::move(plan), trace).run();
}

constexpr Plant kPlants[] = {
    {"lost-octet", "a short write is taken for one octet longer than it was", with_io<LosesAnOctet>},
    {"repeated-octet", "a write is taken for one octet shorter than it was", with_io<RepeatsAnOctet>},
    {"cut-input", "the last octet of a read is lost", with_io<CutsInput>},
    {"lost-sent", "a write's completion is lost", with_io<ForgetsASent>},
    {"lost-closed", "a close's completion is lost, and the connection's slot with it",
     with_io<NeverReportsClosed>},
    {"lost-end", "the end of a client's stream is lost", with_io<ForgetsTheEnd>},
    {"lost-edge", "input that came while receiving was off is not reported", with_io<DropsAnEdge>},
    {"no-accept-again", "after a failed accept nobody is accepted any more", with_io<NeverAcceptsAgain>},
    {"always-progress", "a client that reads nothing counts as one that reads slowly",
     with_io<AlwaysProgress>},
    {"always-unread", "a deadline waits for input that is not there", with_io<AlwaysUnread>},
    {"no-linger", "a connection is closed where its side should be shut", with_io<DoesNotLinger>},
    {"lost-wake", "a worker's wake is lost", with<LosesAWake, SimDispatch<App>>},
    {"swapped-answers", "two workers' answers go to each other's connection", with_dispatch<SwapsAnswers>},
    {"late-answer", "an answer after its 504 is taken for one that is awaited", with_dispatch<AwaitsForEver>},
    {"late-for-next", "an answer after its 504 goes to the next connection in that place",
     with_dispatch<AnswersTheNext>},
    {"handled-twice", "a request reaches its handler twice", with_handled_twice},
    {"needless-503", "a request is shed although there is room", with_dispatch<OneMoreThanFits>},
    {"lost-exception", "a handler that threw is not counted", with_dispatch<ForgetsAThrow>},
    {"stale-answer", "a handler's answer is another's", with_dispatch<KeepsAnAnswer>},
};

}  // namespace

std::span<const Plant> plants() { return kPlants; }

}  // namespace httpdyno::sim
