// Where the time of a computation goes: spans that the caller names, and the nodes of backwards. Nodes are numbered in the order of the
// forward, so a node belongs to the span that was open when its number was given.
#include "guard.hpp"

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <unordered_set>

using namespace selfpatch;

namespace {

class Trace {
  public:
    std::vector<sp_span> spans;

    Trace() {
        handle = at::addThreadLocalCallback(
            at::RecordFunctionCallback(&Trace::nodeBegins, &Trace::nodeEnds).scopes({at::RecordScope::BACKWARD_FUNCTION}));
    }
    Trace(const Trace &) = delete;
    ~Trace() { at::removeCallback(handle); }

    /// Where there is no memory for a span there is none for the tensors either: it ends the program.
    void enter(const char *name) noexcept {
        open(interned(name), nullptr);
        turns.push_back({at::sequence_number::peek(), spans[path.back()].name});
    }

    void leave() noexcept {
        close();
        const char *outer = nullptr;
        for (auto place = path.rbegin(); place != path.rend() && !outer; ++place)
            if (!spans[*place].node) outer = spans[*place].name;
        turns.push_back({at::sequence_number::peek(), outer});
    }

  private:
    /// From this number on, nodes belong to a span of this name; null: to none.
    struct Turn {
        uint64_t number;
        const char *name;
    };

    at::CallbackHandle handle;
    std::vector<Turn> turns;
    /// Places in `spans` of those that are open, outermost first.
    std::vector<size_t> path;
    std::unordered_set<std::string> names;

    const char *interned(const char *name) { return names.insert(name).first->c_str(); }

    static int64_t now() {
        auto time = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    }

    void open(const char *name, const char *node) {
        spans.push_back({name, node, static_cast<int32_t>(path.size()), 0, 0});
        path.push_back(spans.size() - 1);
        spans.back().begin = now();
    }

    void close() {
        spans[path.back()].end = now();
        path.pop_back();
    }

    /// Nodes that add to a parameter's gradient have the highest number of all, and no span of their own.
    const char *nameOf(int64_t number) const {
        if (number < 0) return nullptr;
        auto after = std::upper_bound(
            turns.begin(), turns.end(), static_cast<uint64_t>(number),
            [](uint64_t number, const Turn &turn) { return number < turn.number; });
        return after == turns.begin() ? nullptr : std::prev(after)->name;
    }

    static std::unique_ptr<at::ObserverContext> nodeBegins(const at::RecordFunction &node);
    static void nodeEnds(const at::RecordFunction &node, at::ObserverContext *context);
};

/// Of the thread that traces.
thread_local std::unique_ptr<Trace> current;

std::unique_ptr<at::ObserverContext> Trace::nodeBegins(const at::RecordFunction &node) {
    if (current) current->open(current->nameOf(node.seqNr()), current->interned(node.name()));
    return nullptr;
}

void Trace::nodeEnds(const at::RecordFunction &, at::ObserverContext *) {
    if (current) current->close();
}

} // namespace

sp_error *sp_trace_start(void) {
    return guarded([] {
        TORCH_CHECK(!current, "this thread is being traced already");
        current = std::make_unique<Trace>();
    });
}

bool sp_is_tracing(void) { return current != nullptr; }

void sp_trace_enter(const char *name) {
    if (current) current->enter(name);
}

void sp_trace_leave(void) {
    if (current) current->leave();
}

void sp_trace_stop(void (*visit)(void *context, const sp_span *spans, size_t count), void *context) {
    if (current) visit(context, current->spans.data(), current->spans.size());
    current.reset();
}
