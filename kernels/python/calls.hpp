// Calls from several threads, and signals while one is at work.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace nb = nanobind;

namespace {

// One network, one thread at a time: the others wait, without the interpreter's lock.
struct Turns {
  std::timed_mutex mutex;
  std::atomic<std::thread::id> owner{std::thread::id()};
};

class Turn {
 public:
  explicit Turn(Turns& turns) : turns_(turns) {
    // A signal handler, or a destructor, that is called while this thread is at work in here.
    if (turns_.owner.load(std::memory_order_relaxed) == std::this_thread::get_id())
      throw std::runtime_error("a network must not be called from within a call of its own");
    if (!turns_.mutex.try_lock()) wait();
    turns_.owner.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  ~Turn() {
    turns_.owner.store(std::thread::id(), std::memory_order_relaxed);
    turns_.mutex.unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  // Ctrl-C ends the waiting, too.
  void wait() {
    for (;;) {
      {
        const nb::gil_scoped_release release;
        if (turns_.mutex.try_lock_for(std::chrono::milliseconds(100))) return;
      }
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
  }

  Turns& turns_;
};

// Looks for a signal every 0.1 s, from a run that has released the interpreter.
struct SignalWatch {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  static bool look(void* self) {
    auto* watch = static_cast<SignalWatch*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (now - watch->last < std::chrono::milliseconds(100)) return false;
    watch->last = now;
    const nb::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
  }
};

}  // namespace
