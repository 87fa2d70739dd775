/** A file as text: by Vite in tests, and in what is built by .ci/raw-text.ts. */
declare module '*?raw' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: that is how Vite has it
  export default text;
}
