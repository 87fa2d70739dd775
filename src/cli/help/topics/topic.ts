/** A page for people: `tshuttle help NAME` shows it, and the man page has it as a section. */
export interface Topic {
  readonly name: string;
  /** One line, for the list of topics. */
  readonly summary: string;
  readonly blocks: readonly Block[];
}

/** What a page is made of. Text is plain; renderers wrap it. */
export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  /** Shown as it is, as a user would type it. */
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | { readonly kind: 'list'; readonly items: ReadonlyArray<readonly [term: string, text: string]> };

/** A paragraph. */
export function paragraph(text: string): Block {
  return { kind: 'paragraph', text };
}

/** Command lines. */
export function commands(...lines: readonly string[]): Block {
  return { kind: 'commands', lines };
}

/** Terms, each with what is to be said of it. */
export function list(...items: ReadonlyArray<readonly [term: string, text: string]>): Block {
  return { kind: 'list', items };
}
