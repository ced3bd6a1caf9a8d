// Steps: the commands that lead from the state of the machine to the plan, and back to where it was. Pure.
//
// Each table changes in one transaction of iptables-restore, so that no packet meets half of it. What `up` puts in
// place does nothing until its last table is there, and `down` takes that one away first; whatever a killed `up` left
// behind is a state like any other for the next one.
#pragma once

#include <string>
#include <vector>

#include "amtgate/rules/plan.h"
#include "amtgate/rules/state.h"

namespace amtgate::rules {

struct Step {
  std::string why;                   // a few words, for `show` and for errors
  std::vector<std::string> command;  // the program first
  std::string input;                 // for its standard input
};

/// What `up` does; empty when everything is in place already. Rules of ours that the plan does not have (an older
/// configuration's, or in the back end that is not used any more) are removed on the way.
/// Errors: Busy (somebody else's routes are in our routing table), with what to do.
Result<std::vector<Step>> up_steps(const Plan& plan, const FamilyState& now);

/// What `down` does, whatever configuration `up` had; empty when nothing of ours is there.
std::vector<Step> down_steps(const FamilyState& now);

/// Tables of the nf_tables back end that `up` made and that are empty but for the kernel's chains: the last thing
/// that `down` takes away. (The older back end keeps a table once it was used, until its module is unloaded.)
std::vector<TableState> empty_tables(const FamilyState& now);

/// The steps as a shell script that does the same: comments, commands, here-documents.
std::string to_shell(const std::vector<Step>& steps);

}  // namespace amtgate::rules
