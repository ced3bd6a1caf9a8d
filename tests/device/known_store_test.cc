#include "amtgate/device/known_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace amtgate::device {
namespace {

class KnownStoreTest : public testing::Test {
 protected:
  KnownStoreTest() {
    char name[] = "/tmp/amtgate-known-test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~KnownStoreTest() override { std::filesystem::remove_all(folder_); }

  static std::vector<tls::Certificate> chain(const char* name) {
    return *tls::parse_pem(tls::make_self_signed({.key = tls::KeyType::EcP256, .common_name = name})->cert_pem);
  }
  bool trusted(KnownStore& store, const std::vector<tls::Certificate>& chain) {
    return store.judge({}, who, chain).has_value();
  }
  std::string path() const { return folder_ + "/known_certificates"; }

  const tls::KnownCertificates::Identity who{"pc1", *IpAddress::parse("10.99.0.10")};
  const std::vector<tls::Certificate> old_one = chain("old"), new_one = chain("new");
  std::string folder_;
};

TEST_F(KnownStoreTest, TakesTheAnnouncedOneInPlaceOfTheOld) {
  KnownStore store(path()), daemon(path());
  ASSERT_TRUE(trusted(store, old_one));
  EXPECT_FALSE(trusted(store, new_one));
  ASSERT_TRUE(store.announce(who, new_one[0].sha256()));
  EXPECT_TRUE(trusted(daemon, old_one)) << "until the other is seen";
  EXPECT_TRUE(trusted(daemon, new_one)) << "whoever else reads the file knows it too";
  EXPECT_FALSE(trusted(store, old_one)) << "and not once it was seen";
}

TEST_F(KnownStoreTest, AnnouncesNothingToWhoKnowsNone) {
  KnownStore store(path());
  ASSERT_TRUE(store.announce(who, new_one[0].sha256()));
  EXPECT_FALSE(store.knows(who)) << "it may have no TLS yet";
}

TEST_F(KnownStoreTest, WritersAtOnceLoseNothing) {
  constexpr int kEach = 100;
  const auto machine = [](int n) {
    return tls::KnownCertificates::Identity{"pc" + std::to_string(n), *IpAddress::parse("10.99.0.10")};
  };
  // As two programs: each has a store of its own.
  const auto write = [&](int from) {
    KnownStore mine(path());
    for (int n = from; n < from + kEach; ++n) {
      EXPECT_TRUE(mine.judge({}, machine(n), old_one)) << n;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // nobody writes without a pause
    }
  };
  std::thread other(write, kEach);
  write(0);
  other.join();
  KnownStore reader(path());
  int lost = 0;
  for (int n = 0; n < 2 * kEach; ++n) lost += reader.knows(machine(n)) ? 0 : 1;
  EXPECT_EQ(lost, 0);
}

TEST_F(KnownStoreTest, ReplacesAndForgets) {
  KnownStore store(path());
  ASSERT_TRUE(trusted(store, old_one));
  ASSERT_TRUE(store.announce(who, std::string(64, 'a')));
  ASSERT_TRUE(store.replace(who, new_one[0].sha256()));
  EXPECT_TRUE(trusted(store, new_one));
  EXPECT_FALSE(trusted(store, old_one));
  ASSERT_TRUE(store.forget(who));
  EXPECT_FALSE(store.knows(who));
  EXPECT_TRUE(store.forget(who)) << "twice";
}

TEST_F(KnownStoreTest, BelongsToTheOwnerOfItsFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kSomebody = 12345;
  ASSERT_EQ(::chown(folder_.c_str(), kSomebody, kSomebody), 0);
  KnownStore store(path());
  ASSERT_TRUE(trusted(store, old_one));
  struct stat st {};
  ASSERT_EQ(::stat(path().c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, kSomebody);
}

}  // namespace
}  // namespace amtgate::device
