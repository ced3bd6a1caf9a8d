#include "amtgate/config/machine.h"

#include <gtest/gtest.h>

namespace amtgate::config {
namespace {

Config config() {
  Config out;
  const auto add = [&](const char* name, std::vector<Host> address, std::optional<Host> amt = std::nullopt) {
    Target target;
    target.name = name;
    target.address = std::move(address);
    target.amt = std::move(amt);
    out.targets.push_back(std::move(target));
  };
  add("one", {*Network::parse("192.0.2.1")});
  add("named", {std::string("pc.example")});
  add("many", {*Network::parse("198.51.100.0/24")});
  add("two", {*Network::parse("192.0.2.2"), *Network::parse("192.0.2.3")});
  add("elsewhere", {*Network::parse("192.0.2.4"), *Network::parse("2001:db8::4")}, *Network::parse("10.0.0.4"));
  add("narrow", {*Network::parse("198.51.100.64/30")});
  return out;
}

std::string found(std::string_view text) {
  const Config c = config();
  const Result<Machine> machine = find_machine(c, text);
  if (!machine) return machine.error().code == Errc::BadValue ? machine.error().detail : "another code";
  const auto* network = std::get_if<Network>(&machine->aim);
  return machine->target->name + " " +
         (network != nullptr ? network->to_string() : std::get<std::string>(machine->aim));
}

std::string address(const char* text) {
  return Network::parse(text)->to_string();
}

TEST(FindMachine, ByNameWhereItIsOneMachine) {
  EXPECT_EQ(found("one"), "one " + address("192.0.2.1"));
  EXPECT_EQ(found("named"), "named pc.example");
  EXPECT_EQ(found("elsewhere"), "elsewhere " + address("192.0.2.4")) << "all of them lead to one AMT";
}

TEST(FindMachine, ByAddressInTheNarrowestNetwork) {
  EXPECT_EQ(found("198.51.100.7"), "many " + address("198.51.100.7"));
  EXPECT_EQ(found("198.51.100.65"), "narrow " + address("198.51.100.65"));
  EXPECT_EQ(found("2001:db8::4"), "elsewhere " + address("2001:db8::4"));
  EXPECT_EQ(found("192.0.2.3"), "two " + address("192.0.2.3"));
  EXPECT_EQ(found("[2001:db8::4]"), "elsewhere " + address("2001:db8::4")) << "as URLs write it";
}

TEST(FindMachine, SaysWhatToDoOtherwise) {
  EXPECT_NE(found("many").find("name the machine by the address"), std::string::npos);
  EXPECT_NE(found("two").find("or write `amt`"), std::string::npos);
  EXPECT_NE(found("two").find("more than one address"), std::string::npos);
  for (const char* text : {"", "nobody", "203.0.113.1", "198.51.100.0/24"}) {
    EXPECT_NE(found(text).find("there is no target '" + std::string(text) + "'"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace amtgate::config
