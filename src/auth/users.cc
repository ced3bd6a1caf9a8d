#include "amtgate/auth/users.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "amtgate/auth/digest.h"
#include "amtgate/base/hex.h"

namespace amtgate::auth {
namespace {

constexpr std::string_view kScheme = "pbkdf2-sha256";
constexpr std::size_t kMaxRealm = 64;   // amtterm takes no longer one
constexpr std::size_t kMaxLine = 2048;  // with as many grants as there may be
constexpr std::size_t kSaltDigits = 32;
constexpr std::size_t kHashDigits = 64;
constexpr std::size_t kHa1Digits = 32;

bool is_graph(char c) {
  return c > ' ' && c < 0x7f;
}

bool valid_realm(std::string_view realm) {
  return !realm.empty() && realm.size() <= kMaxRealm && std::ranges::all_of(realm, is_graph);
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxUserName &&
         std::ranges::all_of(name, [](char c) { return is_graph(c) && c != ':' && c != '#' && c != '"'; });
}

bool is_digits(std::string_view text, std::size_t length) {
  return text.size() == length &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// HASH of the file. `salt` is hexadecimal and was checked.
std::string derive(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const Result<Buffer> raw_salt = from_hex(salt);
  std::array<std::uint8_t, kHashDigits / 2> out{};
  if (!raw_salt || PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), raw_salt->data(),
                                     static_cast<int>(raw_salt->size()), static_cast<int>(iterations), EVP_sha256(),
                                     static_cast<int>(out.size()), out.data()) != 1) {
    std::abort();  // out of memory, or a libcrypto without SHA-256: nobody may get in, and nobody could
  }
  return to_hex(out);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBlank = " \t\r";
  for (std::size_t at = line.find_first_not_of(kBlank); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlank, at), line.size());
    out.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlank, end);
  }
  return out;
}

Result<void> check_grants(const std::vector<Grant>& grants) {
  if (grants.size() > kMaxGrants) return Error{Errc::TooLarge, "more than 16 roles"};
  for (const Grant& grant : grants) {
    if (std::ranges::count(grants, grant) > 1) {
      return Error{Errc::BadValue, "the role " + to_string(grant) + " is named twice"};
    }
  }
  return {};
}

Result<std::vector<Grant>> parse_grants(std::string_view text) {
  std::vector<Grant> grants;
  if (text == "-") return grants;
  for (const std::string_view word : split(text, ',')) {
    Result<Grant> grant = parse_grant(word);
    if (!grant) return grant.error();
    if (grants.size() == kMaxGrants) return Error{Errc::TooLarge, "more than 16 roles"};
    grants.push_back(std::move(*grant));
  }
  if (const Result<void> good = check_grants(grants); !good) return good.error();
  return grants;
}

/// `w` is the line's words, "user" first. The error's text has no file and line yet.
Result<UserEntry> parse_user(const std::vector<std::string_view>& w) {
  if (w.size() != 8) {
    return Error{Errc::BadValue, "a user line is: user NAME pbkdf2-sha256 ITERATIONS SALT HASH HA1 ROLES"};
  }
  UserEntry e;
  if (!valid_name(w[1])) {
    return Error{Errc::BadValue,
                 "a user name is 1 to 32 printable ASCII characters without blank, ':', '#' and '\"'"};
  }
  e.name = w[1];
  if (w[2] != kScheme) return Error{Errc::Unsupported, "the only password hash is pbkdf2-sha256"};
  const auto [end, ec] = std::from_chars(w[3].data(), w[3].data() + w[3].size(), e.iterations);
  if (ec != std::errc{} || end != w[3].data() + w[3].size() || e.iterations < kMinIterations ||
      e.iterations > kMaxIterations) {
    return Error{Errc::BadValue, "the iterations must be a number from 1000 to 1000000"};
  }
  if (!is_digits(w[4], kSaltDigits)) return Error{Errc::BadValue, "the salt must be 32 hexadecimal digits"};
  if (!is_digits(w[5], kHashDigits)) return Error{Errc::BadValue, "the hash must be 64 hexadecimal digits"};
  if (!is_digits(w[6], kHa1Digits)) return Error{Errc::BadValue, "the HA1 must be 32 hexadecimal digits"};
  e.salt = w[4];
  e.hash = w[5];
  e.ha1 = w[6];
  Result<std::vector<Grant>> grants = parse_grants(w[7]);
  if (!grants) return grants.error();
  e.grants = std::move(*grants);
  return e;
}

}  // namespace

Result<UsersFile> UsersFile::create(std::string realm) {
  if (!valid_realm(realm)) {
    return Error{Errc::BadValue, "a realm is 1 to 64 printable ASCII characters without blanks"};
  }
  return UsersFile(std::move(realm));
}

Result<UsersFile> UsersFile::parse(std::string_view text, std::string_view file) {
  std::optional<UsersFile> out;
  unsigned number = 0;
  const auto wrong = [&](Errc code, const std::string& what) {
    return Error{code, std::string(file) + ":" + std::to_string(number) + ": " + what};
  };
  if (text.size() > kMaxUsersFile) return wrong(Errc::TooLarge, "the file is over 1 MiB");
  while (!text.empty()) {
    ++number;
    const auto newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.size() > kMaxLine) return wrong(Errc::TooLarge, "the line is over 2048 bytes");
    const std::vector<std::string_view> w = words(line);
    if (w.empty() || w[0].starts_with('#')) continue;
    if (w[0] == "realm") {
      if (out) return wrong(Errc::BadValue, "a second realm line");
      if (w.size() != 2) return wrong(Errc::BadValue, "a realm line is: realm REALM");
      Result<UsersFile> made = create(std::string(w[1]));
      if (!made) return wrong(made.error().code, made.error().detail);
      out = std::move(*made);
    } else if (w[0] == "user") {
      if (!out) return wrong(Errc::BadValue, "a user before the realm line");
      Result<UserEntry> entry = parse_user(w);
      if (!entry) return wrong(entry.error().code, entry.error().detail);
      if (out->find(entry->name)) return wrong(Errc::BadValue, "user '" + entry->name + "' is there twice");
      if (out->users_.size() == kMaxUsers) return wrong(Errc::TooLarge, "more than 4096 users");
      out->users_.push_back(std::move(*entry));
    } else {
      return wrong(Errc::BadValue, "a line begins with 'realm', 'user' or '#'");
    }
  }
  if (!out) return wrong(Errc::BadValue, "there is no realm line");
  return std::move(*out);
}

std::string UsersFile::format() const {
  std::string out =
      "# Written by `amtgate passwd`. Keep it readable by the gateway's account alone.\nrealm " + realm_ + "\n";
  for (const UserEntry& e : users_) {
    out += "user " + e.name + " " + std::string(kScheme) + " " + std::to_string(e.iterations) + " " + e.salt + " " +
           e.hash + " " + e.ha1 + " ";
    for (std::size_t i = 0; i < e.grants.size(); ++i) out += (i ? "," : "") + to_string(e.grants[i]);
    out += e.grants.empty() ? "-\n" : "\n";
  }
  return out;
}

const UserEntry* UsersFile::find(std::string_view user) const {
  const auto it = std::ranges::find(users_, user, &UserEntry::name);
  return it == users_.end() ? nullptr : &*it;
}

Result<void> UsersFile::set(std::string_view user, std::string_view password, std::vector<Grant> grants,
                            RandomSource& random, std::uint32_t iterations) {
  if (!valid_name(user)) {
    return Error{Errc::BadValue,
                 "a user name is 1 to 32 printable ASCII characters without blank, ':', '#' and '\"'"};
  }
  if (password.empty() || password.size() > kMaxPassword) {
    return Error{Errc::BadValue, "a password has 1 to 32 bytes: stock clients send no longer one"};
  }
  if (iterations < kMinIterations || iterations > kMaxIterations) {
    return Error{Errc::BadValue, "the iterations must be a number from 1000 to 1000000"};
  }
  if (Result<void> good = check_grants(grants); !good) return good;
  auto it = std::ranges::find(users_, user, &UserEntry::name);
  if (it == users_.end()) {
    if (users_.size() == kMaxUsers) return Error{Errc::TooLarge, "more than 4096 users"};
    it = users_.insert(users_.end(), UserEntry{});
    it->name = user;
  }
  std::array<std::uint8_t, kSaltDigits / 2> salt{};
  random.fill(salt);
  it->salt = to_hex(salt);
  it->iterations = iterations;
  it->hash = derive(password, it->salt, iterations);
  it->ha1 = auth::ha1(user, realm_, password);
  it->grants = std::move(grants);
  return {};
}

Result<void> UsersFile::set_grants(std::string_view user, std::vector<Grant> grants) {
  if (Result<void> good = check_grants(grants); !good) return good;
  const auto it = std::ranges::find(users_, user, &UserEntry::name);
  if (it == users_.end()) return Error{Errc::BadValue, "there is no user " + std::string(user)};
  it->grants = std::move(grants);
  return {};
}

std::optional<Role> UsersFile::role_at(std::string_view user, std::string_view target,
                                       std::span<const std::string> tags) const {
  const UserEntry* entry = find(user);
  return entry == nullptr ? std::nullopt : auth::role_at(entry->grants, target, tags);
}

bool UsersFile::remove(std::string_view user) {
  return std::erase_if(users_, [&](const UserEntry& e) { return e.name == user; }) > 0;
}

std::optional<std::string> UsersFile::ha1(std::string_view user, std::string_view realm) const {
  const UserEntry* e = find(user);
  if (!e || realm != realm_) return std::nullopt;
  return e->ha1;
}

bool UsersFile::check_password(std::string_view user, std::string_view password) const {
  if (password.size() > kMaxPassword) return false;  // nothing that set() took; a long one would only cost time
  const UserEntry* e = find(user);
  // An unknown user costs as much as a known one, so that names cannot be tried by the clock.
  const std::string hash =
      derive(password, e ? e->salt : std::string(kSaltDigits, '0'), e ? e->iterations : kDefaultIterations);
  return e && equal_secret(hash, e->hash);
}

}  // namespace amtgate::auth
