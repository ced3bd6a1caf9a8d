#include "amtgate/sim/opt_in.h"

#include <gtest/gtest.h>

#include "amtgate/sim/machine_state.h"
#include "amtgate/wsman/consent.h"
#include "tests/support/counting_random.h"

namespace amtgate::sim {
namespace {

/// A whole machine at the end of a Caller, as WebConnection has it.
class Room final : public wsman::Caller {
 public:
  explicit Room(KvmConsent how) : state(options(how), random, TimePoint{}) {}
  static Options options(KvmConsent how) {
    Options o;
    o.profile = *find_profile("16.1");
    o.kvm_consent = how;
    return o;
  }
  Result<wsman::Reply> call(const wsman::Request& request) override {
    Management::Surroundings around;
    const Management::Answer answer = state.management().answer(to_xml(request), around, TimePoint{});
    changed = state.follow_consent();
    return wsman::parse_reply(answer.xml);
  }
  test::CountingRandom random;
  MachineState state;
  bool changed = false;
};

TEST(OptIn, ACodeAcceptedLetsTheScreenIn) {
  for (const KvmConsent how : {KvmConsent::Refuse, KvmConsent::Prompt, KvmConsent::Black}) {
    Room room(how);
    EXPECT_TRUE(room.state.awaits_consent());
    ASSERT_TRUE(wsman::start_consent(room));
    ASSERT_EQ(room.state.consent_code().size(), 6U);
    EXPECT_TRUE(room.state.awaits_consent());
    const Result<wsman::Consent> given = wsman::send_consent_code(room, room.state.consent_code());
    ASSERT_TRUE(given) << given.error().detail;
    EXPECT_FALSE(room.state.awaits_consent());
    EXPECT_EQ(room.state.screen().cover(), KvmPicture::Cover::None);
    ASSERT_TRUE(wsman::cancel_consent(room));
    EXPECT_TRUE(room.state.awaits_consent());
    EXPECT_EQ(room.state.refuses_kvm(), how == KvmConsent::Refuse);
    room.state.give_consent();  // the user at the machine
    EXPECT_EQ(wsman::read_consent(room)->state, wsman::Consent::State::Received);
  }
}

TEST(OptIn, TheSameDigitsCanBeTypedIntoThePicture) {
  Room room(KvmConsent::Prompt);
  ASSERT_TRUE(wsman::start_consent(room));
  for (const char c : std::string(room.state.consent_code())) {
    EXPECT_TRUE(room.state.consent_key({static_cast<std::uint32_t>(c)}));
  }
  EXPECT_FALSE(room.state.awaits_consent());
  EXPECT_TRUE(wsman::read_consent(room)->given());
}

TEST(OptIn, APolicyThatIsSwitchedOffCountsAtOnce) {
  Room room(KvmConsent::Refuse);
  Result<wsman::Instance> service = get(room, "IPS_OptInService");
  ASSERT_TRUE(service);
  service->set("OptInRequired", "0");
  ASSERT_TRUE(put(room, *service));
  EXPECT_TRUE(room.changed);
  EXPECT_FALSE(room.state.awaits_consent());
  service->set("OptInRequired", "1");
  ASSERT_TRUE(put(room, *service));
  EXPECT_TRUE(room.state.refuses_kvm());
}

}  // namespace
}  // namespace amtgate::sim
