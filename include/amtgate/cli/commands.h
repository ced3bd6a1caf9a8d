// The subcommands. Each adds its arguments to `app`, and gives what runs once they are parsed.
#pragma once

#include <functional>

#include "amtgate/cli/common.h"

namespace CLI {
class App;
}

namespace amtgate::cli {

using Run = std::function<int()>;

Run status_command(CLI::App& app, const Common& common);
Run sessions_command(CLI::App& app, const Common& common);
Run power_command(CLI::App& app, const Common& common);
Run info_command(CLI::App& app, const Common& common);
Run boot_command(CLI::App& app, const Common& common);
Run setup_command(CLI::App& app, const Common& common);
Run users_command(CLI::App& app, const Common& common);
Run consent_command(CLI::App& app, const Common& common);
Run time_command(CLI::App& app, const Common& common);
Run screenshot_command(CLI::App& app, const Common& common);
Run type_command(CLI::App& app, const Common& common);
Run key_command(CLI::App& app, const Common& common);
Run wait_screen_command(CLI::App& app, const Common& common);
Run images_command(CLI::App& app, const Common& common);
Run end_command(CLI::App& app, const Common& common);
Run reload_command(CLI::App& app, const Common& common);
Run passwd_command(CLI::App& app, const Common& common);
Run known_command(CLI::App& app, const Common& common);
Run doctor_command(CLI::App& app, const Common& common);
Run cert_command(CLI::App& app, const Common& common);
Run tls_command(CLI::App& app, const Common& common);
Run pki_command(CLI::App& app, const Common& common);
Run record_command(CLI::App& app, const Common& common);
Run sol_command(CLI::App& app, const Common& common);
Run ider_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
