#include "history/chunk.h"

#include <algorithm>

namespace tracking::history {

std::shared_ptr<Chunk> ChunkPool::take(std::size_t line_bytes) {
  std::unique_ptr<Chunk> chunk;
  if (line_bytes <= Chunk::text_bytes) {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      chunk = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!chunk) {
    chunk = std::make_unique<Chunk>();
    chunk->capacity = std::max(line_bytes, Chunk::text_bytes);
    // Uninitialised on purpose: pages that no event reaches are never touched.
    chunk->text.reset(new char[chunk->capacity]);
    chunk->entries.reset(new Chunk::Entry[Chunk::entries_max]);
  }
  chunk->count = 0;
  chunk->is_complete = false;
  chunk->written = 0;
  chunk->holes = 0;
  chunk->used = 0;
  chunk->prefetched = 0;
  chunk->newest = {};
  return {chunk.release(), [pool = weak_from_this()](Chunk* done) {
            std::unique_ptr<Chunk> owned(done);
            if (const auto alive = pool.lock()) alive->put(std::move(owned));
          }};
}

void ChunkPool::put(std::unique_ptr<Chunk> chunk) {
  if (chunk->capacity != Chunk::text_bytes) return;
  const std::lock_guard lock(mutex_);
  if (free_.size() < kept_max) free_.push_back(std::move(chunk));
}

}  // namespace tracking::history
