// What a stream is asked and answers, and the compiled functions of one instruction set.
#pragma once

#include <cstdint>

#include "layout.hpp"

namespace lethe {

// An event, read: nothing of it is a word any more.
struct Event {
  const double* numbers = nullptr;  // one for each number column, NaN where it is missing
  const int64_t* slots = nullptr;   // that its categories fill with 1
  int64_t slot_count = 0;
  int64_t symbol = 0;  // of a stream of symbols: its slot
  double seconds = 0;  // its time, or NaN
};

// What an event changes in the meaning of slots.
struct Change {
  const int64_t* forgotten = nullptr;  // slots that get another meaning
  int64_t forgotten_count = 0;
  const int64_t* column_slots = nullptr;  // of number columns that are new
  int64_t new_columns = 0;
  const int64_t* missing_columns =
      nullptr;  // number columns that miss their value for the first time
  const int64_t* missing_slots = nullptr;
  int64_t new_missing = 0;
  int64_t used = -1;   // slots that are used from now on; -1: as before
  bool grown = false;  // whether a larger block has just taken the old one's place
  bool early = false;  // whether slots change before what came is learned: there are new columns
};

// A class that came.
struct ClassChange {
  int64_t before = 0;   // its place before, 0 where it is new
  int64_t place = 0;    // its place from now on
  int64_t slot = 0;     // that it fills as the last class
  bool evicts = false;  // whether another class had this place and this slot
  bool missing = false;
};

// What came of an event.
struct Outcome {
  bool answered = false;  // whether anything had been predicted of it
  bool scored = false;    // whether it was compared with what came
  double score = 0;
  int64_t target = 0;  // the most anomalous
  double expected = 0, actual = 0;
  int64_t channel = 0;      // by which it is the most anomalous
  AlarmState alarm = idle;  // what becomes of an alarm, and of which target
  int64_t alarm_target = 0;
  int64_t best = 0;   // the most probable class, 0 where there is none
  int64_t known = 0;  // places of classes that were answered about
};

enum class How { learn, follow, score };

// What compiled code asks of its caller.
struct Services {
  // Makes a larger block; false: there is no memory. `slots` and `classes` are what must fit.
  bool (*reserve)(void* context, int64_t slots, int64_t classes) = nullptr;
  // Draws the first weights of a network, or, where `block` is not -1, of one of its blocks.
  bool (*redraw)(void* context, int64_t network, int64_t layer, int64_t block) = nullptr;
  void* context = nullptr;
};

constexpr int64_t events_between_inspections = 1000;

// A distribution that is asked for: of which head, with what was answered and the residuals and
// their counts since.
struct Asked {
  const double *answer, *residuals, *counts;
  int64_t targets, heads, kept, head;
};
constexpr int64_t most_distribution_numbers = 256;

// The functions of a stream of numbers. `targets` is null where they come later, and NaN where one
// is missing; `answer` takes what was predicted (residuals.hpp); `looked_at` is the record
// of this event where `look_at` has made it just before, or null. False: a service failed.
struct NumberKernel {
  using M = Memory<NumberLayout>;
  void (*start)(M&);
  bool (*learn)(M&, const Services&, const Event&, const Change&, const double* targets,
                int64_t max_delay, const double* looked_at, double* answer, Outcome&);
  void (*learn_targets)(M&, int64_t nth, const double* targets, double* answer, Outcome&);
  void (*follow)(M&, const Event&, const double* targets, double* answer, Outcome&);
  bool (*look_at)(const M&, const Event&, double* record);
  void (*compare)(const M&, const double* record, const double* targets, How, double* answer,
                  Outcome&);
  int64_t (*distribution)(const Asked&, double* numbers);
};

// Those of a stream of classes; `answer` takes a probability for each place of a class.
struct ClassKernel {
  using M = Memory<ClassLayout>;
  void (*start)(M&);
  bool (*learn)(M&, const Services&, const Event&, const Change&, const ClassChange*,
                int64_t max_delay, double* answer, Outcome&);
  void (*set_pending_class)(M&, int64_t nth, const ClassChange&, double* answer, Outcome&);
  bool (*learn_complete)(M&, const Services&, const ClassChange&);
  void (*follow)(M&, const Event&, const ClassChange&, double* answer, Outcome&);
  void (*look_at)(const M&, const Event&, double* record);
  void (*compare)(const M&, const double* record, const ClassChange*, How, double* answer,
                  Outcome&);
};

// Those of the instruction set in use.
const NumberKernel& number_kernel(bool ahead);
const ClassKernel& class_kernel(bool ahead);

}  // namespace lethe
