import type { ServiceProgram } from './units.ts';

/** Under which launchd knows the agent. */
const AGENT_LABEL = 'tshuttle.agent';

/** Between two starts, in seconds; launchd(8) has 10 where nothing is said. */
const THROTTLE_SECONDS = 10;

/**
 * What launchd of macOS starts at login, and again whenever it fails (launchd.plist(5)). For
 * ~/Library/LaunchAgents/tshuttle.agent.plist, and `launchctl bootstrap gui/$UID` of it.
 */
export function renderLaunchAgent(
  { nodePath, script }: ServiceProgram,
  profiles: readonly string[],
  logFile: string,
): string {
  const words = [nodePath, script, 'up', '--foreground', ...profiles];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${AGENT_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${escapeXml(word)}</string>`).join('\n')}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${THROTTLE_SECONDS}</integer>
  <key>StandardErrorPath</key>
  <string>${escapeXml(logFile)}</string>
</dict>
</plist>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
