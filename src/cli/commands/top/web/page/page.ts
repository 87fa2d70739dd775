import { createHash } from 'node:crypto';
import style from './page.css?raw';
import markup from './page.html?raw';
import script from './page.mjs?raw';

/** The page: one file, which asks for nothing else but what it shows. It tells nothing of tunnels by itself. */
export const PAGE = markup
  .replace('<style></style>', () => `<style>${style}</style>`)
  .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`);

/** Its Content-Security-Policy: this script and this style, and requests to where it comes from. No text can become markup. */
export const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(script)}'`,
  `style-src '${hashOf(style)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
