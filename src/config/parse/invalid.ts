/** A text that is not what it should be. */
export class Invalid {
  readonly kind = 'invalid';
  /** What is wrong with it, in half a sentence that goes on after the text; no part that may be a password. */
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}
