import { defineConfig } from 'rolldown';
import { rawText } from './raw-text.ts';

/* One module of src/ or of the tests, for a process of its own (test/support/process/built-module.ts). */
export default defineConfig({
  input: process.env['TSHUTTLE_BUILT_MODULE'] ?? '',
  platform: 'node',
  external: /^[^./]/,
  plugins: [rawText()],
  output: { format: 'esm', codeSplitting: false },
});
