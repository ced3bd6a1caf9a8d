#include "amtgate/image/web_image.h"

#include <algorithm>
#include <limits>

#include "amtgate/image/read_ahead.h"
#include "src/image/web_store.h"

namespace amtgate::image {
namespace {

class WebImage final : public Medium {
 public:
  WebImage(net::Loop& loop, std::shared_ptr<WebStore> store, std::uint32_t block_size)
      : store_(std::move(store)), block_size_(block_size), waiting_(loop, [this] { tell(); }) {
    store_->add(this, [this] { tell(); });
  }
  ~WebImage() override { store_->remove(this); }

  State state() const override { return too_large() ? State::Failed : store_->state(); }
  std::string problem() const override {
    return too_large() ? "it has more blocks than a drive can have" : store_->problem();
  }
  std::uint64_t size() const override { return store_->size(); }
  bool web() const override { return true; }
  std::uint64_t cached() const override { return store_->cached(); }
  bool changed() const override { return store_->changed(); }

  std::uint32_t block_size() const override { return block_size_; }
  ider::SectorCount blocks() const override { return {static_cast<std::uint32_t>(count())}; }

  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override {
    const std::uint64_t from = std::uint64_t{first.value} * block_size_;
    if (from >= size() || out.size() > count() * block_size_ - from) {
      return Error{Errc::BadValue, "block " + std::to_string(first.value) + " is not in the image"};
    }
    const std::uint64_t want = std::min<std::uint64_t>(out.size(), size() - from);
    const bool again = waiting_.on();
    const std::uint64_t to = std::min(again ? from + want : ahead_.read(from, want), size());
    if (!store_->here(from, want)) {
      if (const Result<void> asked = store_->need(from, want); !asked) return asked.error();
      if (to > from + want) store_->expect(from, to);
      if (waiting_.late(from)) return Error{Errc::Timeout, "the server does not give it in time"};
      return ider::Fetch::Later;
    }
    const Result<ider::Fetch> got = store_->read(from, out.first(static_cast<std::size_t>(want)));
    if (got && *got == ider::Fetch::Later && waiting_.late(from)) {
      return Error{Errc::Timeout, "the disk does not give it in time"};
    }
    if (!got || *got == ider::Fetch::Later) return got;
    waiting_.done();
    // Once for each piece that is used up.
    if (to > from + want && from / kChunk != (from + want) / kChunk) store_->expect(from + want, to);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(want), out.end(), std::uint8_t{0});
    return ider::Fetch::Done;
  }

  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override {
    peeked_from_ = peeked_to_ = std::uint64_t{first.value} * block_size_;
    for (const MutableBytes& p : pieces) peeked_to_ += p.size();
    if (peeked_to_ > size() || !store_->here(peeked_from_, peeked_to_ - peeked_from_)) return false;
    std::uint64_t from = peeked_from_;
    for (const MutableBytes& p : pieces) {
      const Result<ider::Fetch> got = store_->read(from, p);
      if (!got || *got == ider::Fetch::Later) return false;
      from += p.size();
    }
    return true;
  }
  /// Its bytes are those of one image for good: of one that has changed at the server only what is here is read.
  bool confirm() override {
    const std::uint64_t to = std::min(ahead_.read(peeked_from_, peeked_to_ - peeked_from_), size());
    if (to > peeked_to_ && peeked_from_ / kChunk != peeked_to_ / kChunk) store_->expect(peeked_to_, to);
    return true;
  }

 private:
  std::uint64_t count() const { return (size() + block_size_ - 1) / block_size_; }
  bool too_large() const {
    return store_->state() == State::Ready && count() > std::numeric_limits<std::uint32_t>::max() - 1;
  }
  void tell() {
    if (news_) news_();
  }

  std::shared_ptr<WebStore> store_;
  const std::uint32_t block_size_;
  ReadAhead ahead_;
  std::uint64_t peeked_from_ = 0, peeked_to_ = 0;
  Waiting waiting_;
};

}  // namespace

Web::Web(net::Loop& loop, const WebThreads& threads, FetcherOptions options, std::string cache_folder,
         std::uint64_t cache_limit)
    : loop_(loop),
      reader_(threads.reader),
      fetcher_(make_fetcher(loop, threads.fetching, std::move(options))),
      cache_(loop, threads.disk, std::move(cache_folder), cache_limit) {}
Web::~Web() = default;

std::unique_ptr<Medium> Web::open(const std::string& url, std::uint32_t block_size) {
  std::erase_if(stores_, [](const auto& s) { return s.second.expired(); });
  std::shared_ptr<WebStore> store = stores_[url].lock();
  if (!store || store->changed()) {
    store = std::make_shared<WebStore>(loop_, reader_, *fetcher_, cache_, url, WebStore::Pauses());
    stores_[url] = store;
  }
  return std::make_unique<WebImage>(loop_, std::move(store), block_size);
}

}  // namespace amtgate::image
