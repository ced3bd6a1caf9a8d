// What `amtgate setupbin` changes in a file, as the command line says it, and what there is to say of passwords.
#pragma once

#include <string>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/setupbin/file.h"

namespace CLI {
class App;
}

namespace amtgate::cli {

/// What make and edit have in common.
struct SetupbinChanges {
  std::vector<std::string> set, set_from, ask, add, unset;
  std::string new_password_file, keyboard;
  bool show_passwords = false;
  bool force = false;
};

/// The options for them.
void add_options(CLI::App& app, SetupbinChanges& changes);

/// Before anybody is asked for a password: every name, and no secret among the arguments. Errors: BadValue.
Result<void> check_changes(const SetupbinChanges& changes);

bool is_secret_variable(setupbin::VariableId id);

/// Works on the records that are meant.
class SetupbinEditor {
 public:
  /// `file` outlives this. `force`: passwords that AMT does not take are written.
  SetupbinEditor(setupbin::File& file, std::vector<std::size_t> records, bool force)
      : file_(file), records_(std::move(records)), force_(force) {}

  /// Of changes that check_changes() let through. Errors: BadValue, System (a file), Closed (nobody to ask).
  Result<void> apply(const SetupbinChanges& changes);
  /// One variable. Errors: BadValue.
  Result<void> give(setupbin::VariableId id, const std::string& text);

 private:
  Result<void> from_file(setupbin::VariableId id, const std::string& path);
  Result<void> set(const std::string& name, const std::string& text);

  setupbin::File& file_;
  const std::vector<std::size_t> records_;
  const bool force_;
};

/// Says on standard error where the new password is on the keyboard that was named. Errors: BadValue (no such
/// layout).
Result<void> say_keys(const setupbin::File& file, const SetupbinChanges& changes);

/// "amtgate: warning: TEXT".
void print_warning(const std::string& text);

}  // namespace amtgate::cli
