/** Opens a page in the person's browser, where there is a screen to open it on. */
import { spawn } from 'node:child_process';

/** True when the platform's opener was started; false when there is no display, or no opener. */
export async function openBrowser(
  address: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const opener = openerOf(process.platform, environment);
  if (!opener) return false;
  const child = spawn(opener.command, [...opener.arguments, address], { detached: true, stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

interface Opener {
  readonly command: string;
  readonly arguments: readonly string[];
}

function openerOf(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): Opener | undefined {
  if (platform === 'darwin') return { command: 'open', arguments: [] };
  if (platform === 'win32') return { command: 'rundll32', arguments: ['url.dll,FileProtocolHandler'] };
  const hasDisplay = environment.DISPLAY || environment.WAYLAND_DISPLAY;
  return hasDisplay ? { command: 'xdg-open', arguments: [] } : undefined;
}
