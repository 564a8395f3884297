// The driver, as far as the program asks it, and what the host asked of the device: written to the file that FAKE_CUDA_REPORT names.
#include "fake.hpp"
#include "FakeCUDA.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>

int cuInit(unsigned) { return 0; }

int cuDeviceGetCount(int *count) {
    *count = 1;
    return 0;
}

namespace fake {

namespace {

struct Report {
    std::mutex lock;
    std::map<std::string, int64_t> operations, waits;
    int64_t uploads = 0, uploadedBytes = 0, slowUploads = 0, asideBytes = 0, downloadedBytes = 0, waitCount = 0;

    ~Report() {
        const char *path = getenv("FAKE_CUDA_REPORT");
        if (!path) return;
        std::ofstream file(path);
        auto list = [&](const char *name, const std::map<std::string, int64_t> &counts) {
            file << "\"" << name << "\": {";
            bool first = true;
            for (const auto &[key, count] : counts) {
                file << (first ? "" : ", ") << "\"" << key << "\": " << count;
                first = false;
            }
            file << "}, ";
        };
        file << "{";
        list("operations", operations);
        list("waits", waits);
        file << "\"uploads\": " << uploads << ", \"uploadedBytes\": " << uploadedBytes << ", \"slowUploads\": " << slowUploads
             << ", \"asideBytes\": " << asideBytes << ", \"downloadedBytes\": " << downloadedBytes
             << ", \"peakBytes\": " << peakBytes() << "}\n";
    }
};

Report report;

} // namespace

void countOperation(const std::string &name) {
    std::lock_guard guard(report.lock);
    ++report.operations[name];
}

void countUpload(int64_t bytes, bool pinned, bool aside) {
    std::lock_guard guard(report.lock);
    ++report.uploads;
    report.uploadedBytes += bytes;
    if (!pinned && bytes > 65536) ++report.slowUploads;
    if (aside) report.asideBytes += bytes;
}

void countDownload(int64_t bytes) {
    countWait("download");
    std::lock_guard guard(report.lock);
    report.downloadedBytes += bytes;
}

void countWait(const std::string &name) {
    int64_t count;
    {
        std::lock_guard guard(report.lock);
        ++report.waits[name];
        count = ++report.waitCount;
    }
    if (const char *last = getenv("FAKE_CUDA_STOP_AT_WAIT"); last && count == atoll(last)) raise(SIGTERM);
}

} // namespace fake
