#include "amtgate/gateway/images.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "amtgate/gateway/image_host.h"
#include "amtgate/image/local_image.h"
#include "amtgate/net/worker.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

// Long enough to draw the line at what nobody types, and short enough for a request.
constexpr std::size_t kMaxName = 2048;

WantedImages configured(const config::Target& target) {
  WantedImages out;
  if (!target.image.empty()) out.cd = ImageSpec{target.image};
  if (!target.image_floppy.empty()) out.floppy = ImageSpec{target.image_floppy};
  return out;
}

ider::ClientRole::StartMode mode_of(control::AttachRequest::Start start) {
  switch (start) {
    case control::AttachRequest::Start::Now: return ider::ClientRole::StartMode::Now;
    case control::AttachRequest::Start::Graceful: return ider::ClientRole::StartMode::Graceful;
    case control::AttachRequest::Start::Reboot: return ider::ClientRole::StartMode::NextReboot;
  }
  return ider::ClientRole::StartMode::Now;
}

std::unique_ptr<net::Worker> start_worker(const char* name) {
  Result<std::unique_ptr<net::Worker>> worker = net::Worker::start(name);
  if (worker) return std::move(*worker);
  log::error("image.off", {{"why", worker.error().detail}});
  return nullptr;
}

}  // namespace

/// Workers are ended in an order: nobody posts to a loop that is gone.
struct Images::Impl {
  std::unique_ptr<net::Worker> sessions;
  std::unique_ptr<net::Worker> fetching;
  std::unique_ptr<net::Worker> disk;
  std::unique_ptr<net::Worker> reader;
  // On the sessions' loop.
  std::unique_ptr<image::Web> web;
  std::unique_ptr<ImageTools> tools;
  std::map<std::string, std::array<DriveTotals, 2>> totals;  // of targets that have had an image
  std::map<std::string, std::unique_ptr<ImageHost>> hosts;
  /// What the control socket said of a target; none() where it detached what the configuration attaches.
  std::map<std::string, WantedImages> asked;
  std::map<std::string, WantedImages> configured_before;

  ~Impl() {
    if (!tools) return;  // a thread could not be had
    sessions->run_there([this] { hosts.clear(); });
    reader->stop();  // what it has read goes to nobody now
    sessions->run_there([this] {
      web.reset();
      tools.reset();
    });
    fetching->stop();
    disk->stop();  // behind what the images still had to save
    sessions->stop();
  }

  void set(const std::string& target, const WantedImages& wanted) {
    const auto found = hosts.find(target);
    if (found == hosts.end()) {
      if (wanted.none()) return;
      hosts[target] = std::make_unique<ImageHost>(
          *tools, target, totals[target], [this, target] { tools->loop.defer([this, target] { gone(target); }); });
    }
    hosts[target]->want(wanted);
  }

  void gone(const std::string& target) {
    const auto found = hosts.find(target);
    if (found == hosts.end() || !found->second->wanted().none() || found->second->in_session()) return;
    tools->loop.retire(std::shared_ptr<ImageHost>(std::move(found->second)));
    hosts.erase(found);
  }

  void apply(const config::Config& config) {
    std::map<std::string, WantedImages> now;
    for (const config::Target& t : config.targets) now[t.name] = configured(t);
    std::set<std::string> names;
    for (const auto& [name, host] : hosts) names.insert(name);
    for (const auto& [name, wanted] : now) names.insert(name);
    for (const std::string& name : names) {
      const auto here = now.find(name);
      if (here == now.end()) {
        asked.erase(name);
        set(name, {});
        continue;
      }
      const auto before = configured_before.find(name);
      const bool changed = before == configured_before.end() || before->second.cd != here->second.cd ||
                           before->second.floppy != here->second.floppy;
      const auto own = asked.find(name);
      if (own != asked.end() && !own->second.none()) continue;
      if (own != asked.end() && !changed) continue;
      if (own != asked.end()) asked.erase(own);
      set(name, here->second);
    }
    std::erase_if(totals, [&](const auto& t) { return !now.contains(t.first) && !hosts.contains(t.first); });
    configured_before = std::move(now);
    for (const auto& [name, host] : hosts) host->recheck();
  }
};

Images::Images(Shared& shared, std::string state) : shared_(shared), state_(std::move(state)) {}
Images::~Images() = default;

bool Images::begin() {
  if (impl_) return true;
  auto impl = std::make_unique<Impl>();
  impl->sessions = start_worker("amtgate-images");
  impl->fetching = start_worker("amtgate-fetch");
  impl->disk = start_worker("amtgate-disk");
  impl->reader = start_worker("amtgate-read");
  if (!impl->sessions || !impl->fetching || !impl->disk || !impl->reader) return false;
  impl_ = std::move(impl);
  impl_->sessions->run_there([this] {
    Impl& i = *impl_;
    net::Loop& loop = i.sessions->loop();
    loop.wait_busily();  // it relays nothing: machines that read ask for the next piece at once
    i.web = std::make_unique<image::Web>(
        loop, image::WebThreads{*i.fetching, *i.disk, *i.reader},
        image::FetcherOptions{.ca_text = settings_.image_ca_text, .mark = shared_.own_mark}, state_ + "/images",
        settings_.image_cache);
    i.tools = std::make_unique<ImageTools>(ImageTools{loop, shared_, *i.web, *i.reader});
  });
  running_ = impl_.get();
  return true;
}

void Images::apply(const config::Config& config) {
  settings_ = config.gateway;
  const bool any = std::ranges::any_of(config.targets, [](const auto& t) { return !configured(t).none(); });
  if ((!any && !impl_) || !begin()) return;
  impl_->sessions->run_there([&] {
    impl_->web->cache().set_limit(settings_.image_cache);
    impl_->web->fetcher().set_ca(settings_.image_ca_text);
    impl_->apply(config);
  });
}

void Images::names_changed() {
  Impl* impl = running_;
  if (impl == nullptr) return;
  impl->sessions->loop().post([impl] {
    for (const auto& [name, host] : impl->hosts) host->moved();
  });
}

Result<void> Images::attach(const control::AttachRequest& request) {
  const std::shared_ptr<const Directory> directory = shared_.policy()->directory;
  const config::Target* target = directory->config().find(request.target);
  if (target == nullptr) {
    return Error{Errc::BadValue, "there is no target '" + request.target + "'; `amtgate status` lists them"};
  }
  const Result<Directory::Machine> machine = directory->find(request.target);
  if (!machine && machine.error().code == Errc::BadValue) return machine.error();
  WantedImages wanted;
  wanted.configured = false;
  wanted.start = mode_of(request.start);
  const auto take = [](const std::optional<control::AttachRequest::Medium>& from,
                       std::optional<ImageSpec>& to) -> Result<void> {
    if (!from) return {};
    if (from->name.empty() || from->name.size() > kMaxName) return Error{Errc::BadValue, "an image without a name"};
    to.emplace(ImageSpec{from->name});
    if (from->fd < 0) {
      if (!to->web()) return Error{Errc::BadValue, from->name + " is no http or https address"};
      return {};
    }
    sys::UniqueFd fd(::fcntl(from->fd, F_DUPFD_CLOEXEC, 0));
    if (!fd) return Error{Errc::System, from->name + ": " + std::strerror(errno)};
    to->file = std::make_shared<const sys::UniqueFd>(std::move(fd));
    return {};
  };
  if (const Result<void> taken = take(request.cd, wanted.cd); !taken) return taken;
  if (const Result<void> taken = take(request.floppy, wanted.floppy); !taken) return taken;
  const bool back = wanted.none();
  if (back) {
    wanted = configured(*target);
    wanted.start = mode_of(request.start);
    if (wanted.none()) {
      return Error{Errc::BadValue, target->name + " has no image in the configuration: name one (--cd, --floppy)"};
    }
  }
  if (!begin()) return Error{Errc::System, "no thread for images: see the daemon's log"};
  Result<void> done;
  impl_->sessions->run_there([&] {
    for (const auto& [drive, spec] : {std::pair{2048U, &wanted.cd}, std::pair{512U, &wanted.floppy}}) {
      if (!done || !*spec || !(*spec)->file) continue;
      // What is no image is said to who asks, not only in the list.
      sys::UniqueFd fd(::fcntl((*spec)->file->get(), F_DUPFD_CLOEXEC, 0));
      const auto tried =
          image::make_local_image(impl_->tools->loop, *impl_->reader, std::move(fd), (*spec)->source, drive);
      if (!tried) done = tried.error();
    }
    if (!done) return;
    if (back) {
      impl_->asked.erase(target->name);
    } else {
      impl_->asked[target->name] = wanted;
    }
    impl_->set(target->name, wanted);
    if (const auto host = impl_->hosts.find(target->name); host != impl_->hosts.end()) host->second->try_now();
  });
  return done;
}

Result<void> Images::detach(const std::string& name) {
  const std::shared_ptr<const Directory> directory = shared_.policy()->directory;
  const config::Target* target = directory->config().find(name);
  if (target == nullptr) {
    return Error{Errc::BadValue, "there is no target '" + name + "'; `amtgate status` lists them"};
  }
  bool had = false;
  if (impl_) {
    impl_->sessions->run_there([&] {
      const auto found = impl_->hosts.find(name);
      had = found != impl_->hosts.end() && !found->second->wanted().none();
      if (!had) return;
      impl_->asked[name] = WantedImages{};
      if (configured(*target).none()) impl_->asked.erase(name);
      log::info("image.detached", {{"target", name}});
      impl_->set(name, {});
    });
  }
  if (!had) return Error{Errc::BadValue, name + " has no image"};
  return {};
}

std::vector<control::ImageInfo> Images::list() const {
  std::vector<control::ImageInfo> out;
  if (impl_) {
    impl_->sessions->run_there([&] {
      for (const auto& [name, host] : impl_->hosts) host->describe(out);
    });
  }
  return out;
}

std::vector<control::SessionInfo> Images::sessions() const {
  std::vector<control::SessionInfo> out;
  if (!impl_) return out;
  impl_->sessions->run_there([&] {
    for (const auto& [name, host] : impl_->hosts) {
      if (std::optional<control::SessionInfo> session = host->session()) out.push_back(std::move(*session));
    }
  });
  return out;
}

void Images::park(const std::string& target, const std::string& what, Duration lease) {
  if (!impl_) return;
  impl_->sessions->run_there([&] {
    if (const auto found = impl_->hosts.find(target); found != impl_->hosts.end()) found->second->park(what, lease);
  });
}

void Images::unpark(const std::string& target) {
  if (!impl_) return;
  impl_->sessions->run_there([&] {
    if (const auto found = impl_->hosts.find(target); found != impl_->hosts.end()) found->second->unpark();
  });
}

void Images::end_all() {
  if (!impl_) return;
  impl_->sessions->run_there([&] {
    for (const auto& [name, host] : impl_->hosts) host->detach();
  });
}

std::size_t Images::in_session() const {
  std::size_t n = 0;
  if (impl_) {
    impl_->sessions->run_there([&] {
      for (const auto& [name, host] : impl_->hosts) n += host->in_session() ? 1U : 0U;
    });
  }
  return n;
}

void Images::metrics(std::vector<control::Metric>& out) const {
  const std::vector<control::ImageInfo> now = list();
  for (const char* state : {"attached", "waiting", "away", "failed"}) {
    const auto n = std::ranges::count(now, state, &control::ImageInfo::state);
    out.push_back({"amtgate_images",
                   "Drives that the gateway serves images to.",
                   control::MetricType::Gauge,
                   {{"state", state}},
                   static_cast<double>(n)});
  }
  if (!impl_) return;
  impl_->sessions->run_there([&] {
    const auto add = [&](const char* name, const char* help, std::uint64_t DriveTotals::*what) {
      for (const auto& [target, drives] : impl_->totals) {
        for (std::size_t d = 0; d < drives.size(); ++d) {
          out.push_back({name,
                         help,
                         control::MetricType::Counter,
                         {{"target", target}, {"drive", d == 0 ? "cd" : "floppy"}},
                         static_cast<double>(drives[d].*what)});
        }
      }
    };
    add("amtgate_image_read_bytes_total", "Bytes of images that machines have read.", &DriveTotals::bytes);
    add("amtgate_image_reads_total", "Commands of machines that have read images.", &DriveTotals::reads);
    add("amtgate_image_read_errors_total", "Reads of images that failed.", &DriveTotals::errors);
  });
}

}  // namespace amtgate::gateway
