#include "amtgate/session/redir_joint.h"

#include <gtest/gtest.h>

#include "amtgate/redir/client_role.h"
#include "amtgate/session/passthrough_joint.h"

namespace amtgate::session {
namespace {

const TimePoint kNow{seconds(100)};
const std::vector<Service> kAll = {Service::Vnc, Service::Sol, Service::Ider};

RedirOptions everybody() {
  RedirOptions o;
  o.services = kAll;
  return o;
}

class CountingRandom final : public auth::RandomSource {
 public:
  void fill(MutableBytes out) override {
    for (auto& b : out) b = static_cast<std::uint8_t>(++n_);
  }

 private:
  unsigned n_ = 0;
};

/// Moves bytes between a client's machine and a joint until neither has more, `chunk` bytes at a time.
void pump(redir::ClientRole& client, Joint& joint, std::size_t chunk = 1000) {
  for (bool moved = true; moved;) {
    moved = false;
    while (!client.output().empty()) {
      const Bytes out = client.output().first(std::min(chunk, client.output().size()));
      const Buffer copy(out.begin(), out.end());
      client.sent(copy.size());
      joint.receive_client(copy, kNow);
      moved = true;
    }
    while (!joint.client_output().empty()) {
      const Bytes out = joint.client_output().first(std::min(chunk, joint.client_output().size()));
      const Buffer copy(out.begin(), out.end());
      joint.client_sent(copy.size());
      (void)client.receive(copy, kNow);
      moved = true;
    }
  }
}

template <class T>
std::optional<T> next(Joint& joint) {
  auto event = joint.next_event();
  if (!event || !std::holds_alternative<T>(*event)) return std::nullopt;
  return std::get<T>(std::move(*event));
}

redir::ClientRole::Options client_options(Service service, std::string user = "me", std::string password = "x") {
  redir::ClientRole::Options o;
  o.service = service;
  o.credentials = {std::move(user), std::move(password)};
  o.allow_plaintext = true;
  return o;
}

std::optional<redir::ClientRole::Failed> failure(redir::ClientRole& client) {
  while (auto event = client.next_event()) {
    if (auto* failed = std::get_if<redir::ClientRole::Failed>(&*event)) return *failed;
  }
  return std::nullopt;
}

struct KindRow {
  Service service;
  Carry from_device;
};

class RedirJointKinds : public testing::TestWithParam<KindRow> {};

TEST_P(RedirJointKinds, JoinsAfterTheDeviceHasSaidYes) {
  for (const std::size_t chunk : {1U, 3U, 1000U}) {
    CountingRandom random;
    RedirJoint joint(everybody(), random, kNow);
    redir::ClientRole client(client_options(GetParam().service), random, kNow);
    pump(client, joint, chunk);
    const auto need = next<NeedDevice>(joint);
    ASSERT_TRUE(need);
    EXPECT_EQ(need->service, GetParam().service);
    EXPECT_EQ(need->depth, Depth::Authenticated);
    EXPECT_FALSE(client.next_event()) << "the client was answered before the device";

    const Buffer rest = {0xaa, 0xbb};
    joint.device_opened(rest, kNow);
    pump(client, joint, chunk);
    EXPECT_TRUE(client.open());
    const auto who = next<ClientKnown>(joint);
    ASSERT_TRUE(who);
    EXPECT_EQ(who->user, "me");
    const auto hand_off = next<HandOff>(joint);
    ASSERT_TRUE(hand_off);
    EXPECT_EQ(hand_off->to_client, rest);
    EXPECT_TRUE(hand_off->to_device.empty());
    EXPECT_EQ(hand_off->from_device, GetParam().from_device);
  }
}

INSTANTIATE_TEST_SUITE_P(All, RedirJointKinds,
                         testing::Values(KindRow{Service::Sol, Carry::SolMessages},
                                         KindRow{Service::Ider, Carry::IderMessages},
                                         KindRow{Service::Vnc, Carry::Splice}));

TEST(RedirJoint, KeepsWhatTheClientSendsBehindItsLogin) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  Buffer in = {0x10, 0, 0, 0, 'S', 'O', 'L', ' '};
  const Buffer login = {0x13, 0, 0, 0, 1, 4, 0, 0, 0, 1, 'a', 1, 'b'};
  const Buffer early = {0x20, 1, 2, 3};
  append(in, Bytes(login));
  append(in, Bytes(early));
  joint.receive_client(in, kNow);
  ASSERT_TRUE(next<NeedDevice>(joint));
  joint.device_opened({}, kNow);
  ASSERT_TRUE(next<ClientKnown>(joint));
  const auto hand_off = next<HandOff>(joint);
  ASSERT_TRUE(hand_off);
  EXPECT_EQ(hand_off->to_device, early);
}

struct FailureRow {
  const char* name;
  DeviceFailure failure;
  std::uint8_t status;
};

class RedirJointFailures : public testing::TestWithParam<FailureRow> {};

TEST_P(RedirJointFailures, BecomeTheStatusThatClientsPrint) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  redir::ClientRole client(client_options(Service::Sol), random, kNow);
  pump(client, joint);
  ASSERT_TRUE(next<NeedDevice>(joint));
  joint.device_failed(GetParam().failure, kNow);
  ASSERT_EQ(joint.client_output().size(), 13U) << "amtterm reads 13 bytes";
  EXPECT_EQ(joint.client_output()[1], GetParam().status);
  pump(client, joint);
  ASSERT_TRUE(failure(client));
  const auto end = next<End>(joint);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->error.code, GetParam().failure.error.code);
}

INSTANTIATE_TEST_SUITE_P(All, RedirJointFailures,
                         testing::Values(FailureRow{"busy", {{Errc::Busy, "busy"}, 0}, 2},
                                         FailureRow{"unsupported", {{Errc::Unsupported, "no"}, 3}, 3},
                                         FailureRow{"consent", {{Errc::Refused, "consent"}, 5}, 5},
                                         FailureRow{"unknown_status", {{Errc::Refused, "?"}, 0x77}, 0x77},
                                         FailureRow{"unreachable", {{Errc::Unreachable, "no route"}, 0}, 0xff},
                                         FailureRow{"credentials", {{Errc::AuthFailed, "wrong"}, 0}, 0xff}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(RedirJoint, AnswersAKindThatTheTargetLeavesOut) {
  CountingRandom random;
  RedirOptions options = everybody();
  options.services = {Service::Sol};
  RedirJoint joint(options, random, kNow);
  redir::ClientRole client(client_options(Service::Ider), random, kNow);
  pump(client, joint);
  EXPECT_FALSE(next<NeedDevice>(joint));
  const auto failed = failure(client);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, Errc::Unsupported);
}

TEST(RedirJoint, RefusesInWordsOnceTheClientHasSpoken) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  joint.fail({Errc::Refused, "not allowed"}, kNow);
  EXPECT_FALSE(joint.next_event()) << "nothing can be said before the client's start";
  EXPECT_TRUE(joint.client_output().empty());
  redir::ClientRole client(client_options(Service::Sol), random, kNow);
  pump(client, joint);
  const auto failed = failure(client);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 0xff);
  EXPECT_FALSE(next<NeedDevice>(joint));
}

TEST(RedirJoint, ASilentClientEndsAtItsDeadline) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  ASSERT_TRUE(joint.deadline());
  joint.tick(*joint.deadline());
  const auto end = next<End>(joint);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->error.code, Errc::Timeout);
}

TEST(RedirJoint, NamesWhatSpeaksInsteadOfRedirection) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  joint.receive_client(as_bytes("GET / HTTP/1.1\r\n"), kNow);
  const auto end = next<End>(joint);
  ASSERT_TRUE(end);
  EXPECT_NE(end->error.detail.find("HTTP"), std::string::npos) << end->error.detail;
}

TEST(RedirJoint, ADeviceThatFloodsIsEnded) {
  CountingRandom random;
  RedirJoint joint(everybody(), random, kNow);
  redir::ClientRole client(client_options(Service::Sol), random, kNow);
  pump(client, joint);
  ASSERT_TRUE(next<NeedDevice>(joint));
  joint.device_opened({}, kNow);
  const Buffer flood(kMaxEarly / 2 + 1, 0);
  joint.receive_device(flood, kNow);
  joint.receive_device(flood, kNow);
  const auto end = next<End>(joint);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->error.code, Errc::TooLarge);
}

TEST(RedirJointUsers, LetsInWhoKnowsThePasswordOnly) {
  const auth::SingleUser users({"ann", "right"});
  for (const bool right : {true, false}) {
    CountingRandom random;
    RedirOptions options = everybody();
    options.users = &users;
    options.realm = "Digest:00112233445566778899AABBCCDDEEFF";
    RedirJoint joint(options, random, kNow);
    redir::ClientRole client(client_options(Service::Sol, "ann", right ? "right" : "wrong"), random, kNow);
    pump(client, joint);
    ASSERT_TRUE(next<NeedDevice>(joint));
    joint.device_opened({}, kNow);
    pump(client, joint);
    EXPECT_EQ(client.open(), right);
    if (right) {
      const auto who = next<ClientKnown>(joint);
      ASSERT_TRUE(who);
      EXPECT_EQ(who->user, "ann");
      EXPECT_TRUE(next<HandOff>(joint));
    } else {
      const auto end = next<End>(joint);
      ASSERT_TRUE(end);
      EXPECT_EQ(end->error.code, Errc::AuthFailed);
      EXPECT_EQ(end->error.detail.find("wrong\""), std::string::npos);
    }
  }
}

TEST(RedirJointUsers, TheRightPasswordIsNotEnoughForEveryKind) {
  const auth::SingleUser users({"ann", "right"});
  for (const Service service : kAll) {
    for (const bool plaintext : {true, false}) {
      CountingRandom random;
      RedirOptions options = everybody();
      options.users = &users;
      options.realm = "Digest:00112233445566778899AABBCCDDEEFF";
      options.password_method = plaintext;
      options.why_not = [](std::string_view user, Service wanted) {
        return wanted == Service::Ider ? std::string(user) + " may not" : std::string();
      };
      RedirJoint joint(options, random, kNow);
      redir::ClientRole client(client_options(service, "ann", "right"), random, kNow);
      pump(client, joint);
      ASSERT_TRUE(next<NeedDevice>(joint));
      joint.device_opened({}, kNow);
      pump(client, joint);
      EXPECT_EQ(client.open(), service != Service::Ider);
      if (service != Service::Ider) continue;
      const auto end = next<End>(joint);
      ASSERT_TRUE(end);
      EXPECT_EQ(end->error.code, Errc::Refused);
      EXPECT_EQ(end->error.detail, "ann may not");
      EXPECT_TRUE(failure(client));
      EXPECT_FALSE(joint.next_event());
    }
  }
}

// --- passthrough --------------------------------------------------------------------------------------------

/// A client, a passthrough joint and a device that checks credentials, all in memory.
struct Passthrough {
  Passthrough(redir::ClientRole::Options client_opts, std::vector<redir::AuthMethod> device_methods,
              bool plaintext = false)
      : store({"admin", "P@ssw0rd1!"}),
        joint({.services = kAll, .allow_plaintext = plaintext, .device = "pc1"}, random, kNow),
        client(std::move(client_opts), random, kNow),
        device(device_options(std::move(device_methods)), random, kNow) {}

  redir::ServerRole::Options device_options(std::vector<redir::AuthMethod> methods) {
    redir::ServerRole::Options o;
    o.methods = std::move(methods);
    o.policy = redir::Verify{&store};
    o.strict_uri = true;
    o.strict_nc = true;
    o.max_failures = 3;
    return o;
  }

  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      if (scripted) {
        joint.client_sent(joint.client_output().size());
      } else {
        pump(client, joint);
      }
      while (auto event = joint.next_event()) {
        moved = true;
        if (std::holds_alternative<NeedDevice>(*event)) {
          EXPECT_EQ(std::get<NeedDevice>(*event).depth, Depth::Transport);
          joint.device_opened({}, kNow);
        } else if (auto* who = std::get_if<ClientKnown>(&*event)) {
          known = *who;
        } else if (auto* h = std::get_if<HandOff>(&*event)) {
          hand_off = std::move(*h);
        } else {
          end = std::get<End>(*event);
        }
      }
      while (!joint.device_output().empty()) {
        const Buffer out(joint.device_output().begin(), joint.device_output().end());
        joint.device_sent(out.size());
        EXPECT_TRUE(device.receive(out, kNow));
        moved = true;
      }
      while (auto event = device.next_event()) {
        moved = true;
        if (std::holds_alternative<redir::ServerRole::Start>(*event)) {
          if (busy) {
            device.reject(redir::StartStatus::Busy);
          } else {
            EXPECT_TRUE(device.accept(kNow));
          }
        } else if (auto* who = std::get_if<redir::ServerRole::Authenticated>(&*event)) {
          device_user = who->user;
          device_method = who->method;
        }
      }
      while (!device.output().empty()) {
        const Buffer out(device.output().begin(), device.output().end());
        device.sent(out.size());
        joint.receive_device(out, kNow);
        moved = true;
      }
    }
  }

  CountingRandom random;
  auth::SingleUser store;
  PassthroughJoint joint;
  redir::ClientRole client;
  redir::ServerRole device;
  bool busy = false;
  bool scripted = false;  // the test itself is the client
  std::optional<ClientKnown> known;
  std::optional<HandOff> hand_off;
  std::optional<End> end;
  std::string device_user;
  redir::AuthMethod device_method = redir::AuthMethod::Query;
};

redir::ClientRole::Options as_admin(Service service, const char* password = "P@ssw0rd1!") {
  auto o = client_options(service, "admin", password);
  o.goal = redir::ClientRole::Goal::Authenticated;
  return o;
}

TEST(PassthroughJoint, RelaysChallengeAndResponse) {
  for (const auto method : {redir::AuthMethod::Digest, redir::AuthMethod::DigestOld}) {
    Passthrough p(as_admin(Service::Sol), {method});
    p.run();
    EXPECT_TRUE(p.client.open());
    ASSERT_TRUE(p.hand_off);
    EXPECT_EQ(p.device_user, "admin");
    EXPECT_EQ(p.device_method, method);
    ASSERT_TRUE(p.known);
    EXPECT_EQ(p.known->user, "admin");
  }
}

TEST(PassthroughJoint, OneFailureAndItEnds) {
  Passthrough p(as_admin(Service::Sol, "wrong"), {redir::AuthMethod::Digest});
  p.run();
  EXPECT_FALSE(p.client.open());
  EXPECT_FALSE(p.hand_off);
  ASSERT_TRUE(p.end);
  EXPECT_EQ(p.end->error.code, Errc::AuthFailed);
}

TEST(PassthroughJoint, TheDevicesRefusalReachesTheClient) {
  Passthrough p(as_admin(Service::Vnc), {redir::AuthMethod::Digest});
  p.busy = true;
  p.run();
  const auto failed = failure(p.client);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, Errc::Busy);
  ASSERT_TRUE(p.end);
  EXPECT_EQ(p.end->error.code, Errc::Busy);
}

/// amtterm 1.4: method 1 straight after the start, without a query.
Buffer old_amtterm(const char* password) {
  Buffer in = {0x10, 0, 0, 0, 'S', 'O', 'L', ' '};
  const auto data = redir::encode_password({"admin", password});
  redir::encode(in, redir::Authenticate{redir::AuthMethod::Password, *data});
  return in;
}

TEST(PassthroughJoint, APasswordInClearBecomesADigestUpstream) {
  for (const bool right : {true, false}) {
    Passthrough p(as_admin(Service::Sol), {redir::AuthMethod::Digest});
    p.scripted = true;
    p.joint.receive_client(old_amtterm(right ? "P@ssw0rd1!" : "wrong"), kNow);
    p.run();
    EXPECT_EQ(p.hand_off.has_value(), right);
    EXPECT_EQ(p.end.has_value(), !right);
    if (right) {
      EXPECT_EQ(p.device_method, redir::AuthMethod::Digest);
      EXPECT_EQ(p.known->method, "passthrough password");
    } else {
      EXPECT_EQ(p.end->error.code, Errc::AuthFailed);
    }
  }
}

TEST(PassthroughJoint, AClientThatTriesForEverIsEnded) {
  Passthrough p(as_admin(Service::Sol), {redir::AuthMethod::Digest});
  p.scripted = true;
  p.joint.receive_client(Buffer{0x10, 0, 0, 0, 'S', 'O', 'L', ' '}, kNow);
  p.run();
  for (unsigned i = 0; i <= PassthroughJoint::kMaxRounds && !p.end; ++i) {
    p.joint.receive_client(Buffer{0x13, 0, 0, 0, 0, 0, 0, 0, 0}, kNow);
    p.run();
  }
  ASSERT_TRUE(p.end);
  EXPECT_EQ(p.end->error.code, Errc::AuthFailed);
}

}  // namespace
}  // namespace amtgate::session
