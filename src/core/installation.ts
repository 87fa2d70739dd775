import { fileURLToPath } from 'node:url';

const [, FOLDER = ''] = /^(.*)[\\/](?:src|dist)[\\/]/.exec(fileURLToPath(import.meta.url)) ?? [];

/** The folder with the package.json, bin/ and node_modules/ that this runs with, whether from src/ or from a bundle in dist/. */
export const INSTALLATION_FOLDER: string = FOLDER;
