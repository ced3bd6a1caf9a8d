// An ImageHost, and a machine on a loopback address that reads what it is given.
#include "amtgate/gateway/image_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <random>

#include "amtgate/image/local_image.h"
#include "amtgate/sys/file.h"
#include "tests/gateway/drives_machine.h"
#include "tests/net/loop_fixture.h"
#include "tests/support/own_loopback.h"

namespace amtgate::gateway {
namespace {

using amtgate::test::own_loopback;
using ider::Drive;
using test::DrivesMachine;
using test::DrivesSession;
using StartMode = ider::ClientRole::StartMode;

constexpr auto kGood = ider::HostRole::Status::Good;
const ider::Cdb kTestUnitReady{};

/// As no two images are.
std::string content(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() >> 8);
  return out;
}

class ImageHostTest : public net::test::LoopTest {
 protected:
  static constexpr const char* kPassword = "P@ssw0rd1!";

  ImageHostTest() {
    char name[] = "/tmp/amtgate-host.XXXXXX";
    folder_ = ::mkdtemp(name);
    target_.name = "pc1";
    target_.address = {Network{own_loopback(3), 32}};
    target_.amt = Network{own_loopback(3), 32};
    target_.tls = config::TlsMode::No;
    target_.password = config::Secret(kPassword);
    set_policy();
    tools_.pauses.session = {milliseconds(1), milliseconds(5)};
    tools_.pauses.file = {milliseconds(1), milliseconds(5)};
  }
  ~ImageHostTest() override {
    host_.reset();
    web_.reset();
    loop->run_once(Duration::zero());  // what was retired is gone before the threads that it posts to
    std::filesystem::remove_all(folder_);
  }

  void set_policy() {
    auto config = std::make_shared<config::Config>();
    config->targets = {target_};
    auto policy = std::make_shared<Policy>();
    policy->directory = std::make_shared<Directory>(config, Directory::Names{});
    shared_.set_policy(policy);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  /// Behind its name, as `mv` does it: what is open stays what it was.
  ImageSpec write(const std::string& name, const std::string& bytes) {
    const Result<void> written = sys::write_file(path(name) + ".new", bytes, 0600);
    EXPECT_TRUE(written) << written.error().detail;
    std::filesystem::rename(path(name) + ".new", path(name));
    return {path(name)};
  }

  void want(const WantedImages& images) {
    if (!host_) {
      host_ = std::make_unique<ImageHost>(tools_, "pc1", totals_, [this] { ++gone_; });
    }
    host_->want(images);
  }

  /// What the list says of a drive; nothing: it shows none.
  std::optional<control::ImageInfo> info(const std::string& drive = "cd") const {
    std::vector<control::ImageInfo> all;
    host_->describe(all);
    const auto found = std::ranges::find(all, drive, &control::ImageInfo::drive);
    return found == all.end() ? std::nullopt : std::optional(*found);
  }
  std::string state(const std::string& drive = "cd") const {
    const auto found = info(drive);
    return found ? found->state : "none";
  }
  std::string detail(const std::string& drive = "cd") const {
    const auto found = info(drive);
    return found ? found->detail : "none";
  }
  bool says(const std::string& part, const std::string& drive = "cd") const {
    return detail(drive).find(part) != std::string::npos;
  }
  testing::AssertionResult comes(const std::string& wanted, const std::string& drive = "cd") {
    if (run_until([&] { return state(drive) == wanted; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "it is " << state(drive) << ": " << detail(drive);
  }
  /// Until whatever was due by now, and with pauses of up to `time`, has been begun.
  void pass(Duration time) {
    bool over = false;
    net::Timer timer(*loop, [&] { over = true; });
    timer.arm(time);
    ASSERT_TRUE(run_until([&] { return over; }));
    loop->run_once(Duration::zero());  // what the last timer began
  }

  ider::HostRole::CommandDone command(Drive drive, const ider::Cdb& cdb, std::size_t limit = 0) {
    DrivesSession* session = machine_.session();
    EXPECT_TRUE(session);
    if (session == nullptr) return {};
    const std::uint64_t id = session->submit(drive, cdb, limit);
    EXPECT_TRUE(run_until([&] { return session->done(id) != nullptr; })) << session->story();
    return session->done(id) != nullptr ? *session->done(id) : ider::HostRole::CommandDone{};
  }
  /// The medium that the machine finds in the drive is another than before.
  void expect_new(Drive drive) {
    EXPECT_EQ(command(drive, kTestUnitReady).sense, ider::sense::kMediumChanged);
    EXPECT_EQ(command(drive, kTestUnitReady).status, kGood);
  }
  /// As the machine reads it, in commands of 32 blocks.
  std::string read(Drive drive, std::size_t size) {
    const std::uint32_t block = drive == Drive::Cd ? 2048 : 512;
    const auto blocks = static_cast<std::uint32_t>((size + block - 1) / block);
    std::string out;
    for (std::uint32_t at = 0; at < blocks; at += 32) {
      const std::uint32_t n = std::min(32U, blocks - at);
      const ider::Cdb cdb{0x28,
                          0,
                          0,
                          static_cast<std::uint8_t>(at >> 16),
                          static_cast<std::uint8_t>(at >> 8),
                          static_cast<std::uint8_t>(at),
                          0,
                          0,
                          static_cast<std::uint8_t>(n)};
      const ider::HostRole::CommandDone done = command(drive, cdb, std::size_t{n} * block);
      EXPECT_EQ(done.status, kGood);
      if (done.status != kGood) return out;
      out += as_text(done.data);
    }
    EXPECT_EQ(out.substr(std::min(size, out.size())), std::string(std::size_t{blocks} * block - size, '\0'));
    return out.substr(0, size);
  }
  /// The drive holds exactly that. Compared here, since a failure is not to print it.
  bool holds(Drive drive, const std::string& bytes) { return read(drive, bytes.size()) == bytes; }

  std::string folder_;
  config::Target target_;
  Shared shared_{device::DialerOptions{"/nonexistent", 0}};
  std::unique_ptr<net::Worker> disk_ = std::move(*net::Worker::start("disk"));
  std::unique_ptr<net::Worker> reader_ = std::move(*net::Worker::start("reader"));
  std::unique_ptr<net::Worker> fetching_ = std::move(*net::Worker::start("fetching"));
  std::unique_ptr<image::Web> web_ = std::make_unique<image::Web>(
      *loop, image::WebThreads{*fetching_, *disk_, *reader_}, image::FetcherOptions{}, "/nonexistent", 0);
  ImageTools tools_{*loop, shared_, *web_, *reader_};
  std::array<DriveTotals, 2> totals_;
  DrivesMachine machine_{*loop, own_loopback(3), {"admin", kPassword}};
  std::unique_ptr<ImageHost> host_;
  int gone_ = 0;
};

// --- serving ----------------------------------------------------------------------------------------------

TEST_F(ImageHostTest, ServesAFileWholeAndCountsIt) {
  const std::string bytes = content(1'000'001, 1);  // not a whole number of blocks
  machine_.switch_on();
  want({.cd = write("cd.iso", bytes)});
  EXPECT_EQ(state(), "waiting");
  EXPECT_EQ(detail(), "the machine is being asked");
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(detail(), "");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));

  const control::ImageInfo i = *info();
  EXPECT_EQ(i.target, "pc1");
  EXPECT_EQ(i.image, path("cd.iso"));
  EXPECT_EQ(i.origin, "configuration");
  EXPECT_EQ(i.size, bytes.size());
  EXPECT_EQ(i.served, 489u * 2048);
  EXPECT_EQ(i.reads, 16u);  // commands
  EXPECT_EQ(i.read_errors, 0u);
  EXPECT_EQ(totals_[0].bytes, i.served);
  EXPECT_EQ(totals_[0].reads, i.reads);
  EXPECT_EQ(totals_[1].bytes, 0u);
  EXPECT_EQ(state("floppy"), "none");
  EXPECT_EQ(command(Drive::Floppy, kTestUnitReady).sense, ider::sense::kNoMedium);

  const std::optional<control::SessionInfo> session = host_->session();
  ASSERT_TRUE(session);
  EXPECT_EQ(session->target, "pc1");
  EXPECT_EQ(session->service, "ider");
  EXPECT_EQ(session->state, "open");
  EXPECT_EQ(session->device, own_loopback(3).to_string() + ":16994");
  EXPECT_GT(session->rx_bytes, i.served);
  EXPECT_TRUE(shared_.image_holders.holds("pc1"));
  EXPECT_EQ(machine_.asked().size(), 1u);
}

TEST_F(ImageHostTest, ADriveIsExchangedAndEmptiedWhileTheOtherStays) {
  const std::string cd = content(300'000, 1), floppy = content(100'000, 2), other = content(250'000, 3);
  machine_.switch_on();
  const ImageSpec second = write("floppy.img", floppy);
  want({.cd = write("cd.iso", cd), .floppy = second});
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(state("floppy"), "attached");
  expect_new(Drive::Cd);
  expect_new(Drive::Floppy);
  EXPECT_TRUE(holds(Drive::Cd, cd));
  EXPECT_TRUE(holds(Drive::Floppy, floppy));

  want({.cd = write("other.iso", other), .floppy = second});
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, other));
  EXPECT_TRUE(holds(Drive::Floppy, floppy)) << "the floppy is what it was";

  want({.floppy = second});
  EXPECT_EQ(state("cd"), "none");
  EXPECT_EQ(command(Drive::Cd, kTestUnitReady).sense, ider::sense::kNoMedium);
  EXPECT_TRUE(holds(Drive::Floppy, floppy));
  EXPECT_EQ(state("floppy"), "attached");

  want({.cd = ImageSpec{path("cd.iso")}, .floppy = second});
  EXPECT_EQ(state("cd"), "attached");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, cd));
  EXPECT_EQ(machine_.asked().size(), 1u) << "all that in one session";
  EXPECT_EQ(totals_[0].bytes, (147u + 123 + 147) * 2048);
  EXPECT_EQ(info("cd")->served, 147u * 2048) << "of the image that is there now";
}

TEST_F(ImageHostTest, AFileByTheSameNameIsTakenWhenSomebodyAsks) {
  const std::string first = content(50'000, 1), second = content(60'000, 2);
  machine_.switch_on();
  want({.cd = write("cd.iso", first)});
  ASSERT_TRUE(comes("attached"));
  expect_new(Drive::Cd);
  const ImageSpec same = write("cd.iso", second);
  want({.cd = same});  // as a reload does
  EXPECT_EQ(command(Drive::Cd, kTestUnitReady).status, kGood);
  EXPECT_TRUE(holds(Drive::Cd, first));
  want({.cd = same, .configured = false});
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, second));
  EXPECT_EQ(info()->origin, "control");
  EXPECT_EQ(machine_.asked().size(), 1u);
}

TEST_F(ImageHostTest, AnOpenFileNeedsNoName) {
  const std::string bytes = content(70'000, 1);
  machine_.switch_on();
  ImageSpec spec = write("cd.iso", bytes);
  spec.file = std::make_shared<const sys::UniqueFd>(std::move(*image::open_image_file(spec.source)));
  std::filesystem::remove(spec.source);
  want({.cd = spec, .configured = false});
  ASSERT_TRUE(comes("attached"));
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
}

TEST_F(ImageHostTest, AResetOfTheBusKeepsTheImage) {
  const std::string bytes = content(70'000, 1);
  machine_.switch_on();
  want({.cd = write("cd.iso", bytes)});
  ASSERT_TRUE(comes("attached"));
  expect_new(Drive::Cd);
  machine_.session()->reset_bus();
  ASSERT_TRUE(run_until([&] { return machine_.session()->story() == "login enabled reset-answered"; }));
  EXPECT_EQ(state(), "attached");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
  EXPECT_EQ(machine_.asked().size(), 1u);
}

// --- when the machine sees it -----------------------------------------------------------------------------

TEST_F(ImageHostTest, TheFirstSessionBeginsAsAskedAndThoseBehindItNow) {
  struct {
    StartMode mode;
    std::uint32_t features;
    const char* says;
  } const cases[] = {{StartMode::Now, 0x19, ""},
                     {StartMode::Graceful, 0x11, "the machine sees it when it lets go of its own"},
                     {StartMode::NextReboot, 0x09, "the machine sees it from its next boot on"}};
  machine_.switch_on();
  const ImageSpec spec = write("cd.iso", content(70'000, 1));
  for (const auto& c : cases) {
    want({.cd = spec, .start = c.mode, .configured = false});
    ASSERT_TRUE(comes("attached"));
    EXPECT_EQ(machine_.session()->features(), c.features);
    EXPECT_EQ(detail(), c.says);
    expect_new(Drive::Cd);
    (void)read(Drive::Cd, 2048);
    EXPECT_EQ(detail(), "") << "it has seen it";

    machine_.session()->end();
    ASSERT_TRUE(comes("away"));
    ASSERT_TRUE(comes("attached"));
    EXPECT_EQ(machine_.session()->features(), 0x19u) << "what comes back is there at once";
    EXPECT_EQ(detail(), "");
    want({});
    ASSERT_TRUE(run_until([&] { return !host_->in_session() && machine_.session() == nullptr; }));
  }
}

TEST_F(ImageHostTest, AnotherStartModeIsANewSession) {
  machine_.switch_on();
  const ImageSpec spec = write("cd.iso", content(70'000, 1));
  want({.cd = spec});
  ASSERT_TRUE(comes("attached"));
  want({.cd = spec, .start = StartMode::NextReboot, .configured = false});
  ASSERT_TRUE(run_until([&] { return machine_.sessions().size() == 2 && machine_.session() != nullptr; }));
  EXPECT_TRUE(machine_.sessions()[0]->story().starts_with("login enabled close-requested ended"))
      << machine_.sessions()[0]->story();
  EXPECT_EQ(machine_.session()->features(), 0x09u);
  EXPECT_TRUE(comes("attached"));
}

// --- the end ----------------------------------------------------------------------------------------------

TEST_F(ImageHostTest, TheLastDetachEndsTheSessionInOrder) {
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1)), .floppy = write("f.img", content(70'000, 2))});
  ASSERT_TRUE(comes("attached"));
  DrivesSession& session = *machine_.session();
  host_->detach();
  EXPECT_EQ(gone_, 0) << "not before the machine has let go";
  ASSERT_TRUE(host_->session());
  EXPECT_EQ(host_->session()->state, "closing");
  ASSERT_TRUE(run_until([&] { return gone_ == 1; }));
  EXPECT_FALSE(host_->in_session());
  EXPECT_FALSE(host_->session());
  EXPECT_EQ(state("cd"), "none");
  EXPECT_EQ(state("floppy"), "none");
  EXPECT_FALSE(shared_.image_holders.holds("pc1"));
  EXPECT_TRUE(run_until([&] { return session.story() == "login enabled close-requested ended closed"; }))
      << session.story();
  pass(milliseconds(50));
  EXPECT_EQ(machine_.asked().size(), 1u);
  EXPECT_EQ(gone_, 1);
}

TEST_F(ImageHostTest, DetachedWhileItIsAwayItIsTriedNoMore) {
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("away"));
  host_->detach();
  EXPECT_EQ(gone_, 1);
  machine_.switch_on();
  pass(milliseconds(50));
  EXPECT_EQ(machine_.asked().size(), 0u);
  EXPECT_FALSE(shared_.image_holders.holds("pc1"));
}

TEST_F(ImageHostTest, DestroyedInASessionItHangsUp) {
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("attached"));
  DrivesSession& session = *machine_.session();
  host_.reset();
  EXPECT_FALSE(shared_.image_holders.holds("pc1"));
  EXPECT_TRUE(run_until([&] { return !session.live(); }));
  EXPECT_EQ(gone_, 0);
}

// --- machines that are not there --------------------------------------------------------------------------

TEST_F(ImageHostTest, AMachineThatComesLaterGetsIt) {
  const std::string bytes = content(70'000, 1);
  want({.cd = write("cd.iso", bytes)});
  ASSERT_TRUE(comes("away"));
  EXPECT_TRUE(says("pc1 cannot be reached")) << detail();
  EXPECT_FALSE(host_->in_session());
  EXPECT_FALSE(shared_.image_holders.holds("pc1")) << "nobody else is kept from it meanwhile";
  machine_.switch_on();
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(detail(), "");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
}

TEST_F(ImageHostTest, ThePausesBetweenTriesGrow) {
  tools_.pauses.session = {milliseconds(20), milliseconds(80)};
  machine_.manners.hangs_up = true;
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(run_until([&] { return machine_.asked().size() == 5; }));
  EXPECT_EQ(state(), "away");
  EXPECT_TRUE(says("closed the connection")) << detail();
  const std::vector<TimePoint>& at = machine_.asked();
  EXPECT_GE(at[1] - at[0], milliseconds(20));
  EXPECT_GE(at[2] - at[1], milliseconds(40));
  EXPECT_GE(at[3] - at[2], milliseconds(80));
  EXPECT_GE(at[4] - at[3], milliseconds(80));
  machine_.manners.hangs_up = false;
  EXPECT_TRUE(comes("attached"));
}

TEST_F(ImageHostTest, WhoAsksDoesNotWaitForThePause) {
  tools_.pauses.session = {seconds(3600), seconds(3600)};
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("away"));
  machine_.switch_on();
  host_->try_now();
  EXPECT_TRUE(comes("attached"));
}

// --- machines that let go, or restart ---------------------------------------------------------------------

TEST_F(ImageHostTest, AMachineThatTakesItsDrivesAwayGetsThemAgain) {
  const std::string bytes = content(70'000, 1);
  machine_.switch_on();
  want({.cd = write("cd.iso", bytes)});
  ASSERT_TRUE(comes("attached"));
  const control::SessionId before = host_->session()->id;
  machine_.session()->end();
  ASSERT_TRUE(comes("away"));
  EXPECT_EQ(detail(), "pc1 took the drives away");
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(machine_.asked().size(), 2u);
  EXPECT_NE(host_->session()->id.value, before.value);
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
  want({.cd = ImageSpec{path("cd.iso")}, .start = StartMode::Graceful, .configured = false});
  EXPECT_EQ(state(), "waiting") << "for the next session: what stood in the way is over";
  EXPECT_EQ(detail(), "the machine is being asked");
}

TEST_F(ImageHostTest, AMachineThatRestartsGetsThemAgain) {
  const std::string bytes = content(70'000, 1);
  machine_.switch_on();
  want({.cd = write("cd.iso", bytes), .floppy = write("f.img", bytes)});
  ASSERT_TRUE(comes("attached"));
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
  machine_.switch_off();
  ASSERT_TRUE(run_until([&] { return says("pc1 cannot be reached"); })) << detail();
  EXPECT_EQ(state(), "away");
  EXPECT_EQ(state("floppy"), "away");
  machine_.switch_on();
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(state("floppy"), "attached");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
  EXPECT_EQ(info()->served, 2u * 35 * 2048) << "of both sessions";
}

TEST_F(ImageHostTest, AnotherAddressIsAnotherMachine) {
  DrivesMachine other(*loop, own_loopback(4), {"admin", kPassword});
  machine_.switch_on();
  other.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("attached"));
  host_->moved();
  EXPECT_EQ(host_->session()->state, "open") << "it has not moved";
  target_.amt = Network{own_loopback(4), 32};
  set_policy();
  host_->moved();
  ASSERT_TRUE(run_until([&] { return other.session() != nullptr; }));
  EXPECT_TRUE(comes("attached"));
  EXPECT_EQ(host_->session()->device, own_loopback(4).to_string() + ":16994");
  EXPECT_EQ(machine_.session(), nullptr);
  EXPECT_TRUE(machine_.sessions()[0]->story().starts_with("login enabled close-requested ended"));
}

TEST_F(ImageHostTest, ParkedItLetsGoUntilItIsCalledBack) {
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("attached"));
  host_->park("changes its certificate", seconds(3600));
  ASSERT_TRUE(run_until([&] { return !host_->in_session(); }));
  EXPECT_EQ(state(), "away");
  EXPECT_EQ(detail(), "pc1 changes its certificate");
  pass(milliseconds(50));
  host_->try_now();
  pass(milliseconds(50));
  EXPECT_EQ(machine_.asked().size(), 1u);
  EXPECT_EQ(gone_, 0) << "it is still wanted";
  host_->unpark();
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(machine_.asked().size(), 2u);
  host_->park("changes its certificate", milliseconds(30));  // and nobody calls it back
  ASSERT_TRUE(comes("away"));
  ASSERT_TRUE(run_until([&] { return !host_->in_session(); }));
  host_->recheck();  // a reload meanwhile
  EXPECT_TRUE(comes("attached"));
}

// --- machines that say no ---------------------------------------------------------------------------------

TEST_F(ImageHostTest, AWrongPasswordIsToldAndNotTriedAgainSoon) {
  target_.password = config::Secret("wrong");
  set_policy();
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("failed"));
  EXPECT_TRUE(says("refused user 'admin' or the password")) << detail();
  EXPECT_TRUE(says("set the right ones in the configuration, and `amtgate reload`")) << detail();
  pass(milliseconds(200));
  EXPECT_EQ(machine_.asked().size(), 1u) << "AMT locks an account that is tried again and again";
  EXPECT_EQ(shared_.dialer.held_back_total(), 0u) << "the host itself has patience";
  EXPECT_FALSE(shared_.image_holders.holds("pc1"));

  target_.password = config::Secret(kPassword);
  set_policy();
  shared_.dialer.forget();
  host_->recheck();
  EXPECT_TRUE(comes("attached"));
  EXPECT_EQ(machine_.asked().size(), 2u);
}

TEST_F(ImageHostTest, WhatSomebodyHasToMendIsToldAndNotTriedAgainSoon) {
  struct {
    redir::StartStatus status;
    const char* says;
  } const cases[] = {{redir::StartStatus::Unsupported, "; `amtgate setup ider pc1` switches it on"},
                     {redir::StartStatus::ConsentRequired, "; `amtgate consent start pc1` asks for it"}};
  machine_.switch_on();
  const ImageSpec spec = write("cd.iso", content(70'000, 1));
  std::size_t asked = 0;
  for (const auto& c : cases) {
    machine_.manners.start = c.status;
    want({.cd = spec});
    host_->try_now();
    ASSERT_TRUE(comes("failed"));
    EXPECT_TRUE(detail().ends_with(c.says)) << detail();
    pass(milliseconds(100));
    EXPECT_EQ(machine_.asked().size(), ++asked);
    host_->try_now();
    ASSERT_TRUE(run_until([&] { return machine_.asked().size() > asked; })) << "who asks is heard at once";
    ++asked;
    ASSERT_TRUE(comes("failed"));
  }
  machine_.manners.start = redir::StartStatus::Success;
  host_->try_now();
  EXPECT_TRUE(comes("attached"));
}

TEST_F(ImageHostTest, ARefusalIsTriedAgainBehindItsPause) {
  tools_.pauses.refused = milliseconds(60);
  machine_.manners.start = redir::StartStatus::Unsupported;
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("failed"));
  machine_.manners.start = redir::StartStatus::Success;
  ASSERT_TRUE(comes("attached"));
  ASSERT_EQ(machine_.asked().size(), 2u);
  EXPECT_GE(machine_.asked()[1] - machine_.asked()[0], milliseconds(60));
}

TEST_F(ImageHostTest, AMachineThatDoesNotSwitchTheDrivesOn) {
  machine_.manners.enables = false;
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("failed"));
  EXPECT_EQ(detail(), "pc1 did not attach the drives");
  EXPECT_FALSE(host_->in_session());
  pass(milliseconds(100));
  EXPECT_EQ(machine_.asked().size(), 1u);
}

TEST_F(ImageHostTest, SomebodyElseHasTheDrives) {
  machine_.manners.busy = true;
  machine_.switch_on();
  want({.cd = write("cd.iso", content(70'000, 1))});
  ASSERT_TRUE(comes("away"));
  EXPECT_TRUE(detail().ends_with("; whoever has the machine's drives must let go of them")) << detail();
  ASSERT_TRUE(run_until([&] { return machine_.asked().size() > 2; })) << "somebody may let go at any time";
  EXPECT_EQ(state(), "away");
  machine_.manners.busy = false;
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(detail(), "");
}

// --- images that are not there ----------------------------------------------------------------------------

TEST_F(ImageHostTest, WithoutAnImageTheMachineIsLeftAlone) {
  machine_.switch_on();
  std::filesystem::create_directory(path("folder"));
  struct {
    ImageSpec spec;
    const char* says;
  } const cases[] = {{{path("nowhere.iso")}, "nowhere.iso: No such file or directory"},
                     {{path("folder")}, "folder: neither a file nor a disk"},
                     {write("empty.iso", ""), "empty.iso: it is empty"}};
  for (const auto& c : cases) {
    want({.cd = c.spec});
    EXPECT_EQ(state(), "failed");
    EXPECT_TRUE(detail().ends_with(c.says)) << detail();
    pass(milliseconds(30));
    EXPECT_EQ(state(), "failed");
  }
  EXPECT_EQ(machine_.asked().size(), 0u);
  EXPECT_FALSE(host_->in_session());
}

TEST_F(ImageHostTest, AnImageThatComesLaterIsServed) {
  const std::string bytes = content(70'000, 1);
  machine_.switch_on();
  want({.cd = ImageSpec{path("cd.iso")}});
  EXPECT_EQ(state(), "failed");
  pass(milliseconds(20));
  write("cd.iso", bytes);
  ASSERT_TRUE(comes("attached"));
  EXPECT_EQ(detail(), "");
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, bytes));
}

TEST_F(ImageHostTest, OneDriveDoesNotWaitForTheImageOfTheOther) {
  const std::string cd = content(70'000, 1), floppy = content(80'000, 2);
  machine_.switch_on();
  want({.cd = ImageSpec{path("cd.iso")}, .floppy = write("f.img", floppy)});
  ASSERT_TRUE(comes("attached", "floppy"));
  EXPECT_EQ(state("cd"), "failed");
  EXPECT_EQ(command(Drive::Cd, kTestUnitReady).sense, ider::sense::kNoMedium);
  expect_new(Drive::Floppy);
  EXPECT_TRUE(holds(Drive::Floppy, floppy));
  write("cd.iso", cd);
  ASSERT_TRUE(comes("attached", "cd"));
  expect_new(Drive::Cd);
  EXPECT_TRUE(holds(Drive::Cd, cd));
  EXPECT_EQ(machine_.asked().size(), 1u) << "in the session that was there";
}

}  // namespace
}  // namespace amtgate::gateway
