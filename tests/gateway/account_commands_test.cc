#include "amtgate/gateway/account_commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace amtgate::gateway {
namespace {

using auth::Role;

/// Two machines with a session each: 1 at pc1, 2 at pc2.
class Everything final : public control::Commands {
 public:
  control::Status status() const override {
    control::Status out;
    out.sessions = 2;
    out.problems = {"pc1: does not resolve", "pc2: does not resolve", "pc11: does not resolve", "reload refused"};
    for (const char* name : {"pc1", "pc2", "pc11"}) {
      control::TargetStatus target;
      target.name = name;
      target.sessions = out.targets.size() < 2 ? 1 : 0;
      out.targets.push_back(target);
    }
    return out;
  }
  std::vector<control::SessionInfo> sessions() const override {
    std::vector<control::SessionInfo> out(2);
    out[0].id = control::SessionId{1};
    out[0].target = "pc1";
    out[1].id = control::SessionId{2};
    out[1].target = "pc2";
    return out;
  }
  Result<void> end(control::SessionId id) override {
    done += "end " + std::to_string(id.value) + " ";
    return {};
  }
  Result<void> give(control::SessionId id) override {
    done += "give " + std::to_string(id.value) + " ";
    return {};
  }
  Result<std::size_t> park(const std::string& target, const std::string&, Duration) override {
    done += "park " + target + " ";
    return std::size_t{1};
  }
  Result<void> unpark(const std::string& target) override {
    done += "unpark " + target + " ";
    return {};
  }
  std::vector<control::ImageInfo> images() const override {
    std::vector<control::ImageInfo> out(2);
    out[0].target = "pc1";
    out[1].target = "pc2";
    return out;
  }
  Result<void> attach(const control::AttachRequest& request) override {
    done += "attach " + request.target + " ";
    return {};
  }
  Result<void> detach(const std::string& target) override {
    done += "detach " + target + " ";
    return {};
  }
  std::vector<std::string> reload() override { return {}; }
  std::vector<control::Metric> metrics() const override { return {}; }

  std::string done;
};

class AccountCommandsTest : public testing::Test {
 protected:
  AccountCommands with(std::map<std::string, Role, std::less<>> at, std::optional<Role> everywhere = {}) {
    AccountRights rights{"ann", everywhere, [at = std::move(at), everywhere](std::string_view target) {
                           const auto found = at.find(target);
                           return found == at.end() ? everywhere : std::optional(found->second);
                         }};
    return {all, std::move(rights), [this](const std::string& why) { refused.push_back(why); }};
  }

  Everything all;
  std::vector<std::string> refused;
};

TEST_F(AccountCommandsTest, ShowsWhatMayBeViewed) {
  const AccountCommands some = with({{"pc1", Role::View}});
  ASSERT_EQ(some.sessions().size(), 1U);
  EXPECT_EQ(some.sessions()[0].target, "pc1");
  const control::Status status = some.status();
  ASSERT_EQ(status.targets.size(), 1U);
  EXPECT_EQ(status.targets[0].name, "pc1");
  EXPECT_EQ(status.sessions, 1U);
  EXPECT_EQ(status.problems, std::vector<std::string>{"pc1: does not resolve"});
  const AccountCommands none = with({});
  EXPECT_TRUE(none.sessions().empty());
  EXPECT_TRUE(none.status().targets.empty());
  EXPECT_TRUE(none.status().problems.empty());
  EXPECT_EQ(with({}, Role::View).status().problems.size(), 4U);
}

TEST_F(AccountCommandsTest, EndsAndGivesWithTheConsole) {
  AccountCommands some = with({{"pc1", Role::Console}});
  EXPECT_TRUE(some.end(control::SessionId{1}));
  EXPECT_TRUE(some.give(control::SessionId{1}));
  EXPECT_EQ(some.end(control::SessionId{2}).error().detail, "there is no session 2; `amtgate sessions` lists them")
      << "nor is it said that there is";
  EXPECT_EQ(all.done, "end 1 give 1 ");
  EXPECT_TRUE(refused.empty());
  AccountCommands looks = with({{"pc1", Role::View}});
  EXPECT_EQ(looks.end(control::SessionId{1}).error().code, Errc::Refused);
  EXPECT_EQ(looks.give(control::SessionId{1}).error().detail,
            "ann may not use sessions give at pc1: that takes the role console, and ann has view there");
  EXPECT_EQ(all.done, "end 1 give 1 ");
  EXPECT_EQ(refused.size(), 2U);
}

TEST_F(AccountCommandsTest, ParksWithPower) {
  AccountCommands some = with({{"pc1", Role::Power}, {"pc2", Role::Console}});
  ASSERT_TRUE(some.may("park"));
  EXPECT_TRUE(some.park("pc1", "is being switched off", seconds(1)));
  EXPECT_TRUE(some.unpark("pc1"));
  EXPECT_EQ(some.park("pc2", "x", seconds(1)).error().code, Errc::Refused);
  EXPECT_EQ(some.unpark("pc11").error().code, Errc::Refused);
  EXPECT_EQ(all.done, "park pc1 unpark pc1 ");
  EXPECT_EQ(refused.size(), 2U);
}

TEST_F(AccountCommandsTest, TheRestTakesAdminEverywhere) {
  for (const char* command : {"reload", "metrics", "something new"}) {
    EXPECT_FALSE(with({{"pc1", Role::Admin}}).may(command)) << command;
    EXPECT_FALSE(with({}, Role::Power).may(command)) << command;
    EXPECT_TRUE(with({}, Role::Admin).may(command)) << command;
  }
  EXPECT_EQ(refused.size(), 6U);
  EXPECT_TRUE(with({}).may("status"));
}

TEST_F(AccountCommandsTest, AttachesWithAdmin) {
  AccountCommands some = with({{"pc1", Role::Admin}, {"pc2", Role::Power}});
  ASSERT_TRUE(some.may("attach"));
  EXPECT_EQ(some.images().size(), 2U);
  EXPECT_EQ(with({{"pc2", Role::View}}).images().front().target, "pc2");
  control::AttachRequest file{"pc1", control::AttachRequest::Medium{"/x.iso", 3}};
  EXPECT_TRUE(some.attach(file));
  EXPECT_TRUE(some.detach("pc1"));
  file.target = "pc2";
  EXPECT_EQ(some.attach(file).error().code, Errc::Refused);
  EXPECT_EQ(some.detach("pc2").error().code, Errc::Refused);
  EXPECT_EQ(some.detach("pc11").error().code, Errc::Refused);
  const control::AttachRequest web{"pc1", std::nullopt, control::AttachRequest::Medium{"http://10.0.0.1/x", -1}};
  EXPECT_EQ(some.attach(web).error().code, Errc::Refused) << "the gateway would ask from where it stands";
  EXPECT_EQ(all.done, "attach pc1 detach pc1 ");
  EXPECT_EQ(refused.size(), 4U);
  EXPECT_TRUE(with({}, Role::Admin).attach(web));
}

}  // namespace
}  // namespace amtgate::gateway
