import type { ServiceProgram } from './units.ts';

/** Under which launchd knows the agent. */
export const AGENT_LABEL = 'tshuttle.agent';

/** In the file, by which we know it again. */
export const WRITTEN_BY_US = 'Written by tshuttle service install';

/** Set for what launchd starts: it cannot be told which exit codes are not worth another try (exit-code.ts). */
export const LAUNCHD_MARKER = 'TSHUTTLE_LAUNCHD';

/** More files than the 256 that launchd gives: two for each flow. */
const OPEN_FILES = 10_240;

/** Between two starts, in seconds; launchd(8) has 10 where nothing is said. */
const THROTTLE_SECONDS = 10;

/**
 * What launchd of macOS starts at login, and again whenever it fails (launchd.plist(5)). For
 * ~/Library/LaunchAgents/tshuttle.agent.plist, and `launchctl bootstrap gui/$UID` of it. SSH_AUTH_SOCK is launchd's own there: the agent that
 * keeps passphrases in the keychain.
 *
 * @param configHome where the profiles are, when not in ~/.config: launchd need not know of it
 */
export function renderLaunchAgent(
  { nodePath, script }: ServiceProgram,
  profiles: readonly string[],
  logFile: string,
  configHome?: string,
): string {
  const environment = [
    [LAUNCHD_MARKER, '1'],
    ...(configHome === undefined ? [] : [['XDG_CONFIG_HOME', configHome]]),
  ];
  const words = [nodePath, script, 'up', '--foreground', ...profiles];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${WRITTEN_BY_US}. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${AGENT_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${escapeXml(word)}</string>`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${environment.map(([name = '', value = '']) => `    <key>${name}</key>\n    <string>${escapeXml(value)}</string>`).join('\n')}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${THROTTLE_SECONDS}</integer>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>${OPEN_FILES}</integer>
  </dict>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>Umask</key>
  <integer>${0o077}</integer>
  <key>StandardErrorPath</key>
  <string>${escapeXml(logFile)}</string>
</dict>
</plist>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
