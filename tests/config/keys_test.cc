// The three places that name keys say the same: the table, conf/amtgate.conf and amtgate.conf(5).
#include "amtgate/config/keys.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "amtgate/config/load.h"

namespace amtgate::config {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path << ": run the tests from the top of the source";
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The file as it is after `#` is taken off each line that is a key: "section key" -> value.
std::map<std::string, std::string> keys_of_example() {
  std::map<std::string, std::string> out;
  std::istringstream in(read("conf/amtgate.conf"));
  std::string line;
  std::string section;
  while (std::getline(in, line) && line != "#[target pc1]") {
    if (line.starts_with('[')) section = line;
    if (!line.starts_with('#') || line.starts_with("# ")) continue;
    const std::size_t equals = line.find(" =");
    EXPECT_NE(equals, std::string::npos) << line;
    const std::string value = line.size() > equals + 3 ? line.substr(equals + 3) : "";
    EXPECT_TRUE(out.insert({section + " " + line.substr(1, equals - 1), value}).second) << line;
  }
  return out;
}

template <class T>
void compare(const std::string& section, std::span<const Key<T>> keys, std::map<std::string, std::string>& example) {
  const T defaults;
  for (const Key<T>& key : keys) {
    if (section == "[defaults]" && key.name == std::string("address")) continue;
    const auto at = example.find(section + " " + key.name);
    if (at == example.end()) {
      ADD_FAILURE() << "conf/amtgate.conf lacks " << key.name << " in " << section;
      continue;
    }
    EXPECT_EQ(at->second, key.show(defaults)) << key.name;
    example.erase(at);
  }
}

TEST(Keys, TheExampleFileEqualsTheDefaults) {
  std::map<std::string, std::string> example = keys_of_example();
  compare("[gateway]", gateway_keys(), example);
  compare("[intercept]", intercept_keys(), example);
  compare("[defaults]", target_keys(), example);
  for (const auto& [key, value] : example) ADD_FAILURE() << "conf/amtgate.conf has " << key << ", which is no key";
}

TEST(Keys, TheExampleFileHasNoMistakeAndNoWarning) {
  const Parsed parsed = load("conf/amtgate.conf");
  EXPECT_TRUE(parsed);
  for (const auto& list : {parsed.mistakes, parsed.warnings}) {
    for (const Mistake& m : list) ADD_FAILURE() << m.to_string();
  }
}

template <class T>
void in_manual(std::span<const Key<T>> keys, const std::string& manual) {
  for (const Key<T>& key : keys) {
    EXPECT_NE(manual.find(std::string("\n.It Ic ") + key.name + "\n"), std::string::npos)
        << "amtgate.conf.5 lacks an item for " << key.name;
  }
}

TEST(Keys, TheManualKnowsEachKey) {
  const std::string manual = read("man/amtgate.conf.5");
  in_manual(gateway_keys(), manual);
  in_manual(intercept_keys(), manual);
  in_manual(target_keys(), manual);
}

// What show() writes, set() reads back to the same.
template <class T>
void round_trip(std::span<const Key<T>> keys) {
  for (const Key<T>& key : keys) {
    T value;
    const std::string text = key.show(value);
    if (text.empty()) continue;
    EXPECT_TRUE(key.set(value, text, Key<T>::Order::First)) << key.name;
    EXPECT_EQ(key.show(value), text) << key.name;
    EXPECT_EQ(key.no_effect(value), nullptr) << key.name << ": a default warns of nothing";
    EXPECT_NE(std::string(key.help), "") << key.name;
  }
}

TEST(Keys, DefaultsReadBackAsTheyAreShown) {
  round_trip(gateway_keys());
  round_trip(intercept_keys());
  round_trip(target_keys());
}

}  // namespace
}  // namespace amtgate::config
