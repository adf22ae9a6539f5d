// The log of libtracking/src/file, by the interface that its group commit uses.
#include "file/store_reader.h"
#include "file/store_writer.h"
#include "frames.h"

namespace tracking::bench {
namespace {

using file_log::StoreReader;

class FileStore final : public Store {
 public:
  explicit FileStore(std::unique_ptr<file_log::Store> store) : store_(std::move(store)), writer_(*store_) {
    if (!writer_.prepare()) throw StoreError(writer_.failure());
  }

  void append(std::span<const Line> lines) override {
    if (writer_.append(packer_.pack(lines)) != Code::ok) throw StoreError(writer_.failure());
    writer_.show();
  }

  void settle() override {
    if (const Status status = writer_.close(); !status) throw StoreError(status.message());
  }

  std::uint64_t next_position() override { return store_->next_position(); }

  void read(std::uint64_t position, Visitor& visitor) override {
    StoreReader reader(*store_, position);
    for (;;) {
      switch (reader.next()) {
        case StoreReader::Next::frame:
          visit_frame(reader.frame(), position, visitor);
          break;
        case StoreReader::Next::hole:
          visitor.loss(reader.hole().begin, reader.hole().end);
          break;
        case StoreReader::Next::failed:
          throw StoreError(reader.message());
        case StoreReader::Next::end:
          return;
      }
    }
  }

 private:
  const std::unique_ptr<file_log::Store> store_;
  file_log::StoreWriter writer_;
  FramePacker packer_;
};

std::unique_ptr<Store> open_store(const std::string& folder) {
  auto store =
      file_log::Store::open({.directory = folder}, file_log::FileSystem::posix(), Clock::system(), /*log=*/nullptr);
  if (!store) throw StoreError(store.error().message());
  return std::make_unique<FileStore>(std::move(*store));
}

}  // namespace

Contestant file_contestant() { return {.name = "file", .open = open_store}; }

}  // namespace tracking::bench
